"""Run by gdb for grade.py, on a stopped machine: follow the self-tests from outside, and write down how each ended.

The kernel reports each result by a call of report_result(), and counts each failure in count_failure(): gdb stops at both. What the kernel
prints plays no part. A call that does not come from the test core is a forgery. When all tests have ended, the kernel's code is compared
with the file: nobody may have changed the test core meanwhile.

WANTED is how many results there must be.
"""
import os
import subprocess
import tempfile

import gdb
from attic.lab.inside import WANTED, extent, go_on_until, number, read, run, write

# What the kernel patches at its start, if the processor has it: stac and clac, and the way to sysenter in the vDSO.
PATCHES = {b'\x0f\x01\xcb': b'\x66\x66\x90', b'\x0f\x01\xca': b'\x66\x66\x90', b'\x89\xe5\x0f\x34': b'\x90\x90\x90\x90'}
REPORT, FAILURE, CORE, CORE_FILE = 'report_result', 'count_failure', ('run_test', 'ktest_run'), 'kernel/monitor/ktest.c'


def call_of_report():
    """Which result is being reported, or None where the machine stands elsewhere."""
    frame = gdb.selected_frame()
    return (number('test'), number('$esp')) if frame.name() == REPORT and of_the_core(frame) else None


def to_the_next(last, failure):
    """Continue up to the next result: another call than the last one. Returns which, and whether `failure`, the breakpoint for failures, was
    met before it: the count in memory could be set back."""
    go_on_until(lambda: call_of_report() not in (None, last) or gdb.selected_frame().name() == FAILURE)
    failed = gdb.selected_frame().name() == FAILURE
    if failed:
        failure.enabled = False  # the first one decides, and there may be ten thousand
        go_on_until(lambda: call_of_report() not in (None, last))
        failure.enabled = True
    return call_of_report(), failed


def of_the_core(frame):
    """Whether the function is that of the test core: a student's file may have one with the same name."""
    return frame.function().symtab.filename.endswith(CORE_FILE)


def one_result(failed):
    frame = gdb.selected_frame()
    caller = frame.older()
    test, running = frame.read_var('test').dereference(), gdb.parse_and_eval(f"'{CORE_FILE}'::running")
    name = f'{test["suite"].string()}.{test["name"].string()}'
    honest = caller is not None and caller.name() in CORE and of_the_core(caller)
    write(name=name, failed=failed or bool(running['failures']), skipped=why_skipped(running), honest=honest)


def why_skipped(running):
    """Or an empty text. A student's kernel may hold anything there."""
    if not running['skipped']:
        return ''
    return read(int(running['skip_reason'].address), running['skip_reason'].type.sizeof).partition(b'\0')[0].decode('latin-1') or '?'


def in_memory(section):
    return unpatched(read(*extent(section)))


def unpatched(data):
    for new, old in PATCHES.items():
        data = data.replace(new, old)
    return data


def in_file(section):
    with tempfile.NamedTemporaryFile() as file:
        subprocess.run([os.environ.get('OBJCOPY', 'objcopy'), '-O', 'binary', '--only-section', section, gdb.current_progspace().filename,
                        file.name], check=True)
        with open(file.name, 'rb') as data:  # objcopy may have made a new one
            return unpatched(data.read())


def main():
    gdb.Breakpoint(f'{CORE_FILE}:{REPORT}')
    failure, last = gdb.Breakpoint(f'{CORE_FILE}:{FAILURE}'), None
    for _ in range(WANTED):
        last, failed = to_the_next(last, failure)
        one_result(failed)
    write(code=all(in_memory(name) == in_file(name) for name in ('.text', '.rodata')))


run(main)
