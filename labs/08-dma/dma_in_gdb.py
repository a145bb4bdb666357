"""What the scripts of this lab share, inside gdb: a kernel that stands before its prompt, calls of its functions, and a second opinion on
what a device may have. The opinion comes from page tables, struct page and memblock in memory, and uses nothing that a student writes.
WANTED is how many questions, SEED which ones.
"""
import struct

import gdb
from attic.lab import inside
from attic.tables import RW, Tables

PAGE, PAGE_OFFSET, VMALLOC_END, WORD = 4096, 0xC0000000, 0xFFBFF000, 1 << 32
GFP_KERNEL, GFP_HIGHUSER = 1, 2
REGISTERS = 'eax ebx ecx edx esi edi ebp esp eip'.split()
LONG = 6             # the order of the block for long ranges
BY_LIST = 2          # mm/kva/dma.c
ORDER, MOST = 5, 24  # of the block that pieces lie in; pieces
BYTES = PAGE << ORDER
SG = struct.Struct('<5I')  # page, offset, length, dma_address, dma_length

# include/mm/kva/dma.h
VERDICTS = ('GRANTED EMPTY EMPTY_LIST USER VMALLOC NO_LOWMEM PAST_LOWMEM PAST_RAM MASK MASK_HIGHMEM READ_ONLY NO_RAM FREE').split()
ERRORS = {'NO_MEMORY': 12, 'EMPTY': 22, 'MASK': 34, 'MASK_HIGHMEM': 95, 'READ_ONLY': 13, 'NO_RAM': 2, 'FREE': 116, 'PAST_RAM': 75}
EVERYTHING = WORD - 1
BOTH, TO_DEVICE, FROM_DEVICE = range(3)
EINVAL, ENOSPC = 22, 28


class Ended(Exception):
    """A call that did not return."""


