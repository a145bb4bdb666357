"""The terminal with typed input: line editing, end of file, signals, raw modes, flow control and typing ahead, with a program of Attic;
then job control with an unmodified ash, if busybox is there (tests/run/linux/test_busybox.py fetches it)."""
import os
import re
import time
from contextlib import contextmanager

import pytest

from attic.build import fetched, make_initramfs, symbols
from attic.machine import PROMPT, Machine
from machines import read_port

LINE_STATUS, TRANSMITTER_EMPTY = 0x3fd, 0x20  # of the first serial port


@pytest.fixture(scope='module')
def machine():
    with Machine('tty') as machine:
        machine.expect(PROMPT)
        yield machine


def typist(machine, check):
    """A function that types, and waits for the expected output."""
    def type_keys(keys, answer, name):
        machine.send(keys)
        check.true(machine.saw(answer, 10), name, machine)
    return type_keys


@pytest.fixture
def typed(machine, check):
    return typist(machine, check)


def test_lines(machine, check, typed):
    check.like(machine.output, PROMPT, 'the prompt')
    typed('run tty_read\n', '^ready\n', 'a program reads')
    typed('hello\n', r'\Ahello\nread 6: hello\$\n', 'a line, with its echo')
    typed('abx\x7fc\n', r'\Aabx\x08 \x08c\nread 4: abc\$\n', 'an erased character')
    typed('wrong\x15right\n', r'^read 6: right\$\n', 'an erased line')
    typed('one two\x17three\n', r'^read 10: one three\$\n', 'an erased word')
    typed('\x16\x03\n', r'\A\^\x08\^C\nread 2: \?\$\n', 'Ctrl-V takes Ctrl-C for a character')
    typed('first\nsecond\n', r'^read 6: first\$\nsecond\nread 7: second\$\n',
          'two lines at once: one for each read, echoed when it is read')
    typed('half\x04', r'\Ahalfread 4: half\n', 'Ctrl-D ends a line that has begun')
    typed('\x04', r'^end: 0\n.*exit status 0', 'and else the file')
    machine.expect(PROMPT, 10)


def test_signals(machine, check, typed):
    for signal, key, shown in (('SIGINT', '\x03', '^C'), ('SIGQUIT', '\x1c', '^\\')):
        typed('run tty_read\n', '^ready\n', f'a program reads, for {signal}')
        typed(f'dropped{key}', rf'{re.escape(shown)}\ntty_read\[\d+\]: killed by signal \d+ \({signal}\)\n', f'{shown} ends it')
        check.true(machine.saw(PROMPT, 10), 'the prompt is back')
        check.equal(machine.run(''), '', 'and what was typed is dropped')
    typed('run tty_read\n', '^ready\n', 'a program reads')
    typed('\x1ago on\n', r'^read 6: go on\$\n', 'Ctrl-Z: nobody could let it go on, so it is not stopped')
    typed('\x03', 'killed by', 'Ctrl-C')
    machine.expect(PROMPT, 10)
    typed('run tty_read noflush\n', '^ready\n', 'NOFLSH')
    machine.send('audit\n\x1c')
    check.true(machine.saw(PROMPT, 10), 'a signal ends the program, and what was typed before it stays', machine)
    machine.send('\n')
    check.true(machine.saw(PROMPT, 10), 'and the prompt comes again')


def test_typing_ahead_and_flow_control(machine, check, typed):
    machine.send('run tty_read\nq one\naudit\n')
    check.true(machine.saw(re.compile(r'^read 6: q one\$\n.*^attic> audit\naudit: [^\n]*\naudit: all', re.M | re.S), 10),
               'what a program does not read is for the monitor', machine)
    machine.expect(PROMPT, 10)
    typed('run tty_read\n', '^ready\n', 'a program reads')
    machine.send('\x13held\n')
    check.true(not machine.saw('^read', 1), 'Ctrl-S holds its output back')
    typed('\x11', r'^read 5: held\$\n', 'Ctrl-Q lets it go on')
    typed('\x04', 'end: 0', 'end')
    machine.expect(PROMPT, 10)


