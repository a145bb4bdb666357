"""What must hold of the kernel half, seen from outside: all page directories in physical memory, those of processes and those that are kept
for the next ones, while areas and processes come at random. No self-test runs meanwhile."""
from dataclasses import dataclass

from attic.lab.bench import defined, processes, typed
from attic.symbols import PAGE_OFFSET
from attic.tables import FRAME, PDE_SHIFT, A, P, RW

PAGE, SPAN = 4096, 1 << PDE_SHIFT
STRUCT_PAGE = 16
STACK = 2 * PAGE
END = defined('include/mm/layout.h', 'VMALLOC_END')
ROUNDS = 3


@dataclass
class Halves:
    """The kernel halves at one moment: lists of 256 entries, by name. `first` is the index of the vmalloc area, `top` the address above all
    areas, `right` the entry that each table has where it has one."""
    first: int
    top: int
    right: dict[int, int]
    master: list[int]
    others: dict[str, list[int]]
    stacks: dict[str, int]
    loaded: str

    def missing(self, who):
        """The indexes of the tables that a directory has no entry for."""
        half = self.master if who == 'the master' else self.others[who]
        return {index for index in self.right if half[index - 768] == 0}


def halves(bench, machine):
    machine.monitor('stop')
    try:
        names, tables = bench.names, machine.tables
        start, entries = bench.word(machine, 'vmalloc_start'), bench.word(machine, 'kernel_ptes')
        top = tables.word(names.physical('vmap_top') + bench.offsets('struct vmap_area', 'start')['start'])
        right = {index: (entries + (index << 12) - PAGE_OFFSET) & 0xFFFFFFFF | P | RW | A for index in range(start >> PDE_SHIFT, 1024)}
        found = processes(bench, machine)
        where = {f'process {pid}': one.directory for pid, one in found.items()} | kept(bench, machine)
        others = {name: half(machine, at) for name, at in where.items()}
        loaded, master = machine.register('CR3') & FRAME, names.physical('swapper_pg_dir')
        name = next((name for name, at in where.items() if at == loaded), 'the master' if loaded == master else 'nobody')
        stacks = {f'process {pid}': one.stack for pid, one in found.items()}
        return Halves(start >> PDE_SHIFT, top, right, half(machine, master), others, stacks, name)
    finally:
        machine.monitor('cont')


def half(machine, directory):
    return list(machine.tables.words(directory + 4 * 768, 256))


def kept(bench, machine):
    """The directories of processes that have ended: a chain of struct pages."""
    frames, chain = bench.word(machine, 'mem_map'), {}
    page, link = machine.tables.word(bench.static('mm/user/user_table.c', 'pgds') - PAGE_OFFSET), bench.offsets('struct page', 'next')['next']
    while page and len(chain) < 64:
        pfn = (page - frames) // STRUCT_PAGE
        chain[f'the kept directory {pfn << 12:#x}'] = pfn << 12
        page = machine.tables.word(page - PAGE_OFFSET + link)
    return chain


# ---- what holds at any time ----

def entries_are_the_masters(now, may_lack):
    """The first entry that is another than the master's; or one that is missing where none may be."""
    for index, value in now.right.items():
        if now.master[index - 768] not in (value, 0):
            return f"the master's PDE {index} is {now.master[index - 768]:#x}, and leads to another table than {value:#x}"
    for who, entries in now.others.items():
        for index, (one, right) in enumerate(zip(entries, now.master), 768):
            if one != right and not (may_lack and one == 0 and now.first <= index < END >> PDE_SHIFT):
                return f"PDE {index} of {who} is {one:#x}, the master's is {right:#x}"
    return None


def stacks_are_there(now):
    for who, stack in now.stacks.items():
        for index in {stack >> PDE_SHIFT, (stack + STACK - 1) >> PDE_SHIFT}:
            if index in now.missing(who):
                return f'{who} has its kernel stack at {stack:#x}, and no PDE {index}'
    return None


def started(bench, machine, may_lack):
    """Start a process in the background; it waits. The reason why that is not right, or None."""
    before = set(halves(bench, machine).stacks)
    if not typed(machine, 'run steps &'):
        return 'no prompt after `run steps &`'
    if not machine.wait_until(lambda: set(halves(bench, machine).stacks) - before):
        return '`run steps &` has not made a process'
    now = halves(bench, machine)
    return entries_are_the_masters(now, may_lack) or stacks_are_there(now)


