"""What must hold of the buddy allocator, seen from outside: struct page and the zones in memory, after the boot and after commands with random
sizes."""
from attic.lab.bench import STRUCT_PAGE, blocks_of, typed, view
from attic.symbols import PAGE_OFFSET

LIST_HEAD = 8    # bytes
PAGE_FREE = 'PAGE_FREE'
MAX_ORDER = 10
ROUNDS = 4
SMALL, LARGE = (32, 48, 96, 160), (384, 512)  # MiB; in the large ones frame numbers have more than 16 bits
OFTEN = 8        # times an area of
MUCH = 12 << 10  # KiB, for which `-s` takes and frees 16 times the frames


def after_commands(bench, sizes, look, often=0):
    """Look at all blocks after the boot, and after areas have been made and freed; before that, make and free a large one `often`. Returns
    the first reason."""
    with bench.at_prompt('blocks', mem=f'{bench.random.choice(sizes)}M') as machine:
        if not machine:
            return 'the kernel does not come to its prompt'
        for _ in range(often):
            at = new_area(bench, machine, MUCH)
            if not at or not typed(machine, f'vfree {at:#x}'):
                return f'no area after `vmalloc -s {MUCH}K`, or no prompt after `vfree`'
        for step in range(ROUNDS):
            if reason := look(machine):
                return reason
            at = new_area(bench, machine, bench.random.randint(1, 900) * 4)
            if at is None:
                return 'no prompt after `vmalloc`'
            if step % 2 and at and not typed(machine, f'vfree {at:#x}'):
                return 'no prompt after `vfree`'
        return look(machine)


def new_area(bench, machine, size):
    """Make an area of so many KiB, of scattered frames. Its address, 0 if there is no memory for it, or None if no prompt follows."""
    before = view(bench, machine).entries
    if not typed(machine, f'vmalloc -s {size}K'):
        return None
    return min(set(view(bench, machine).entries) - set(before), default=0)


def joined(bench):
    """No two free blocks that are buddies lie side by side, except on a hot list; each is aligned to its size."""
    def look(machine):
        free = free_blocks(bench, machine)
        if not free:
            return 'no block is free'
        for pfn, order in free.items():
            if order > MAX_ORDER or pfn % (1 << order):
                return f'the free block at frame {pfn:#x} of order {order} is not aligned to its size'
            if order < MAX_ORDER and pfn % (2 << order) == 0 and free.get(pfn + (1 << order)) == order:
                return f'the free blocks at frames {pfn:#x} and {pfn + (1 << order):#x} of order {order} are buddies, but not joined'
        return None
    return after_commands(bench, SMALL, look) or after_commands(bench, LARGE, look, OFTEN)


def listed(bench, machine):
    """(first frame, order) of each block on the lists of the zones."""
    at = bench.offsets('struct zone', 'free') | bench.offsets('struct page', 'lru')
    word, map_at, found = machine.tables.word, bench.word(machine, 'mem_map'), set()
    for zone in range(3):
        for order in range(MAX_ORDER + 1):
            head = bench.names['zones'] + zone * at['sizeof struct zone'] + at['free'] + order * LIST_HEAD
            link = word(head - PAGE_OFFSET)
            while link != head and (block := ((link - at['lru'] - map_at) // STRUCT_PAGE, order)) not in found:  # a list may end in a ring
                found.add(block)
                link = word(link - PAGE_OFFSET)
    return found


def counted(bench):
    """The lists of the zones have exactly the free blocks that struct page knows."""
    def look(machine):
        machine.monitor('stop')  # until view() has looked, too
        lists = listed(bench, machine)
        free = set(free_blocks(bench, machine).items())
        if lists != free:
            return f'{len(lists ^ free)} free blocks are on no list, or on the wrong one'
        return None
    return after_commands(bench, SMALL, look)


def free_blocks(bench, machine):
    """Orders by first frame."""
    return {pfn: order for pfn, order, kind in blocks_of(view(bench, machine)) if kind == PAGE_FREE}
