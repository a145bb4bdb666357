"""Processes by the thousand, from the prompt: ten thousand cycles of fork, exec and exit, and a fork bomb, after which all memory is free
again and programs run as before. And Linux's limits for the number of processes."""
import re

import pytest

from attic.machine import PROMPT, Machine
from machines import free_kb

CYCLES = 10_000
SECONDS = 300  # for them, on a busy machine
KEPT = 1024    # kB that caches may keep after a fork bomb


@pytest.fixture(scope='module')
def machine():
    with Machine('processes', mem='64M', timeout=900, silence=SECONDS) as machine:
        machine.expect(PROMPT, 20)
        yield machine


def programs_left(machine):
    return [line for line in re.findall(r'^ *\d+ .*', machine.run('ps'), re.M) if not re.search(' (?:idle|init)$', line)]


def check_cycles(check, machine, name):
    check.like(machine.run('run cycles 100'), 'exit status 0,', name)


def test_cycles(machine, check):
    check_cycles(check, machine, 'some cycles, after which caches hold what they keep')
    before = free_kb(machine)
    check.true(before > 0, 'meminfo tells the free memory')
    check.like(machine.run(f'run cycles {CYCLES}', SECONDS), 'exit status 0,', f'{CYCLES} cycles of fork, exec and exit')
    check.equal(free_kb(machine), before, 'and not a page is missing')
    check.equal(programs_left(machine), [], 'nor is a process left')


def test_fork_bomb(machine, check):
    """At the prompt the first process has ended; the others must each run once to end."""
    machine.run('run cycles 100')
    before = free_kb(machine)
    check.like(machine.run('run fork_bomb', SECONDS), 'killed by signal 9', 'a fork bomb, and its end')
    check.true(machine.wait_until(lambda: not programs_left(machine)), 'no process is left of it', machine)
    free = free_kb(machine)
    check.true(free > before - KEPT, 'its memory is free', f'{free} kB, {before} kB before')
    check_cycles(check, machine, 'programs run as before')
    check.like(machine.run('audit'), 'all invariants hold', 'the audit finds nothing')