def ended(machine):
    """Run a program to its end. Its directory is kept for the next process, and is then older than what comes in between."""
    return None if typed(machine, 'run hello') else 'no prompt after `run hello`'


def new_area(bench, machine, pages):
    """Make an area above all others: its first address, or None. Gaps that are large enough are filled first."""
    for _ in range(20):
        top = halves(bench, machine).top
        if not typed(machine, f'vmalloc {pages * 4}K'):
            return None
        if halves(bench, machine).top != top:
            return top
    return None


def tables_of(start, pages):
    return set(range(start >> PDE_SHIFT, (start + (pages - 1) * PAGE >> PDE_SHIFT) + 1))


# ---- the checks ----

def all_are_equal(bench):
    """preallocated: the master has all tables at boot, and no directory ever differs from that. The area is larger than it is by default."""
    with bench.at_prompt('equal', cmdline=f'vmalloc={4 * bench.random.randint(40, 60)}M') as machine:
        if not machine:
            return 'the kernel does not come to its prompt'
        boot = halves(bench, machine)
        if missing := boot.missing('the master'):
            return f'at boot the master has no PDE {min(missing)}'
        for _ in range(ROUNDS):
            if reason := ended(machine) or started(bench, machine, False) or ended(machine):
                return reason
            if not typed(machine, f'vmalloc {bench.random.randint(1000, 2600) * 4}K'):
                return 'no prompt after `vmalloc`'
            now = halves(bench, machine)
            if now.master != boot.master:
                return "the master's kernel half has changed since boot"
            if reason := entries_are_the_masters(now, False):
                return reason
    return None


def no_more_than_needed(bench):
    """lazy: the master gets entries for areas only, another directory gets those that it has missed, and those of its stack."""
    with bench.at_prompt('needed', mem='192M') as machine:
        if not machine:
            return 'the kernel does not come to its prompt'
        boot = halves(bench, machine)
        unused = {index for index in boot.right if boot.top >> PDE_SHIFT < index < END >> PDE_SHIFT}
        if early := unused - boot.missing('the master'):
            return f'at boot the master has PDE {min(early)}, though no area is there'
        for _ in range(2):
            if reason := ended(machine) or started(bench, machine, True) or one_area(bench, machine):
                return reason
            if reason := ended(machine) or straddling_stack(bench, machine):
                return reason
    return None


def one_area(bench, machine):
    """An area of several tables; one of its pages is read."""
    before = halves(bench, machine)
    pages = bench.random.randint(2100, 4000)
    start = new_area(bench, machine, pages)
    if not start:
        return 'no prompt after `vmalloc`'
    now, tables = halves(bench, machine), tables_of(start, pages)
    if lacks := tables & now.missing('the master'):
        return f'an area is at {start:#x}, and the master has no PDE {min(lacks)}'
    new = tables & before.missing('the master')
    if reason := entries_are_the_masters(now, True) or none_has(now, new):
        return reason
    at = bench.random.choice(sorted(new))
    if not typed(machine, f'peek {max(start, at << PDE_SHIFT):#x} 1'):
        return 'no prompt after `peek`'
    after = halves(bench, machine)
    if after.loaded in after.others and at in after.missing(after.loaded):
        return f'{after.loaded} is loaded, and has no PDE {at} after its page was read'
    return entries_are_the_masters(after, True) or none_has(after, new, after.loaded, at)


def none_has(now, new, but='', index=None):
    for who in now.others:
        for early in sorted(new - now.missing(who) - ({index} if who == but else set())):
            return f'{who} has PDE {early}, though nothing under it was used there'
    return None


def straddling_stack(bench, machine):
    """A process whose stack has two tables; both are new."""
    for _ in range(20):  # fill the gaps that a stack fits into
        top = halves(bench, machine).top
        if not typed(machine, 'vmalloc 8K'):
            return 'no prompt after `vmalloc`'
        if halves(bench, machine).top != top:
            break
    top = halves(bench, machine).top
    border = (top + 4 * PAGE | SPAN - 1) + 1 + SPAN
    if not typed(machine, f'vmalloc {(border - PAGE - top) // 1024 - 4}K'):
        return 'no prompt after `vmalloc`'
    return started(bench, machine, True)
