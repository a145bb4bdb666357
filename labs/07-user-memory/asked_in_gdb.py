"""Run by gdb for checks.refused: when a program passes something to the kernel, the grader puts an address of its own in the place of the
program's, and looks at what the copy returns and writes; afterwards the program gets the copy that it has asked for. Addresses lie in the
kernel, begin below it and end in it, or wrap around. A copy could be made at each address in the kernel: from its text, to its data. WANTED
is how many copies, SEED which ones.
"""
import gdb
from attic.lab.inside import WANTED, drawing, extent, go_on_to, go_on_until, number, read, return_address, run, stop_at, write

BORDER, TOP = 0xC0000000, 1 << 32
SIZE = 16
FUNCTIONS = ('copy_from_user', 'copy_to_user')


def drawn(chosen, function):
    first, size = extent('.text' if function == 'copy_from_user' else '.data')
    return chosen.choice((chosen.randrange(first, first + size - SIZE), BORDER - chosen.randrange(1, SIZE), TOP - chosen.randrange(1, SIZE)))


def asked(function, address):
    """The copy that is about to begin gets the address. What is wrong with what it does, or None."""
    user, kernel = ('edx', 'eax') if function == 'copy_from_user' else ('eax', 'edx')
    own = number(f'${kernel}')
    before = read(own, SIZE)
    registers = {name: number(f'${name}') for name in ('eax', 'edx', 'ecx', 'esp', 'eip')}
    load({user: address, 'ecx': SIZE})
    caller = return_address()
    back = gdb.Breakpoint(f'*{caller:#x}', internal=True)
    try:
        go_on_until(lambda: (number('$pc'), number('$esp')) == (caller, registers['esp'] + 4))
    except gdb.error:
        return f'{function} at {address:#x} does not return'
    finally:
        back.delete()
    if number('$eax') != SIZE:
        return f'{function} of {SIZE} bytes at {address:#x} leaves {number("$eax")}, not all'
    if function == 'copy_from_user' and read(own, SIZE) != before:
        return f'{function} at {address:#x} has copied bytes'
    load(registers)  # and now the copy that the program has asked for
    return None


def load(registers):
    for name, value in registers.items():
        gdb.execute(f'set ${name} = {value:#x}')


def main():
    chosen = drawing()
    gdb.execute('set confirm off')
    for turn in range(WANTED):
        function = FUNCTIONS[turn % len(FUNCTIONS)]
        stop = stop_at(function)
        stop.ignore_count = chosen.randrange(20)
        go_on_to(function)
        stop.delete()
        write(reason=asked(function, drawn(chosen, function)))


run(main)
