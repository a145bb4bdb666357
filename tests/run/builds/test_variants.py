"""Kernels that solve a problem in another way (tests/variants/): of the self-tests exactly those fail that the variant names."""
from fnmatch import fnmatchcase

import pytest

from attic import ktap
from attic.build import build_dir
from attic.changes import VARIANTS, Change, names
from programs import run_make

TIMEOUT = 400


@pytest.mark.parametrize('name', names(VARIANTS))
def test_ktest(name, boot, check):
    said, status = run_make(f'VARIANT={name}', 'booted')
    check.equal((status, 'warning' in said), (0, False), f'{name}: is built without a warning', said)
    machine = boot(f'variant-{name}', build=build_dir() / 'variants' / name, cmdline='ktest=* ktest_slow=off', timeout=TIMEOUT)
    status = machine.finish()
    judged = ktap.judge(machine.output, status)
    globs = Change.read(name, VARIANTS).tests
    failed = [test.name for test in judged.tests if not test.ok]
    check.equal(judged.problems, [], f'{name}: the self-tests run to their end', machine)
    check.equal([test for test in failed if not any(fnmatchcase(test, glob) for glob in globs)], [], f'{name}: tests that fail', machine)
    check.equal([glob for glob in globs if not any(fnmatchcase(test, glob) for test in failed)], [], f'{name}: tests that fail no more')
