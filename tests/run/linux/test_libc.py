"""Programs of ordinary C libraries: user/linux/*.c, built statically with glibc and with musl, print the same on Attic as on Linux, byte
for byte, and end with the same status. On Attic they are started at the monitor's prompt, without a shell.

musl is fetched if necessary (`make musl`); glibc comes with the cross compiler.
"""
import re

import pytest

from attic.build import ROOT, build_dir, fetched, make, make_initramfs, with_make
from attic.machine import PROMPT
from linux import NOT_ENDED, programs_on_linux

NAMES = sorted(source.stem for source in (ROOT / 'user/linux').glob('*.c'))


def test_there_are_programs(check):
    check.true(len(NAMES) > 5, 'there are programs', NAMES)
    check.true((build_dir() / 'user/glibc/hello').exists(), 'the cross compiler has a static glibc')


@pytest.mark.parametrize('libc', ['glibc', 'musl'])
def test_libc(libc, boot, check, can_be_had):
    if libc == 'musl':
        can_be_had(fetched, 'musl', 'musl/lib/libc.a')
        with with_make():
            made = make('libc')  # musl may not have been there when `make test` built them
        check.equal(made.returncode, 0, 'make libc', made.stdout)
    programs = {f'{libc}_{name}': build_dir() / 'user' / libc / name for name in NAMES}
    runs = {name: [program] for name, program in programs.items()}
    runs[f'{libc}_hello_arguments'] = [programs[f'{libc}_hello'], 'one', 'two', 'three']
    linux = can_be_had(programs_on_linux, f'libc-{libc}', runs)
    machine = boot(f'libc-{libc}', initramfs=make_initramfs(f'libc-{libc}', programs=programs)[0], silence=40)
    check.true(machine.saw(PROMPT), f'{libc}: boots', machine)
    for name, (_, *arguments) in sorted(runs.items()):
        output, status = linux.get(name, NOT_ENDED)
        check.equal(status, 0, f'{name}: passes on Linux', output)
        said = machine.run(' '.join(['run', name.removesuffix('_arguments'), *arguments]))
        end = re.search(r'^\w+\[\d+\]: (?:exit status (\d+))?.*\n\Z', said, re.M)  # after the program's output
        check.equal(end and end[1], '0', f'{name}: passes in Attic', said)
        check.equal(said[:end.start()] if end else said, output, f'{name}: prints the same')
    check.like(machine.run('audit'), 'hold', f'{libc}: every invariant holds')
    check.equal(machine.finish('poweroff'), 'pass', f'{libc}: power off', machine)
