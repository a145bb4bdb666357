"""Random steps from ring 3 (user/tests/helpers/fuzz.c: calls above all; fuzz_code.c: machine code), with a different seed in each run, on
small and ordinary machines, with most of RAM as highmem, and in a kernel whose slabs detect misuse. Any difference afterwards is a failure.
FUZZ_SEED=n repeats a run; the seed on the last line of a log that ends early repeats a round: `run fuzz SEED 1`. With FUZZ_SECONDS all
machines together go on for so long, two at a time (`make soak`)."""
import os
import random
import re
import time

import pytest
from pexpect import EOF, TIMEOUT

from attic.machine import PROMPT
from machines import free_kb
from programs import debug_build

ROUNDS = {'fuzz': 60, 'fuzz_code': 20}  # of each program
SECONDS = 120
WARM_UP = 5  # rounds after which caches do not grow any more
SOAK = float(os.environ.get('FUZZ_SECONDS') or 0)
KEPT = 256   # kB that caches may keep; fuzz.a_few_seeds compares without them

MACHINES = {
    '8M': {'mem': '8M'}, '128M': {'mem': '128M'}, 'lowmem': {'mem': '128M', 'cmdline': 'lowmem=8M'},
    'qemu32': {'mem': '64M', 'cpu': 'qemu32'}, 'debug': {'mem': '64M'},
}


@pytest.fixture(scope='module')
def seed():
    """The seed of the run: each machine derives its own seeds from it."""
    return int(os.environ.get('FUZZ_SEED') or random.randrange(10**9))


@pytest.mark.parametrize('name', MACHINES)
def test_fuzz(name, seed, boot, check):
    build = debug_build() if name == 'debug' else None
    soak = SOAK * 2 / len(MACHINES)
    machine = boot(f'fuzz-{name}', build=build, timeout=2 * SECONDS + 2 * soak, **MACHINES[name])
    machine.expect(PROMPT, 20)
    again = f'FUZZ_SEED={seed}'
    first = seed + ROUNDS['fuzz'] * list(MACHINES).index(name)
    for program in ROUNDS:
        check_rounds(check, machine, program, first, WARM_UP, f'{name}, {program}, seeds from {first}: before the count', again)
    before = free_kb(machine)
    first += WARM_UP
    until = time.monotonic() + soak
    while True:
        for program, count in ROUNDS.items():
            check_rounds(check, machine, program, first, count, f'{name}, {program}, seeds from {first}: the kernel outlives them', again)
        if time.monotonic() >= until:
            break
        first += ROUNDS['fuzz'] * len(MACHINES)
    # The last round's processes may still be about to die when their parent has ended.
    check.true(machine.wait_until(lambda: free_kb(machine) >= before - KEPT), f'{name}: its memory is free',
               f'{free_kb(machine)} kB, {before} kB before; {again}')
    check.like(machine.run('audit'), 'all invariants hold', f'{name}: the audit finds nothing', again)


def check_rounds(check, machine, program, first, count, name, again):
    """Rounds from a seed on. On failure: how to repeat them, and what is known about their end. It is not the kernel's if QEMU 7.2 cannot
    translate one of the random instructions and aborts: this machine then ends here."""
    try:
        said, end = machine.run(f'run {program} {first} {count} say', SECONDS), 'it has ended'
    except (EOF, TIMEOUT):
        if 'tcg fatal error' in machine.said_by_qemu():
            pytest.skip('QEMU cannot translate a random instruction and aborts')
        said, end = '', f'no prompt came in {SECONDS} s'
    last = re.findall(rf'^{program}: seed (\d+)$', said or machine.output, re.M) or ['none']
    check.like(said, rf'^{program}\[\d+\]: exit status 0,', name,
               f'{again}; `run {program} {first} {count}`: the last round is {last[-1]}, and {end}\n{machine}')
    assert said, 'the machine does not answer any more'
