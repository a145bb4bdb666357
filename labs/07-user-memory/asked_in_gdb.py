"""Run by gdb for checks.refused: when a program passes something to the kernel, the grader puts an address of its own in the place of the
program's, and looks at what the copy returns and writes; afterwards the program gets the copy that it has asked for. Addresses lie in the
kernel, begin below it and end in it, or wrap around.

Environment: JUDGED, a file that gets a line of JSON for each copy; WANTED, how many copies; SEED, which ones.
"""
import json
import os
import random

import gdb

BORDER, TOP = 0xC0000000, 1 << 32
SIZE = 16
FUNCTIONS = ('copy_from_user', 'copy_to_user')


def register(name):
    return int(gdb.parse_and_eval(f'${name}')) & (TOP - 1)


def drawn(chosen):
    first, last = (int(gdb.parse_and_eval(f'(unsigned)&{name}')) for name in ('__text_start', '__data_start'))
    return chosen.choice((chosen.randrange(first, last), BORDER - chosen.randrange(1, SIZE), TOP - chosen.randrange(1, SIZE)))


def asked(function, address):
    """The copy that is about to begin gets the address. What is wrong with what it does, or None."""
    memory = gdb.selected_inferior()
    user, kernel = ('edx', 'eax') if function == 'copy_from_user' else ('eax', 'edx')
    own = register(kernel)
    before = memory.read_memory(own, SIZE).tobytes()
    registers = {name: register(name) for name in ('eax', 'edx', 'ecx', 'esp', 'eip')}
    load({user: address, 'ecx': SIZE})
    caller = int(gdb.parse_and_eval('*(unsigned *)$esp')) & (TOP - 1)
    back = gdb.Breakpoint(f'*{caller:#x}', internal=True)
    try:
        gdb.execute('continue', to_string=True)
    finally:
        back.delete()
    if register('eip') != caller:
        return f'{function} at {address:#x} does not return'
    if register('eax') != SIZE:
        return f'{function} of {SIZE} bytes at {address:#x} leaves {register("eax")}, not all'
    if function == 'copy_from_user' and memory.read_memory(own, SIZE).tobytes() != before:
        return f'{function} at {address:#x} has copied bytes'
    load(registers)  # and now the copy that the program has asked for
    return None


def load(registers):
    for name, value in registers.items():
        gdb.execute(f'set ${name} = {value:#x}')


def main():
    chosen = random.Random(int(os.environ['SEED']))
    gdb.execute('set confirm off')
    for number in range(int(os.environ['WANTED'])):
        function = FUNCTIONS[number % len(FUNCTIONS)]
        stop = gdb.Breakpoint(f'*{function}', internal=True)
        stop.ignore_count = chosen.randrange(20)
        gdb.execute('continue', to_string=True)
        stop.delete()
        reason = asked(function, drawn(chosen))
        with open(os.environ['JUDGED'], 'a') as file:
            file.write(json.dumps({'reason': reason}) + '\n')


try:
    main()
except gdb.error as error:  # the machine has ended
    print(error)
