"""Where the console is: the first serial port that the machine has, and the screen with the keyboard. Machines without the first port,
without any, without a keyboard; typing on the keyboard, and what the screen shows."""
import re
from string import ascii_lowercase, ascii_uppercase

import pytest

from attic.machine import PROMPT, Machine
from machines import shows

NO_SERIAL = {'serial': 'none', 'timeout': 600, 'silence': 600}
NO_KEYBOARD = 'pc,i8042=off'
PROMPT_SHOWN = r'^attic>\n'
AUDITED = r'^attic> audit\naudit: \d+ frames.*\naudit: all invariants hold\nattic>\n'
WHERE = r'^There is no serial port: the console is the screen and the keyboard\.$'
PLAIN = ascii_lowercase + "`1234567890-=[]\\;',./"
SHIFTED = ascii_uppercase + '~!@#$%^&*()_+{}|:"<>?'


def at_prompt(check, machine, behind, name):
    """The cursor is in the last row that is not empty, so many characters after the prompt."""
    def is_there():
        row = machine.screen.text().rstrip('\n').count('\n')
        return machine.screen.cursor() == (row, len('attic> ') + behind)
    there = machine.wait_until(is_there)
    check.true(there, name, there or f'{machine.screen.cursor()}\n{machine.screen.text()}')


@pytest.mark.parametrize('kind', ['pc', 'q35', 'isapc'])
def test_no_serial_port(kind, boot, check):
    machine = boot(f'console-screen-{kind}', machine=kind, **NO_SERIAL)
    shows(check, machine, WHERE, f'{kind}: it says where the console is')
    shows(check, machine, PROMPT_SHOWN, f'{kind}: the prompt')
    at_prompt(check, machine, 0, f'{kind}: with the cursor behind it')
    machine.screen.type('audit\n')
    shows(check, machine, AUDITED, f'{kind}: a command that is typed is run')
    machine.screen.type('poweroff\n')
    check.equal(machine.finish(), 'pass', f'{kind}: power off', machine)


@pytest.fixture(scope='module')
def machine():
    """A machine with one line in its history."""
    with Machine('console-keys', machine='pc', **NO_SERIAL) as machine:
        for line, pattern in (('', PROMPT_SHOWN), ('audit\n', AUDITED)):
            machine.screen.type(line)
            assert machine.wait_until(lambda: re.search(pattern, machine.screen.text(), re.M)), machine.screen.text()
        yield machine


def test_characters(machine, check):
    machine.screen.type(PLAIN)
    shows(check, machine, f'^attic> {re.escape(PLAIN)}\n', 'all plain characters')
    machine.screen.press('ctrl-u')
    shows(check, machine, r'^attic>\n\n', 'Ctrl-U erases them')
    machine.screen.type(SHIFTED)
    shows(check, machine, f'^attic> {re.escape(SHIFTED)}\n', 'all with Shift')
    machine.screen.press('ctrl-c')
    shows(check, machine, r'\?\^C\nattic>\n', 'Ctrl-C drops the line')
    machine.screen.press('caps_lock', 'a', 'shift-b', '1', 'shift-1', 'caps_lock', 'c')
    shows(check, machine, r'^attic> Ab1!c\n', 'Caps Lock is for letters')
    machine.screen.press(*['backspace'] * 5)


def test_editing_keys(machine, check):
    machine.screen.type('adit')
    machine.screen.press('left', 'left', 'left', 'u', 'end', 'x', 'backspace', 'home', 'y', 'home', 'delete')
    shows(check, machine, r'^attic> audit\n', 'Left, End, Backspace, Home, Delete: a line is edited')
    at_prompt(check, machine, 0, 'and the cursor is at its start')
    machine.screen.press('f1', 'f5', 'f12', 'insert', 'pgup', 'num_lock', 'kp_7', 'kp_5', 'num_lock', 'kp_7', 'right', 'up', 'down', 'kp_1')
    shows(check, machine, r'^attic> 75audit\n', 'function keys type nothing; the keypad numbers with Num Lock only')
    machine.screen.press('home', 'delete', 'delete', 'kp_enter')
    shows(check, machine, AUDITED, 'Enter of the keypad')
    machine.screen.press('up')
    shows(check, machine, r'^attic> audit\n\n', 'Up: the line before')
    machine.screen.press('ctrl-u')
    machine.screen.type('mem\t')
    shows(check, machine, r'^attic> meminfo\n', 'Tab completes')
    machine.screen.press('ctrl-l')
    shows(check, machine, r'\Aattic> meminfo\n\s*\Z', 'Ctrl-L: the line alone, in the first row')
    at_prompt(check, machine, 8, 'with the cursor behind it')
    machine.screen.press('ctrl-w')
    shows(check, machine, r'\Aattic>\n\s*\Z', 'Ctrl-W erases the word')