def test_raw(machine, typed):
    typed('run tty_read raw 1 0\n', '^ready\n', 'raw')
    typed('x', r'\Aread 1: x\n', 'a byte, without echo')
    typed('\x7f\x04\x15', r'(?:read [123]: .*\n)+', 'keys are bytes')
    typed('\r', r'read \d: .*\$\n', 'a return is a newline still')
    typed('q', 'exit status 0', 'end')
    machine.expect(PROMPT, 10)
    typed('run tty_read\n', '^ready\n', 'the next program finds the usual settings')
    typed('ab\x7f\n', r'\Aab\x08 \x08\nread 2: a\$\n', 'with lines and echo')
    typed('\x04', 'end: 0', 'end')
    machine.expect(PROMPT, 10)


def test_raw_with_vmin_and_vtime(machine, check, typed):
    typed('run tty_read raw 3 0\n', '^ready\n', 'VMIN 3')
    machine.send('ab')
    check.true(not machine.saw('read', 0.7), 'two bytes are not enough')
    typed('c', r'\Aread 3: abc\n', 'three are')
    typed('qrs', 'exit status 0', 'end')
    machine.expect(PROMPT, 10)
    typed('run tty_read raw 3 5\n', '^ready\n', 'VMIN 3, VTIME 5')
    check.true(not machine.saw('read|end', 1), 'the first byte is waited for')
    typed('ab', r'\Aread 2: ab\n', 'half a second without another one is the end')
    typed('\x03', 'killed', 'end')
    machine.expect(PROMPT, 10)
    start = time.monotonic()
    typed('run tty_read raw 0 10\n', '^ready\n', 'VMIN 0, VTIME 10')
    check.true(machine.saw('end: 0', 5), 'nothing within a second is the end of the file')
    check.true(time.monotonic() - start > 0.9, 'and not before')
    machine.expect(PROMPT, 10)


def test_background_and_end(machine, check):
    check.like(machine.run('run tty_read &'), 'in the background', 'a program in the background')
    check.true(machine.wait_until(lambda: 'end: -5\n' in machine.output), 'it cannot read: EIO', machine)
    machine.run('')
    check.like(machine.run('audit'), 'all invariants hold', 'audit')
    check.equal(machine.finish('poweroff'), 'pass', 'power off', machine)


# ---- ash ----

ASH = r'^[~/] # (?:\x1b\[6n)?\Z'  # busybox 1.37 writes HOME as ~; it asks the terminal where the cursor is
# It prints when it has begun, and when it continues: by then it has the terminal.
SLEEPER = """sh -c 'trap "echo awake" CONT; echo begun; while sleep 1; do :; done'\n"""


def then_prompt(pattern):
    return re.compile(f'{pattern}.*{ASH}', re.M | re.S)


@pytest.fixture(scope='module')
def ash(can_be_had):
    busybox = can_be_had(fetched, 'busybox', 'busybox/busybox')
    with Machine('tty-ash', cmdline='init=/bin/sh', initramfs=make_initramfs('tty-ash', busybox=busybox)[0]) as machine:
        machine.expect(ASH, 20)
        yield machine


@pytest.fixture
def ash_typed(ash, check):
    return typist(ash, check)


def test_ash(ash, check, ash_typed):
    check.like(ash.output, ASH, "ash's prompt")
    check.unlike(ash.output, 'job control turned off', 'with job control')
    ash_typed('echo one; echo two\n', then_prompt(r'^one\ntwo\n'), 'a command')
    ash_typed('ecko\x08\x08ho three\n', then_prompt(r'^three\n'), 'edited by ash itself, in raw mode')


