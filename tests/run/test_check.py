"""`make check`: in-kernel tests on one machine, chosen by make's variables; and, with a fake QEMU, its report of a run that fails or breaks
off."""
import re

import pytest

from attic.build import log_dir
from programs import run_make

FAILED = """KTAP version 1
1..3
ok 1 list.add
# lib/list.c:3: expected 1, found 2
not ok 2 list.remove
ok 3 list.move # SKIP no list
"""

# The machine's output, its exit status, and the expected report.
LOGS = {
    'a failed test': (FAILED, 35, r'\Anot ok list\.remove\n  # lib/list\.c:3: expected 1, found 2\n'
                                  r'not run:\n  list\.move: no list\n1 passed, 1 failed\n'),
    'a panic': ('KTAP version 1\n1..2\nok 1 list.add\nPANIC at lib/list.c:3\n' + 25 * '  a call\n', 37,
                r'\A2 tests planned, 1 reported\nended in panic, not pass\ncheck: the kernel panicked; log: .*/check\.log\n'
                r'(?:  \| .*\n)*  \| PANIC at lib/list\.c:3\n(?:  \|   a call\n){25}1 passed, 1 failed\n'),
    'only skipped': ('KTAP version 1\n1..1\nok 1 list.add # SKIP no list\n', 33, r'\Anot run:\n  list\.add: no list\n0 passed, 0 failed\n'),
    'skipped by mistake': ('KTAP version 1\n1..1\nok 1 list.add # SKIP this processor has no SMEP\n', 33,
                           r'\Alist\.add: this processor has no SMEP\n(?s:.*)^0 passed, 1 failed\n'),
}


def check_make(*arguments, **options):
    said, status = run_make('check', *arguments, **options)
    return re.sub(r'^(?:  [A-Z]+ |make: ).*\n', '', said, flags=re.M), status


def test_passes(check):
    said, status = check_make('T=rbtree.*')
    check.like(said, r'\A[1-9]\d* passed, 0 failed\n\Z', 'tests that pass: one line')
    check.equal(status, 0, 'and status 0')


def test_machine_of_the_variables(check):
    said, _ = check_make('T=mm.*', 'CPU=qemu32', 'MEM=16M', 'CMDLINE=lowmem=8M')
    check.like(said, '^not run:\n  .*: this processor has no SMEP', 'CPU=qemu32: lacks SMEP')
    log = (log_dir() / 'check.log').read_text(errors='replace')
    check.like(log, r'^map: 0xc0[0-9a-f]+\.\.0xc07fffff -> ', 'CMDLINE=lowmem=8M comes along')


@pytest.mark.parametrize('variable, why', [
    ('T=nosuch.*', r"no in-kernel test matches 'nosuch\.\*'; `test -l` "), ('T=a b', "'a b' is not one glob"),
    ('TIMEOUT=soon', "TIMEOUT takes a number of seconds, not 'soon'"), ('FIRMWARE=none', "the firmware is one of .*, not 'none'"),
    ('CPU=none', r"QEMU failed with status 1\nqemu-system-i386: unable to find CPU model 'none'"),
])
def test_refused(variable, why, check):
    said, status = check_make(variable)
    check.like(said, rf'\Acheck: {why}.*\n0 passed, 1 failed\n\Z', f'{variable}: one line says why')
    check.true(status, f'{variable}: fails')


@pytest.mark.parametrize('name', LOGS)
def test_verdict(name, tmp_path, monkeypatch, check):
    text, status, wanted = LOGS[name]
    (tmp_path / 'log').write_text(text)
    fake = tmp_path / 'qemu'
    fake.write_text(f'#!/bin/sh\n[ "$1" != --version ] || {{ echo "version 8.0"; exit; }}\ncat {tmp_path}/log\nexit {status}\n')
    fake.chmod(0o755)
    monkeypatch.setenv('QEMU', str(fake))
    said, ended = check_make('T=list.*')
    check.like(said, wanted + r'\Z', f'{name}: what is said')
    check.true(ended, f'{name}: fails')
