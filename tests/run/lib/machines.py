"""Actions on a machine that several tests need."""
import re

from attic import terminal
from attic.machine import Machine


def run(name, **options):
    """A machine that has ended; options are those of Machine."""
    with Machine(name, **options) as machine:
        machine.finish()
    return machine


def shows(check, machine, pattern, name):
    """A point: the screen shows this, now or later."""
    found = machine.wait_until(lambda: re.search(pattern, machine.screen.text(), re.M))
    check.true(found, name, found or machine.screen.text())


def run_forever(machine, count):
    """Start so many processes of `forever` in the background; the pids of all that run, when each of the new ones has said that it does."""
    said = machine.output.count('runs until')
    machine.run('run ' + 'forever sleep & ' * count)
    machine.wait_until(lambda: machine.output.count('runs until') == said + count)
    return re.findall(r'^ *(\d+) .* forever$', machine.run('ps'), re.M)


def unfolded(text):
    return '\n'.join(terminal.unfolded(text.split('\n')))


def wide(text):
    """The lines that do not fit a terminal of 80 columns."""
    return [line for line in text.splitlines() if len(line) > 80]


def read_port(machine, port):
    """The byte at an I/O port, as QEMU's monitor reads it."""
    return int(machine.monitor(f'i /b {port:#x}').split('=')[1], 16)


def kilobytes(said):
    """The sizes in the output of `meminfo`, by name."""
    return {name: int(size) for name, size in re.findall(r'^(\w+): +(\d+) kB$', said, re.M)}


def free_kb(machine):
    """The free memory according to `meminfo`; -1 if it is not printed."""
    return kilobytes(machine.run('meminfo')).get('MemFree', -1)