class Kernel:
    def __init__(self):
        self.random = inside.drawing()
        self.memory = gdb.selected_inferior()
        self.home = inside.stop_at('monitor_main')
        inside.go_on_to('monitor_main')
        self.panic = inside.stop_at('panic_at')
        self.lowmem, self.start = self.value('lowmem_size'), self.value('vmalloc_start')
        self.frames, self.map = self.value('max_pfn'), self.value('mem_map')
        self.directory = self.value('&swapper_pg_dir') - PAGE_OFFSET
        self.tables = Tables(lambda at, size: self.read(at + PAGE_OFFSET, size))
        self.ram = [(int(one['start']), int(one['end'])) for one in self.ranges()]
        self.scratch = self.lowmem_page()  # the device and what functions are given

    def ranges(self):
        usable = gdb.parse_and_eval("'mm/frame/memblock.c'::usable")
        return [usable['range'][i] for i in range(int(usable['count']))]

    value = staticmethod(inside.number)
    read = staticmethod(inside.read)

    def write(self, at, data):
        self.memory.write_memory(at, data)

    # ---- calls: three arguments in registers, the rest on the stack ----

    def call(self, name, *arguments):
        saved = {register: self.value(f'${register}') for register in REGISTERS}
        at = (saved['esp'] - 512) & ~15
        self.write(at, struct.pack(f'<{1 + len(arguments[3:])}I', inside.function('monitor_main'), *arguments[3:]))
        for register, argument in zip(('eax', 'edx', 'ecx'), arguments):
            gdb.execute(f'set ${register} = {argument}')
        gdb.execute(f'set $esp = {at}')
        gdb.execute(f'set $eip = {inside.function(name)}')
        try:
            inside.go_on_until(lambda: self.value('$pc') in map(inside.function, ('monitor_main', 'panic_at')))
            if self.value('$esp') != at + 4:
                raise Ended(f'{name}() panics')
        except gdb.error:
            raise Ended(f'{name}() ends the machine') from None
        result = self.value('$eax')
        for register, old in saved.items():
            gdb.execute(f'set ${register} = {old}')
        return result

    def number(self, name, *arguments):
        """The same with a result that may be negative."""
        result = self.call(name, *arguments)
        return result - WORD if result >> 31 else result

    def pages(self, zone, order):
        """A block of pages, as a frame number."""
        page = self.call('__alloc_pages', zone, order)
        if not page:
            raise Ended('there is no memory for a block')
        return (page - self.map) // 16

    def lowmem_page(self):
        return PAGE_OFFSET + self.pages(GFP_KERNEL, 0) * PAGE

    def page(self, pfn):
        """Its struct page."""
        return self.map + pfn * 16

    def device(self, mask):
        """A device that has nothing, with this mask. Its address."""
        data = bytearray(int(gdb.parse_and_eval('sizeof(struct device)')))
        for field, form, value in (('name', '<I', self.scratch + 128), ('dma_mask', '<Q', mask)):
            struct.pack_into(form, data, self.value(f'&((struct device *)0)->{field}'), value)
        self.write(self.scratch + 128, bytes(self.random.randrange(ord('a'), ord('z') + 1) for _ in range(6)) + b'\0')
        self.write(self.scratch, bytes(data))
        return self.scratch

    def mapped(self):
        """What the device has: pieces, bytes."""
        return struct.unpack('<2I', self.read(self.value(f'&((struct device *){self.scratch})->mapped'), 8))

    def recorded(self):
        """What mm/kva/dma.c says that devices have: (device, start, size, kind, direction) of each mapping, the newest first."""
        first, found = self.value("&'mm/kva/dma.c'::mappings"), []
        at = gdb.parse_and_eval(f'((struct list_head *){first})->next')
        while int(at) != first:
            one = gdb.parse_and_eval(f'*(struct mapping *){int(at)}')  # its first member is the link
            found.append(tuple(int(one[name]) for name in ('dev', 'start', 'size', 'kind', 'direction')))
            at = one['link']['next']
        return found

    # ---- the second opinion ----

    def look(self):
        """Read all of struct page: for each frame, its type."""
        names = {int(field.enumval): field.name for field in gdb.lookup_type('enum page_type').fields()}
        data = self.read(self.map, self.frames * 16)
        self.types, pfn = [], 0
        while pfn < self.frames:
            kind, _, order, head = data[pfn * 16:pfn * 16 + 4]
            count = 1 << order if head else 1
            self.types += [names[kind]] * count
            pfn += count

    def is_free(self, pfn):
        return self.types[pfn] in ('PAGE_FREE', 'PAGE_HOT')

    def is_ram(self, pfn):
        return self.types[pfn] != 'PAGE_RESERVED' or any(start < (pfn + 1) * PAGE and end > pfn * PAGE for start, end in self.ram)

    def is_writable(self, pfn):
        return self.tables.walk(self.directory, PAGE_OFFSET + pfn * PAGE).rights & RW

    def of_range(self, start, size, mask, direction):
        """The verdict on a range of physical memory, and the frame that it names."""
        covered = range(start // PAGE, (start + size - 1) // PAGE + 1)
        if start + size - 1 > mask:
            return 'MASK_HIGHMEM' if start >= self.lowmem else 'MASK', covered[0]
        if direction != TO_DEVICE and not all(self.is_writable(pfn) for pfn in covered if pfn * PAGE < self.lowmem):
            return 'READ_ONLY', covered[0]
        for pfn in covered:
            if self.is_free(pfn) or not self.is_ram(pfn):
                return 'FREE' if self.is_free(pfn) else 'NO_RAM', pfn
        return 'GRANTED', None

    def of_page(self, pfn, offset, size, mask, direction):
        start = pfn * PAGE + offset
        if not size:
            return 'EMPTY', None
        if start + size > self.frames * PAGE:
            return 'PAST_RAM', None
        return self.of_range(start, size, mask, direction)

    def of_address(self, address, size):
        if not size:
            return 'EMPTY'
        if address < PAGE_OFFSET:
            return 'USER'
        if self.start <= address < VMALLOC_END:
            return 'VMALLOC'
        if address >= PAGE_OFFSET + self.lowmem:
            return 'NO_LOWMEM'
        return 'PAST_LOWMEM' if address + size > PAGE_OFFSET + self.lowmem else 'GRANTED'

    # ---- memory to ask about ----

    def with_holes(self):
        """Take single pages and long blocks, and free some again, so that free frames lie between frames in use. Then look."""
        taken = [self.pages(GFP_KERNEL, 0) for _ in range(16)]
        for pfn in self.random.sample(taken, 6):
            self.call('free_page', self.page(pfn))
        blocks = sorted(self.pages(GFP_KERNEL, LONG) for _ in range(8))
        for pfn in blocks[1::2]:
            self.call('__free_pages', self.page(pfn), LONG)
        self.look()
        self.long = [pfn for pfn in blocks[::2] if self.is_free(pfn + (1 << LONG))]

    def interesting(self):
        """A start and a size in physical lowmem: around a border between frames of different state, or anywhere."""
        if not hasattr(self, 'borders'):
            ends = self.lowmem // PAGE
            state = [(self.is_free(pfn), self.is_ram(pfn), bool(self.is_writable(pfn))) for pfn in range(ends)]
            self.borders = {}
            for pfn in range(1, ends):
                if state[pfn] != state[pfn - 1]:
                    self.borders.setdefault((state[pfn - 1], state[pfn]), []).append(pfn)
        draw = self.random.randint
        border = self.random.choice(self.borders[self.random.choice(sorted(self.borders))])
        first = max(0, border * PAGE - draw(1, 3 * PAGE))
        return first, min(draw(1, 5 * PAGE), self.lowmem - first)

    def across(self):
        """From a block of many frames into the free ones behind it."""
        before = self.random.randint(1, PAGE << LONG)
        return self.random.choice(self.long) * PAGE + (PAGE << LONG) - before, before + self.random.randint(1, 2 * PAGE)

    def across_lowmem(self):
        """From lowmem into highmem."""
        before = self.random.randint(1, 3 * PAGE)
        return self.lowmem - before, before + self.random.randint(1, 3 * PAGE)


# ---- lists ----

def pieces(kernel, count=0):
    """(start in the block, size): each begins where the one before ends, a byte beside that, where it began, or anywhere."""
    found, at, last = [], 0, 0
    for _ in range(count or kernel.random.randint(1, MOST)):
        size = kernel.random.choice([1, PAGE, kernel.random.randint(1, 3 * PAGE)])
        at = kernel.random.choice([at, at, at, at + 1, max(at - 1, 0), last, kernel.random.randrange(BYTES)])
        at = at if at + size <= BYTES else kernel.random.randrange(BYTES - size)
        found.append((at, size))
        last, at = at, at + size
    return found


def entry(kernel, start, size):
    """Page, offset and length of a piece; the offset may reach behind the page."""
    pfn, offset = divmod(start, PAGE)
    back = min(kernel.random.choice([0, 0, 1]), pfn)
    return SG.pack(kernel.page(pfn - back), offset + back * PAGE, size, *(kernel.random.getrandbits(32) for _ in range(2)))


def differs(what, wanted, found):
    if found < len(VERDICTS) and VERDICTS[found] == wanted:
        return None
    return f'{what}: the verdict is {VERDICTS[found] if found < len(VERDICTS) else found}, and must be {wanted}'


def questions(ask):
    """Ask as often as WANTED; `ask` gets the kernel, and returns what is wrong or None."""
    def main():
        try:
            kernel = Kernel()
            for turn in range(inside.WANTED):
                reason = ask(kernel, turn)
                inside.write(reason=reason)
                if reason:
                    break
        except Ended as why:
            inside.write(reason=str(why))

    inside.run(main)
