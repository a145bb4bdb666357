"""Seeds that give tasks, and allocations that are refused, another order (kernel/turns.c): a few of the thousand of `make turns`. A seed
repeats its order exactly; another seed has another; an option that makes no sense is named."""
import re

import pytest

from attic.turns import again, run_seed

ALL = 'turns.*'
SEEDS = [1, 2, 3, 6]


@pytest.mark.parametrize('seed', SEEDS)
def test_seed(seed, check):
    found = run_seed(seed, ALL)
    check.true(not found.failed, f'seed {seed}: all tests pass', f'{"; ".join(found.failed)}; again: {again(seed, ALL)}\n{found.machine}')
    turns, refused = re.match(r'(\d+) turns at \d+ points, (\d+) refusals', found.order).groups()
    check.true(int(turns) > 1000, f'seed {seed}: others ran at many points', found.order)
    check.true(int(refused) > 5, f'seed {seed}: allocations were refused', found.order)


def test_order(check):
    first, second, other = (run_seed(seed, ALL).order for seed in (1, 1, 2))
    check.equal(second, first, 'a seed repeats its order')
    check.true(other != first, 'another seed has another order', other)


def test_options(boot, check):
    machine = boot('turns-options', cmdline='turns=many fail=0 ktest=list.*')
    check.equal(machine.finish(), 'pass', 'the tests run without an order', machine)
    for option in ('turns=many', 'fail=0'):
        check.like(machine.output, rf'^{option} is not a number from 1 on: ignored\.$', f'{option} is named')
    machine = boot('turns-fail-alone', cmdline='fail=5 ktest=list.*')
    check.equal(machine.finish(), 'pass', 'fail= alone refuses nothing', machine)
    check.like(machine.output, r'^fail=5 needs turns=SEED: ignored\.$', 'and this is said')


def test_reason(boot, check):
    machine = boot('turns-apart', cmdline='turns=1 ktest=kill.programs_that_are_looked_at')
    machine.finish()
    check.like(machine.output, r'^ok 1 kill\.\w+ # SKIP not with turns=: .+$', 'a test that cannot run with turns says why')
