"""A kernel built with DEBUG=1: misuse of kmalloc that it must detect, with both call sites named. What the default build detects is tested
in test_crash.py; the self-tests run with all checks at once in test_sanitizers.py."""
import pytest

from machines import unfolded
from programs import debug_build

PLACE = r'\+0x[0-9a-f]+/0x[0-9a-f]+'
BY = f'crash_allocate{PLACE}'
REPORTS = {
    'double-free': f'freed, but it is not out; allocated by {BY}, freed by crash_free{PLACE}, now freed by crash_double_free{PLACE}',
    'foreign-free': f'8 bytes from its start, is freed instead; allocated by {BY}, now freed by crash_free{PLACE}',
    'overrun': f'written past its end: byte 60 is 01, not cc; allocated by {BY}, now freed by crash_free{PLACE}',
    'use-after-free': f'written after it was freed: byte 8 is 01, not 6b; allocated by {BY}, freed by crash_free{PLACE}, '
                      f'now allocated by {BY}',
}


@pytest.fixture(scope='module')
def build():
    return debug_build()


@pytest.mark.parametrize('how', REPORTS)
def test_misuse(how, build, boot, check):
    machine = boot(f'debug-{how}', build=build, timeout=60, input=f'crash {how}\n')
    check.equal(machine.finish(), 'panic', f'crash {how}: status', machine)
    check.like(unfolded(machine.output), rf'^PANIC at mm/frame/slab\w*\.c:\d+ \(\w+\): cache kmalloc-64, object 0x[0-9a-f]{{8}}: .*{REPORTS[how]}',
               f'crash {how}: cache, object, what is wrong, and who', machine)
