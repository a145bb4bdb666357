"""What the graders' scripts share inside gdb: they go on to a place in the kernel, look at its memory, and write down what they have seen.

Bench.followed() runs them, on a stopped machine, and makes this module known. A student's file may have static functions and variables with
the kernel's names: what is looked at is looked up as a global symbol. Environment: JUDGED, a file that gets a line of JSON for each thing
seen; WANTED, how many there must be; SEED, for what is drawn.
"""
import json
import os
import random

import gdb
from attic.symbols import Symbols

KERNEL = Symbols(gdb.current_progspace().filename)
WANTED = int(os.environ['WANTED'])
STRAY_STOPS = 10


def write(**line):
    with open(os.environ['JUDGED'], 'a') as file:
        file.write(json.dumps(line) + '\n')


def run(main):
    """The machine may end at any moment, and a student's kernel may hold anything: then less is written down than is wanted."""
    try:
        main()
    except (gdb.error, ValueError) as error:
        print(error)


def drawing():
    return random.Random(int(os.environ['SEED']))


def number(what):
    """A value of 32 bits."""
    return int(gdb.parse_and_eval(f'(unsigned)({what})'))


def function(name):
    """The address of a function. gdb itself may know only a part of it that the compiler has split off."""
    return KERNEL[name]


def variable(name):
    return gdb.lookup_global_symbol(name).value()


def stop_at(name):
    """A breakpoint at the first instruction of a function, where arguments() and return_address() hold."""
    return gdb.Breakpoint(f'*{function(name):#x}', internal=True)


def arguments():
    """The first three, which are in registers."""
    return number('$eax'), number('$edx'), number('$ecx')


def return_address():
    """gdb's own FinishBreakpoint misses some returns."""
    return number('*(unsigned *)$esp')


def read(address, size):
    return gdb.selected_inferior().read_memory(address, size).tobytes()


def go_on_until(stands):
    """Continue until the machine stands at a place for which stands() is true; a breakpoint must stop it there. It may stop elsewhere, for
    example because QEMU is asked to stop it, or twice at the same place."""
    for _ in range(STRAY_STOPS):
        gdb.execute('continue', to_string=True)
        if stands():
            return
    raise gdb.error(f'{STRAY_STOPS} stops elsewhere')


def go_on_to(name):
    """To the first instruction of a function."""
    go_on_until(lambda: number('$pc') == function(name))


def extent(section):
    """First address and size of a section of the kernel."""
    start, end = next(line.split()[:3:2] for line in gdb.execute('info files', to_string=True).splitlines() if line.endswith(f' is {section}'))
    return int(start, 16), int(end, 16) - int(start, 16)