def test_long_line(machine, check):
    """Backspaces lead back from a row to the one before it."""
    line = (ascii_lowercase * 4)[:80]
    machine.screen.type(line)
    shows(check, machine, f'^attic> {line[:73]}\n{line[73:]}\n', 'a line of more than one row')
    machine.screen.press(*['backspace'] * 9)
    shows(check, machine, f'^attic> {line[:71]}\n\n', 'is erased across the edge')
    machine.screen.type(line[71:])
    machine.screen.press('home', 'shift-x', 'end', 'shift-y')
    shows(check, machine, f'^attic> X{line[:72]}\n{line[72:]}Y\n', 'and edited from its start')
    machine.screen.press('ctrl-u')
    shows(check, machine, r'^attic>\n\n', 'and erased whole')


def test_program(machine, check):
    machine.screen.type('run tty_read\n')
    shows(check, machine, r'^ready\n', 'a program reads')
    machine.screen.type('one\n')
    shows(check, machine, r'^one\nread 4: one\$\n', 'what is typed')
    machine.screen.type('abx')
    machine.screen.press('backspace', 'c', 'ret')
    shows(check, machine, r'^abc\nread 4: abc\$\n', 'with Backspace')
    machine.screen.press('ctrl-d')
    shows(check, machine, r'^end: 0\n(?s:.*)^attic>\n', 'Ctrl-D is the end of the file')
    machine.screen.type('run tty_read\n')
    shows(check, machine, r'^ready\n\n', 'another program')
    machine.screen.press('ctrl-c')
    shows(check, machine, r'^\^C\ntty_read\[\d+\]: killed by signal \d+ \(SIGINT\)\n(?s:.*)^attic>\n', 'Ctrl-C ends it')


def test_scrolling(machine, check):
    for _ in range(12):  # more than the rows of the window
        machine.screen.type('help\n')
    shows(check, machine, r'^attic>\n\Z', 'at the bottom of the screen')
    machine.screen.type('audit')
    at_prompt(check, machine, 5, 'the cursor is in its last row')
    machine.screen.press('ctrl-u')


def test_map(machine, check):
    """It draws at the top of the screen repeatedly, until a key is pressed."""
    machine.screen.type('map -w\n')
    shows(check, machine, r'\ARAM: .*\n0x', 'map -w begins in the first row')
    check.unlike(machine.screen.text(), r'\x1b|\[\d*[HJKm]', 'and its sequences are not shown')
    check.true(len(set(machine.screen.colours())) > 3, 'it has colours')
    machine.screen.press('x')
    shows(check, machine, PROMPT_SHOWN, 'a key ends it')


def test_second_serial_port(boot, check):
    machine = boot('console-com2', serial='none', extra=['-serial', 'stdio'])
    check.true(machine.saw(PROMPT), 'the second port alone: the prompt', machine)
    check.like(machine.output, r'^There is no first serial port: the console is on the second\.$', 'it says so')
    check.like(machine.run('audit'), 'all invariants hold', 'it answers')
    check.like(machine.run('snapshot one'), 'no second serial port', 'nothing is left for snapshots')
    machine.send('help\n' * 400)
    arrived = machine.wait_until(lambda: len(re.findall('^poweroff +end the machine$', machine.output, re.M)) == 400)
    check.true(arrived, 'more input than the queue holds arrives whole', machine)
    check.true(machine.saw(re.compile(r'^attic> \Z', re.M)), 'and the prompt')
    machine.screen.press('a')
    check.true(machine.saw(r'\Aa'), 'and a key', machine)
    machine.screen.press('backspace')
    machine.screen.type('audit\n')
    check.true(machine.saw(r'audit\naudit: .*\naudit: all invariants hold\n'), 'and so does the keyboard', machine)
    check.equal(machine.finish('poweroff'), 'pass', 'power off', machine)


def test_both(boot, check):
    machine = boot('console-both')
    check.true(machine.saw(PROMPT), 'serial port and keyboard: the prompt', machine)
    check.unlike(machine.output, 'There is no .*serial port', 'nothing is missing')
    machine.send('au')
    check.true(machine.saw('au'), 'half a command from the serial port')
    machine.screen.type('dit\n')
    check.true(machine.saw(r'dit\naudit: .*\naudit: all invariants hold\n'), 'and half from the keyboard', machine)
    shows(check, machine, AUDITED, 'both show it')
    check.equal(machine.finish('poweroff'), 'pass', 'power off', machine)


def test_no_keyboard(boot, check):
    machine = boot('console-no-keyboard', machine=NO_KEYBOARD, input='audit\npoweroff\n')
    check.equal(machine.finish(), 'pass', 'no keyboard: it runs', machine)
    check.like(machine.output, 'all invariants hold', 'and answers at the serial port')
    machine = boot('console-none', machine=NO_KEYBOARD, **NO_SERIAL)
    shows(check, machine, r'^There is no serial port and no keyboard: nothing can be typed\.$', 'nor a serial port: it says so')
    shows(check, machine, PROMPT_SHOWN, 'and comes to the prompt')
