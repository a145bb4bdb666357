"""Allocators, lists and areas as 32-bit programs of this host, under the address and undefined-behaviour sanitizers. If the host cannot run
i386 programs, qemu-i386 runs them, but AddressSanitizer does not work in it. For `make coverage` they are counted instead.
"""
import os
import re
import subprocess

import pytest

from attic import coverage
from attic.build import ROOT, build_dir, made, ran, runs_i386

FLAGS = '-std=gnu11 -g -O1 -fno-omit-frame-pointer -fno-builtin -Wall -Wextra -Werror -fno-sanitize-recover=all'.split()

# A child that ends by _exit() writes no counters. panic() has another half in the kernel, and gcovr 5 refuses two functions of one name.
COUNTED = ['-Og', '--coverage', '-D_exit=exit', '-fprofile-exclude-files=lib/panic.c']

# Code that needs no kernel data uses the headers of tests/host/shim instead of the kernel's; other code needs its address map.
SHIM = ['-Itests/host/shim', '-Iinclude']
KERNEL = ['-fno-strict-aliasing', '-Iinclude']
FRAMES = [f'mm/frame/{name}.c' for name in ('buddy', 'zone', 'page_alloc', 'page_check', 'slab', 'slab_check', 'slab_debug', 'kmalloc')]
AREAS = [f'mm/kva/{name}.c' for name in ('vmap_area', 'vmap_check', 'vmalloc')]

PROGRAMS = {
    'mm': [*KERNEL, 'tests/host/mm_test.c', *FRAMES, *AREAS],
    'mm_debug': [*KERNEL, '-DCONFIG_DEBUG_SLAB', 'tests/host/mm_test.c', *FRAMES, *AREAS],  # the slabs of a DEBUG=1 build
    'lib': [*SHIM, 'tests/host/lib_test.c'],
    'memblock': [*SHIM, 'tests/host/memblock_test.c'],
    'vma': [*KERNEL, 'tests/host/vma_test.c', 'mm/user/vma.c', 'mm/user/vma_check.c'],
}


def compiler():
    """The cross compiler brings its own 32-bit libc and sanitizers; gcc-multilib, which cc -m32 needs, cannot be installed at the same time
    on Debian."""
    lib = '/usr/i686-linux-gnu/lib'
    if 'HOSTCC32' in os.environ:
        return os.environ['HOSTCC32'].split()
    if os.path.exists(f'{lib}/ld-linux.so.2'):
        return ['i686-linux-gnu-gcc', f'-Wl,--disable-new-dtags,-rpath,{lib}', f'-Wl,--dynamic-linker={lib}/ld-linux.so.2']
    return ['cc', '-m32']


@pytest.mark.parametrize('name', PROGRAMS)
def test_host(name, check):
    if coverage.counts() and 'CONFIG_DEBUG_SLAB' in ' '.join(PROGRAMS[name]):
        pytest.skip('coverage is that of the kernel without DEBUG=1')
    program = made(build_dir() / 'host') / name
    sanitizers, run = ('address,undefined', []) if runs_i386() else ('undefined', ['qemu-i386'])
    how = COUNTED if coverage.counts() else [f'-fsanitize={sanitizers}']
    library = sorted(str(file.relative_to(ROOT)) for file in (ROOT / 'lib').glob('*.c'))
    subprocess.run([*compiler(), *FLAGS, *how, *PROGRAMS[name], *library, '-o', program], cwd=ROOT, check=True)
    done = ran(*run, program)
    planned = re.search(r'^1\.\.(\d+)$', done.stdout, re.M)
    results = re.findall(r'^(not )?ok (\d+) - (.*)', done.stdout, re.M)
    for bad, _, point in results:
        check.true(not bad, point, done.stdout)
    numbers = [int(number) for _, number, _ in results]
    assert planned and numbers == list(range(1, int(planned[1]) + 1)), f'a plan, and each of its results once:\n{done.stdout}'
    assert done.returncode == any(bad for bad, *_ in results), f'{done.returncode} is the exit status of:\n{done.stdout}'
    if run:
        check.skip(f'{name}: under AddressSanitizer',
                   'no AddressSanitizer: it does not run under qemu-i386, and this host runs no i386 programs')
