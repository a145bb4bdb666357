"""Run by gdb for checks.order and checks.unmapped: follow some calls of vfree() or vunmap() in a self-test, and write down what was wrong
with the order of its steps. Everything is read at the moment when a function is entered: the entries in the page tables, and what was
flushed before. WANTED is how many calls, SEED which ones, CALL of which function.
"""
import os

import gdb
from attic.lab.inside import WANTED, arguments, drawing, function, go_on_to, number, return_address, run, stop_at, variable, write

PAGE, P = 4096, 1
FREES = ('free_page', '__free_pages', 'free_pages_bulk')
FLUSH = 'tlb_flush_kernel_range'
OTHERS = 18  # calls between two that are followed, at most: a test has at least 60


def present(pages):
    """Which of these addresses are mapped, through the entries in memory."""
    entries = variable('kernel_ptes')
    return [at for at in pages if int(entries[at // PAGE]['val']) & P]


def area_at(start):
    """The pages of the area that the function gets."""
    pages = [start]
    while present([pages[-1] + PAGE]):
        pages.append(pages[-1] + PAGE)
    return pages


def follow(call, pages):
    """Up to the return from `call`. The first thing that is wrong, or None."""
    flushed = set()
    back = return_address()
    names = {function(name): name for name in (*FREES, FLUSH)}
    stops = [*map(stop_at, names.values()), gdb.Breakpoint(f'*{back:#x}', internal=True)]
    try:
        while True:
            gdb.execute('continue', to_string=True)
            name = names.get(number('$pc'))
            if name in FREES and not set(pages) <= flushed:
                return f'{call} frees a frame before tlb_flush_kernel_range() has flushed all pages of the area'
            if name == FLUSH:
                if present(pages):
                    return f'{call} flushes the TLB before all entries are cleared'
                flushed |= set(range(*arguments()[:2], PAGE))
            if number('$pc') == back:
                return None if set(pages) <= flushed else f'{call} returns before all pages of the area are flushed'
    finally:
        for stop in stops:
            stop.delete()


def main():
    chosen = drawing()
    call = os.environ['CALL']
    calls = stop_at(call)
    for _ in range(WANTED):
        calls.enabled, calls.ignore_count = True, chosen.randrange(OTHERS)
        go_on_to(call)
        while not arguments()[0]:
            go_on_to(call)
        calls.enabled = False
        write(reason=follow(call, area_at(arguments()[0])))


run(main)
