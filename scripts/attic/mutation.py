"""Kill a mutant: build it, and run tests on it until one fails.

    fault(mutants, 'build')                        # the test that fails without any defect, or None
    found = kill(Change.read('wp-off', BUGS), 'build')
    found.test         # 'audit.all_holds', 'boot: triple-fault', or None when all passed
    found.passed       # what the mutant names, and passes
    found.seconds
    failures(mutant, 'build', suites)              # all self-tests that fail on it

The cheapest tests come first: those that the mutant names, then all self-tests on one machine, which is ended at the first that fails. A
machine that hangs, panics or resets kills the mutant as well, with the last self-test that had begun.
"""
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from attic import ktap
from attic.build import ROOT
from attic.changes import Change, Misfit
from attic.machine import EOF, TIMEOUT, Machine

SECONDS = 240  # for all self-tests on one machine
OPTION = 400   # characters of `ktest=`: the command line has 512


class Found(NamedTuple):
    test: str | None
    passed: list[str]
    seconds: float


def kill(mutant: Change, build: str, all_tests: str = '*') -> Found:
    start, passed = time.monotonic(), []
    with built(mutant, build) as folder:
        for test in mutant.tests:
            if killer := run_tests(mutant, test, folder):
                break
            passed.append(test)
        else:
            killer = run_tests(mutant, all_tests, folder)
    return Found(killer, passed, time.monotonic() - start)


def failures(mutant: Change, build: str, suites: list[str]) -> set[str]:
    """The self-tests of these suites that fail on it. Where a machine breaks off, another one goes on with the next suite."""
    failed = set()
    with built(mutant, build) as folder:
        while suites:
            taken = first_of(suites)
            with machine_of(mutant, ','.join(f'{suite}.*' for suite in taken), folder) as machine:
                status = machine.finish()
            judged = ktap.judge(machine.output, status)
            failed |= {test.name for test in judged.tests if not test.ok}
            begun = {test.name.partition('.')[0] for test in judged.tests}
            if status not in ('pass', 'fail'):
                where = broken_off(machine.output, status, 'boot').partition(':')[0]
                failed |= set() if where.startswith('after ') else {where}  # the last one that passed
                begun.add(where.removeprefix('after ').partition('.')[0])
            if begun.isdisjoint(taken):
                break  # they are not in this kernel, or it does not come as far as that
            suites = [suite for suite in suites if suite not in begun]
    return failed


def first_of(suites: list[str]) -> list[str]:
    """As many as a command line has room for."""
    ends = [sum(len(suite) + 3 for suite in suites[:count]) for count in range(1, len(suites) + 1)]
    return suites[:sum(end <= OPTION for end in ends)]


@contextmanager
def built(mutant: Change, build: str) -> Iterator[str]:
    """The folder of its kernel, as long as that is there."""
    folder = f'{build}/{"checks/" if mutant.options.get("DEBUG") else ""}bugs/{mutant.name}'
    try:
        made = make(mutant, build, 'booted')
        if made.returncode:
            raise Misfit(f'it cannot be built:\n{made.stdout}')
        yield folder
    finally:
        shutil.rmtree(ROOT / folder, ignore_errors=True)


def fault(mutants: list[Change], build: str, all_tests: str = '*') -> str | None:
    """A test that the correct kernel fails, so that it proves nothing: of all self-tests, and of those that mutants name for other
    machines."""
    wanted = {('', all_tests): Change('none', '', '', [])}
    wanted |= {(str(mutant.options), test): mutant for mutant in mutants if mutant.options for test in mutant.tests if not on_host(test)}
    failed = (run_tests(mutant, test, f'{build}/checks' if mutant.options.get('DEBUG') else build) for (_, test), mutant in wanted.items())
    return next((killer for killer in failed if killer), None)


def make(mutant: Change, build: str, *words: str) -> subprocess.CompletedProcess:
    options = ['DEBUG=1', f'BUILD={build}/checks'] if mutant.options.get("DEBUG") else [f"BUILD={build}"]
    return subprocess.run(['make', '--no-print-directory', f'BUG={mutant.name}', *options, *words], cwd=ROOT, text=True, check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def run_tests(mutant: Change, test: str, folder: str) -> str | None:
    """The first test that fails: of the self-tests that match a glob, or of a file of tests/run/, whose name has no dot and no star."""
    if on_host(test):
        return run_on_host(mutant, test, folder)
    with machine_of(mutant, test, folder) as machine:
        if failed := first_failure(machine):
            return failed
        status = machine.finish()
    judged = ktap.judge(machine.output, status)
    if status == 'fail' and not judged.tests:
        raise Misfit(f'no self-test matches {test}')
    return broken_off(machine.output, status, test) if judged.problems else None


def machine_of(mutant: Change, tests: str, folder: str) -> Machine:
    return Machine(f'mutant-{mutant.name}', build=Path(folder), cmdline=f'ktest={tests}', timeout=SECONDS,
                   cpu=mutant.options.get('CPU'), mem=mutant.options.get('MEM'))


def on_host(test: str) -> bool:
    return re.fullmatch(r'\w+(?:::.*)?', test) is not None


def first_failure(machine: Machine) -> str | None:
    try:
        machine.expect(r'^not ok \d+ (\S+)\n')
        return machine.match[1]
    except (EOF, TIMEOUT):
        return None


def broken_off(output: str, status: str, test: str) -> str:
    """How a run ended that did not come to its end, and in which test."""
    passed = re.findall(r'^ok \d+ (\S+)', output, re.M)
    running = re.search(r'^Self-test: (\S+)', output, re.M)
    if running:
        where = running[1]
    elif passed:
        where = f'after {passed[-1]}'
    else:
        where = test if re.search('^KTAP', output, re.M) else 'boot'
    return f'{where}: {status}'


def run_on_host(mutant: Change, test: str, folder: str) -> str | None:
    made = make(mutant, folder.partition('/bugs/')[0].removesuffix('/checks'), 'test', f'T={test}')
    failed = re.search(r'^_+ (.+?) _+$', made.stdout, re.M)
    if not made.returncode:
        return None
    return f'{test}: {failed[1] if failed else "ended with status %d" % made.returncode}'
