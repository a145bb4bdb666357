"""A kernel with all checks at once, DEBUG=1 KASAN=1 UBSAN=1: the self-tests in it, and what it says of errors that other kernels do not
notice. The self-tests kasan.* and ubsan.* have the details."""
import pytest

from attic.build import compiler
from ktests import check_ktests
from machines import unfolded, wide
from programs import debug_build

PLACE = r'\+0x[0-9a-f]+/0x[0-9a-f]+'
AT = r'of size 1 at 0x[0-9a-f]{8} by '
BY = f'allocated by crash_allocate{PLACE}'
REPORTS = {
    'overrun': f'write {AT}crash_overrun{PLACE}: slab-out-of-bounds; object 0x[0-9a-f]{{8}} of cache kmalloc-64, 60 bytes; byte 60 of it; {BY}; '
               '0x[0-9a-f]{8} is in lowmem, memory',
    'use-after-free': f'write {AT}crash_use_after_free{PLACE}: slab-use-after-free; object 0x[0-9a-f]{{8}} of cache kmalloc-64, 64 bytes; '
                      f'byte 8 of it; {BY}, freed by crash_free{PLACE}',
    'global': f'read {AT}crash_global{PLACE}: global-out-of-bounds; byte 20 of \\w*global\\S*, which has 20; kernel/monitor/monitor_crash.c',
    'vfree': f'write {AT}crash_vfree{PLACE}: vmalloc-use-after-free: the area has been freed; 0xf[0-9a-f]{{7}} is in vmalloc, ',
    'freed-stack': f'read {AT}crash_freed_stack{PLACE}: stack-use-after-free: the kernel stack of a task that has ended; 0xf[0-9a-f]{{7}} is in vmalloc, ',
}


def clang():
    return any('clang' in word for word in compiler())


needs_gcc = pytest.mark.skipif(clang(), reason='KASAN=1 needs gcc')


@pytest.fixture(scope='module')
def build():
    kasan = [] if clang() else ['KASAN=1']
    return debug_build(*kasan, 'UBSAN=1', name='sanitized')


def test_ktest(build, check):
    """Half of memory is highmem, which needs kmap_local_page()."""
    check_ktests(check, 'sanitized', 'sanitized', cmdline='lowmem=64M', build=build, timeout=600, silence=60)


@needs_gcc
@pytest.mark.parametrize('how', REPORTS)
def test_report(how, build, boot, check):
    machine = boot(f'sanitized-{how}', build=build, timeout=120, silence=60, input=f'crash {how}\n')
    check.equal(machine.finish(), 'panic', f'crash {how}: status', machine)
    check.like(unfolded(machine.output), rf'^PANIC at lib/kasan\.c:\d+ \(report\): KASAN: {REPORTS[how]}', f'crash {how}: who, what, and where', machine)
    check.equal(wide(machine.output), [], f'crash {how}: in 80 columns')


@needs_gcc
def test_too_little_memory(build, boot, check):
    """The shadow needs an eighth of lowmem and of the vmalloc area."""
    machine = boot('sanitized-small', build=build, mem='16M', timeout=120)
    check.equal(machine.finish(), 'refuse', 'with 16 MiB it refuses', machine)
    check.like(machine.output, r'^Attic cannot start: .*KASAN shadow', 'and says why', machine)
