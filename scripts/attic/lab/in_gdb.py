"""Run by gdb for grade.py, on a stopped machine: follow the self-tests from outside, and write down how each ended.

The kernel reports each result by a call of report_result(), where gdb stops and reads the counts in memory. What the kernel prints plays no
part. A call that does not come from the test core is a forgery. When all tests have ended, the kernel's code is compared with the file:
nobody may have changed the test core meanwhile.

Environment: JUDGED, a file that gets a line of JSON for each result; WANTED, how many results there must be.
"""
import json
import os
import shutil
import subprocess
import tempfile

import gdb

# What the kernel patches at its start, if the processor has it: stac and clac, and the way to sysenter in the vDSO.
PATCHES = {b'\x0f\x01\xcb': b'\x66\x66\x90', b'\x0f\x01\xca': b'\x66\x66\x90', b'\x89\xe5\x0f\x34': b'\x90\x90\x90\x90'}
REPORT, CORE, CORE_FILE = 'report_result', ('run_test', 'ktest_run'), 'kernel/monitor/ktest.c'
STRAY_STOPS = 10


def write(**result):
    with open(os.environ['JUDGED'], 'a') as file:
        file.write(json.dumps(result) + '\n')


def to_the_next(last):
    """Continue up to the next result: another call than the last one. Returns which. A machine may stop elsewhere, for example because QEMU
    is asked to stop it, or twice at the same call."""
    for _ in range(STRAY_STOPS):
        gdb.execute('continue', to_string=True)
        frame = gdb.selected_frame()
        if frame.name() == REPORT and of_the_core(frame) and (call := (int(frame.read_var('test')), int(frame.read_register('esp')))) != last:
            return call
    raise gdb.error(f'{STRAY_STOPS} stops without a result')


def of_the_core(frame):
    """Whether the function is that of the test core: a student's file may have one with the same name."""
    return frame.function().symtab.filename.endswith(CORE_FILE)


def one_result():
    frame = gdb.selected_frame()
    caller = frame.older()
    test, running = frame.read_var('test').dereference(), gdb.parse_and_eval(f"'{CORE_FILE}'::running")
    name = f'{test["suite"].string()}.{test["name"].string()}'
    honest = caller is not None and caller.name() in CORE and of_the_core(caller)
    write(name=name, failures=int(running['failures']), skipped=bool(running['skipped']), honest=honest)


def extent(section):
    """First address and size, from gdb's list of sections."""
    start, end = next(line.split()[:3:2] for line in gdb.execute('info files', to_string=True).splitlines() if line.endswith(f' is {section}'))
    return int(start, 16), int(end, 16) - int(start, 16)


def in_memory(section):
    return unpatched(gdb.selected_inferior().read_memory(*extent(section)).tobytes())


def unpatched(data):
    for new, old in PATCHES.items():
        data = data.replace(new, old)
    return data


def in_file(section):
    folder = tempfile.mkdtemp()
    file = os.path.join(folder, 'section')
    subprocess.run([os.environ.get('OBJCOPY', 'objcopy'), '-O', 'binary', '--only-section', section, gdb.current_progspace().filename, file],
                   check=True)
    with open(file, 'rb') as data:
        found = data.read()
    shutil.rmtree(folder)
    return unpatched(found)


def main():
    gdb.Breakpoint(f'{CORE_FILE}:{REPORT}')
    last = None
    for _ in range(int(os.environ['WANTED'])):
        last = to_the_next(last)
        one_result()
    write(code=all(in_memory(name) == in_file(name) for name in ('.text', '.rodata')))


try:
    main()
except gdb.error as error:  # the machine has ended, or no function reports results
    print(error)
