"""Run by gdb for checks.flushed: follow some forks and some copies on write of a program, and write down what was wrong with the order of
their steps. Everything is read at the moment when something happens: the entries in the page tables, and the counts in struct page.

A page is invalidated by the instruction invlpg, which the compiler puts into other functions, or by tlb_flush_user(). So gdb stops at each
invlpg of the kernel, and looks at its address. WANTED is how many calls, SEED which ones.
"""
import re
import struct

import gdb
from attic.lab.inside import (WANTED, arguments, drawing, extent, function, go_on_to, number, read, return_address, run, stop_at, variable,
                              write)

PAGE, P, RW, KERNEL, TABLES = 4096, 1, 2, 0xC0000000, 768
INVLPG = re.compile(rb'\x0f\x01[\x38-\x3f\x78-\x7f\xb8-\xbf]')
COPIES, ALL, ONE = ('copy_highpage', 'clear_highpage'), 'tlb_flush_user', 'invlpg'
OTHERS = 6  # calls between two that are followed, at most


def words(address, count):
    return struct.unpack(f'<{count}I', read(address, 4 * count))


def entries(directory):
    """Entries below the kernel's half by address; a table lies in lowmem."""
    return {table << 22 | index << 12: entry for table, pde in enumerate(words(directory, TABLES)) if pde & P
            for index, entry in enumerate(words((pde & -PAGE) + KERNEL, 1024)) if entry}


def entry_at(directory, address):
    pde, = words(directory + address // PAGE // 1024 * 4, 1)
    return words((pde & -PAGE) + KERNEL + address // PAGE % 1024 * 4, 1)[0] if pde & P else 0


def count_of(entry):
    return int(variable('mem_map')[entry // PAGE]['refcount'])


def is_private(entry):
    return variable('mem_map')[entry // PAGE]['type'] == number('PAGE_USER')


def all_invlpg():
    """Addresses of these instructions."""
    start, size = extent('.text')
    found = [start + match.start() for match in INVLPG.finditer(read(start, size))]
    return [at for at in found if ONE in gdb.execute(f'x/i {at}', to_string=True)]


def operand():
    """The address that the invlpg here invalidates."""
    shift, base, index, scale = re.search(r'invlpg\s+(-?\w*)\((%\w+)?(?:,(%\w+),(\d))?\)', gdb.execute('x/i $pc', to_string=True)).groups()
    value = int(shift or '0', 0) + (number(base.replace('%', '$')) if base else 0)
    return (value + (number(index.replace('%', '$')) * int(scale) if index else 0)) & -PAGE & 0xFFFFFFFF


def current():
    """The task that runs."""
    return int(variable('boot_cpu')['current'])


class Events:
    """What happens up to the return from the function that has just been entered: (kind, address) of copies and invalidations."""

    def __init__(self, invlpg):
        self.back = return_address()
        self.stops = [gdb.Breakpoint(f'*{at}', internal=True) for at in (self.back, *invlpg)]
        self.stops += map(stop_at, (*COPIES, ALL))
        self.names = {function(name): name for name in (*COPIES, ALL)}
        self.places, self.task = set(invlpg), current()

    def __iter__(self):
        while True:
            gdb.execute('continue', to_string=True)
            if current() != self.task:
                continue
            if number('$pc') == self.back:
                return
            if number('$pc') in self.places:
                yield ONE, operand()
            else:
                yield self.names.get(number('$pc')), None

    def close(self):
        for stop in self.stops:
            stop.delete()


def fork(directory, events):
    """mm_fork(): the pages that lose RW, and which of these were invalidated after that."""
    before, flushed = {at for at, entry in entries(directory).items() if entry & RW}, set()
    for kind, address in events:
        if kind in (ONE, ALL):
            flushed |= {at for at in (before if kind == ALL else before & {address}) if not entry_at(directory, at) & RW}
    late = {at for at in before if not entry_at(directory, at) & RW} - flushed
    return f'fork() returns, and {len(late)} pages that lost the right to write were not invalidated after that' if late else None


def copy(directory, events, page):
    """mm_fault_taken() for a write to a page that others share."""
    old, flushed = entry_at(directory, page), False
    count = count_of(old)
    for kind, address in events:
        now = entry_at(directory, page)
        if kind in COPIES:
            if now != old:
                return 'the entry leads to the copy before the copy has its bytes'
            if count_of(old) < count:
                return 'the reference of the old page is dropped before its bytes are copied'
        elif (kind == ALL or address == page) and now & -PAGE != old & -PAGE:
            if count_of(old) < count:
                return 'the reference of the old page is dropped before the TLB is flushed'
            flushed = True
    if entry_at(directory, page) & -PAGE == old & -PAGE:
        return 'a write to a page with other owners returns without a copy'
    return None if flushed else 'a write gets a copy, and the TLB is not flushed after the entry is changed'


def is_copy(directory, page):
    """Whether a write to the page must copy it: it is private, shared, and known to the processor."""
    entry = entry_at(directory, page)
    return entry & (P | RW) == P and is_private(entry) and count_of(entry) > 1


def main():
    chosen = drawing()
    gdb.execute('set pagination off')
    calls, invlpg = {name: stop_at(name) for name in ('mm_fork', 'mm_fault_taken')}, None
    for turn in range(WANTED):
        wanted, others = ('mm_fork', 'mm_fault_taken')[turn % 2], chosen.randrange(OTHERS)
        while True:
            for name, stop in calls.items():
                stop.enabled = name == wanted
            go_on_to(wanted)
            invlpg = invlpg or all_invlpg()
            mm, address, write_access = arguments()
            directory = number(f'((struct mm *){mm})->pgd')
            page = address & -PAGE if wanted == 'mm_fault_taken' else None
            if page is None or page < KERNEL and write_access & 1 and is_copy(directory, page):
                if wanted == 'mm_fork' or not others:
                    break
                others -= 1
        for stop in calls.values():
            stop.enabled = False
        events = Events(invlpg)
        write(reason=fork(directory, events) if page is None else copy(directory, events, page))
        events.close()


run(main)