def test_ash_jobs(ash_typed):
    ash_typed(SLEEPER, '^begun\n', 'a program in the foreground')
    ash_typed('\x03', then_prompt(r'\^C'), 'Ctrl-C ends it, and not ash')
    ash_typed(SLEEPER, '^begun\n', 'another')
    ash_typed('\x1a', then_prompt(r'\^Z.*Stopped +sh -c .*\n'), 'Ctrl-Z stops it')
    ash_typed('bg\n', 'awake\n', 'bg')
    ash_typed('fg\n', 'awake\n', 'fg')
    ash_typed('\x03', then_prompt(r'\^C'), 'Ctrl-C')


def test_ash_reads(ash, check, ash_typed):
    ash_typed('cat\n', 'cat\n', 'cat reads lines')
    ash_typed('abX\x7fc\n', '^abc\n', 'edited by the terminal')
    ash_typed('\x04', ASH, 'until Ctrl-D')
    ash_typed('cat &\n', ASH, 'cat in the background')

    def stopped():
        ash.send('jobs\n')
        return ash.saw(then_prompt(''), 10) and re.search(r'Stopped \(tty input\) +cat\n', ash.after)
    check.true(ash.wait_until(stopped), 'is stopped by SIGTTIN', ash)
    ash_typed('fg\n', '^cat\n', 'fg')
    ash_typed('now\n', '^now\nnow\n', 'and then it reads')
    ash_typed('\x04', ASH, 'until Ctrl-D')


def test_ash_writes_and_asks_for_a_password(ash_typed):
    ash_typed('stty tostop; echo behind & wait; jobs; stty -tostop\n', then_prompt(r'Stopped \(tty output\)'), 'stty tostop: SIGTTOU')
    ash_typed('fg\n', then_prompt(r'^behind\n'), 'fg')
    ash_typed('yes\n', r'(?:^y\n){1000}', 'a program that never stops writing')
    ash_typed('\x03', then_prompt(r'\^C'), 'is ended by Ctrl-C')
    ash_typed("head -c 300000 /dev/zero | tr '\\0' x\n", 'x{5000}', 'nor does one that writes no lines')
    ash_typed('\x03', then_prompt(r'\^C'), 'keep Ctrl-C away')
    ash_typed('stty -echo; echo now; read x; stty echo; echo "<$x>"\n', '^now\n', 'a password')
    ash_typed('secret\n', then_prompt(r'\A(?!.*secret\n<).*^<secret>\n'), 'is not echoed')


def test_ash_ends(ash, check, ash_typed):
    ash_typed('exit\n', PROMPT, 'exit: the monitor')
    check.like(ash.run('audit'), 'all invariants hold', 'audit')
    check.equal(ash.finish('poweroff'), 'pass', 'power off', ash)


@contextmanager
def nobody_reads(machine):
    """The output of the machine is not read."""
    output, (nothing, never) = machine.process.stdout, os.pipe()
    try:
        with open(nothing, 'rb', buffering=0) as machine.process.stdout, open(never, 'wb'):
            yield
    finally:
        machine.process.stdout = output


def test_slow_port(boot, check):
    """The output of the machine is not read, and the port is busy for ever, as a real one is for the time of a character. The machine waits
    with interrupts on: its clock continues."""
    machine = boot('tty-slow', silence=60)

    def is_busy():
        return not read_port(machine, LINE_STATUS) & TRANSMITTER_EMPTY

    def ticks():
        return machine.tables.word(symbols().physical('jiffies'))
    check.true(machine.saw(PROMPT), 'a slow port: the prompt', machine)
    with nobody_reads(machine):
        machine.send('help\n' * 100 + 'poweroff\n')
        check.true(machine.wait_until(is_busy), 'nobody reads: the port is busy')
        before = ticks()
        check.true(machine.wait_until(lambda: ticks() > before + 20), 'nobody reads: the clock goes on')
        check.true(is_busy(), 'nobody reads: and the port is busy still')
    check.equal(machine.finish(), 'pass', 'and somebody reads: all is said', machine)
    check.equal(len(re.findall('^poweroff +end the machine$', machine.output, re.M)), 100, 'and nothing is lost')
