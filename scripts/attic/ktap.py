"""The in-kernel tests by name; and the judge of the serial log of a run: KTAP version 1 (Linux's Documentation/dev-tools/ktap.rst)."""
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path


def names_in(*folders: Path) -> Iterator[str]:
    """The names of in-kernel tests, from their sources."""
    for file in (file for folder in folders for file in sorted(folder.rglob('*.c'))):
        for suite, name in re.findall(r'^KTEST(?:_SLOW)?\((\w+), (\w+)\)', file.read_text(), re.M):
            yield f'{suite}.{name}'


@dataclass
class Result:
    name: str
    ok: bool
    skip: str | None = None  # why
    notes: list[str] = field(default_factory=list)


@dataclass
class Run:
    """A run is complete, and without problems, when it has a header, a plan, every number of the plan once and in order, no name twice, and
    ended in pass or fail according to its results."""
    tests: list[Result] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


# What a processor may lack, as a pattern: QEMU's `max` has all that Attic asks for.
NOTHING, ANYTHING = '(?!)', ''


def lacks(cpu: str) -> str:
    return NOTHING if cpu == 'max' else ANYTHING


def judge(output: str, status: str, lacks: str = ANYTHING) -> Run:
    """`output` is that of the serial port, `status` how the machine ended (Machine.status). `lacks` is what the processor may lack: a test
    that is skipped because the processor lacks something else is a problem."""
    run, headers, plans, notes = Run(), [], [], []
    for line in output.splitlines():
        if found := re.fullmatch(r'KTAP version (\d+)', line):
            headers.append(found[1])
        elif found := re.match(r'1\.\.(\d+)', line):
            plans.append(int(found[1]))
        elif found := re.match(r'(not )?ok (\d+) (?:- )?(\S+)(?: # SKIP ?(.*))?', line):
            run.tests.append(Result(found[3], not found[1], found[4], notes))
            notes = []
            if int(found[2]) != len(run.tests):
                run.problems.append(f'result {found[2]} where {len(run.tests)} should be')
        elif line.startswith('# '):
            notes.append(line)
    run.problems += [f'{name} is there twice' for name, count in Counter(test.name for test in run.tests).items() if count > 1]
    run.problems += [f'KTAP version {version}' for version in headers if version != '1']
    for what, found in (('KTAP header', headers), ('plan', plans)):
        if len(found) != 1:
            run.problems.append(f'a second {what}' if found else f'no {what}')
    if plans and plans[0] != len(run.tests):
        run.problems.append(f'{plans[0]} tests planned, {len(run.tests)} reported')
    if not run.tests:
        run.problems.append('no tests')
    run.problems += [f'{test.name}: {test.skip}' for test in run.tests
                     if (test.skip or '').startswith('this processor') and not re.search(lacks, test.skip)]
    expected = 'pass' if all(test.ok for test in run.tests) else 'fail'
    if status != expected:
        run.problems.append(f'ended in {status}, not {expected}')
    return run
