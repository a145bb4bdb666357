"""Keys that edit a line at the prompt, and tab, which completes words and lists what they can be."""
import re

import pytest

from attic.build import ROOT
from attic.machine import PROMPT, Machine
from programs import run


@pytest.fixture(scope='module')
def machine():
    with Machine('readline') as machine:
        machine.expect(PROMPT)
        yield machine


def test_keys(machine, check):
    for keys, answer, name in (
            ('auditx\x7f', 'hold', 'backspace (DEL)'),
            ('auditx\x08', 'hold', 'backspace (BS)'),
            ('audXit\x1b[D\x1b[D\x08', 'hold', 'left, then backspace'),
            ('\x1b[A', 'hold', 'up: the line before'),
            ('ps', 'PID', 'another'),
            ('\x1b[A\x1b[A', 'hold', 'up, up: the line before that'),
            ('\x1b[A\x1b[A\x1b[B', 'hold', 'up, up, down')):
        check.like(machine.run(keys), answer, name)
    check.like(machine.run('xyz\x15audit'), 'hold', 'Ctrl-U erases the line')
    check.like(machine.run('run audit\x01\x1b[C\x1b[C\x1b[C\x1b[C\x15'), 'hold', 'or what is before the cursor')
    check.like(machine.run('auditxyz\x1b[D\x1b[D\x1b[D\x0b'), 'hold', 'Ctrl-K what is behind it')
    check.like(machine.run('run forever \x17\x17audit'), 'hold', 'Ctrl-W the word before it')
    machine.send('aud\x0c')
    check.true(machine.saw(r'aud\x1b\[H\x1b\[2Jattic> aud', 10), 'Ctrl-L clears the screen and shows the line again')
    check.like(machine.run('it'), 'hold', 'which is as it was')
    machine.send('xyz\x03')
    check.true(machine.saw(PROMPT, 10), 'Ctrl-C drops the line')


def test_tab(machine, check):
    for keys, answer, name in (
            ('aud\t', 'hold', 'tab completes a command'),
            ('run hel\t', 'exit status 0', 'tab completes a program'),
            ('run /hel\t', 'exit status 0', 'also by its path'),
            ('run /de\t', '^/dev/: not a file', 'and a folder, with which the word goes on'),
            ('test kill.kern\t', r'^ok 1 kill\.kernel_threads_refuse$', 'tab completes a self-test'),
            ('test -l kill.k\t', r'^kill\.kernel_threads_refuse\n', 'also after -l')):
        check.like(machine.run(keys), answer, name)
    machine.send('test -l kil\t\t\t')
    check.true(machine.saw(r'^kill\.\*(?: +kill\.\w+)+\n', 10), 'tab, tab lists suite.* and suite.name', machine)
    machine.expect(PROMPT, 10)
    machine.send('\x15')
    check.like(machine.run('help lay\t'), r'\Alayout: draw', 'tab completes after help')


def test_lists(machine, check):
    """Tab twice on an empty line, for programs, for tests: the list fits a terminal, and describes the programs."""
    lists = {}
    for typed in ('', 'run ', 'test ', 'crash ', 'explain trap_'):
        machine.send(f'{typed}\t\t')
        machine.expect(PROMPT, 10)
        lists[typed] = machine.before.partition('\n')[2]
        check.true(lists[typed], f'a list behind "{typed}"')
        check.equal([row for row in lists[typed].splitlines() if len(row) > 79 or row.endswith(' ')], [], 'in 79 columns')
        machine.send('\x15')
    check.like(lists['explain trap_'], r'\A(?:trap_(?!stub_)\w+\s+)+\Z', 'symbols without the 256 stubs')
    check.like(lists[''], r'^help +layout +map +meminfo .*\n.*\b', 'commands in columns')
    programs = dict(line.split(' ', 1) for line in run(ROOT / 'scripts/rooms', 'programs')[0].splitlines())
    check.equal(re.findall(r'^(\w+) +(\S+ \S.*)$', lists['run '].partition('\nattack_')[0], re.M)[:len(programs)], sorted(programs.items()),
                'programs, with what they are for')
    machine.run('')
