"""`attic frames`, and the contents of a struct page: frames of RAM by owner, as mm/check/frames.c counts them.

A frame is either in a block of the page allocator, and the block's first struct page has its use, or it was reserved before there was an
allocator, and memblock's list has the owner. The walk goes from block to block, so that the struct pages of a large free block (16 KiB of
them for 4 MiB of RAM) are not read: at 4 GiB this takes less than one second instead of three.

Limits: RAM above 4 GiB, and the last page below it, have no struct page and are not counted.

Neighbours: who.py shows everything about one frame; kernel/monitor/monitor_mm.c prints the same table.
"""
from collections import namedtuple

from attic.gdb import cli, kernel, memory, objects

FOUR_GIB = 1 << 32

# A frame's struct page, decoded from its bytes: type as a number; head: the first one of a block.
Page = namedtuple("Page", "pfn type order head refcount")


class Pages:
    """All struct pages, each decoded on demand."""

    def __init__(self):
        self.max_pfn = kernel.max_pfn()
        self.base = kernel.translate(kernel.variable("mem_map"))
        self.size = kernel.size_of("struct page")
        self.orders = len(kernel.variable("zones")[0].hot)
        self.at = [kernel.offset_of("struct page", name) for name in ("type", "order", "head", "refcount")]

    def get(self, pfn):
        data = memory.physical(self.base + pfn * self.size, self.size)
        kind, order, head, refcount = self.at
        return Page(pfn, data[kind], data[order], data[head] != 0,
                    int.from_bytes(data[refcount:refcount + 4], "little", signed=True))

    def block(self, pfn):
        """The first page of the block that holds a frame; its own page if no block does."""
        for order in range(self.orders):
            first = self.get(pfn >> order << order)
            if first.head:
                return first if first.order >= order else self.get(pfn)
        return self.get(pfn)

    def blocks(self):
        """Every block, as its first page and its size; a frame in no block is a block of one."""
        pfn = 0
        while pfn < self.max_pfn:
            page = self.get(pfn)
            size = 1 << page.order if page.head else 1
            yield page, size
            pfn += size


class Reserved:
    """What memblock has recorded about frames that are in no block."""

    def __init__(self):
        self.usable = [(start, end) for start, end, _ in kernel.usable_ranges()]
        self.reserved = kernel.reserved_ranges()

    def is_ram(self, pfn):
        at = pfn << memory.PAGE_SHIFT
        return any(start < at + memory.PAGE_SIZE and at < end for start, end in self.usable)

    def name(self, pfn):
        """Who reserved the frame first, or None."""
        at = pfn << memory.PAGE_SHIFT
        return next((name for start, end, name in self.reserved if start <= at < end), None)

    def ram_frames(self):
        """Frames below 4 GiB without the last one, which has no struct page."""
        limit = FOUR_GIB - memory.PAGE_SIZE
        return sum(max(0, min(end, limit) - start) for start, end in self.usable) >> memory.PAGE_SHIFT


def count():
    """Frames by owner: {number of a type: frames}, {name of a reservation: frames}, in order of address."""
    memblock, types, names = Reserved(), {}, {}
    reserved = objects.enumerators("page_type")["PAGE_RESERVED"]
    for page, size in Pages().blocks():
        if page.head:
            types[page.type] = types.get(page.type, 0) + size
        elif page.type == reserved and memblock.is_ram(page.pfn):
            name = memblock.name(page.pfn)
            if name:
                names[name] = names.get(name, 0) + 1
    return types, names, memblock.ram_frames()


class Frames(cli.Command):
    """Count the frames of RAM below 4 GiB by their owner.

It is the monitor's `frames`. The columns: free, used, or reserved since
start-up; owner; number of frames; their size."""

    name = "frames"

    def run(self, arguments):
        rows, ram = rows_of_table()
        for kind, name, frames in rows:
            print("%-10s%-20s %8d %10d kB" % (kind, name, frames, frames * memory.PAGE_SIZE // 1024))
        if rows[-1][2] != ram:
            print("frames: RAM below 4 GiB is %d frames: the sum does not add up" % ram)


def rows_of_table():
    """The table as (kind, name, frames), its last row the sum; and the expected sum."""
    types, names, ram = count()
    numbers = objects.enumerators("page_type")
    rows = [("free" if number <= numbers["PAGE_HOT"] else "used", kernel.page_type_name(name), types.get(number, 0))
            for name, number in numbers.items() if numbers["PAGE_RESERVED"] < number < numbers["PAGE_TYPES"]]
    rows += [("reserved", name, frames) for name, frames in names.items()]
    return rows + [("sum", "", sum(types.values()) + sum(names.values()))], ram
