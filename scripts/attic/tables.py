"""32-bit paging as the processor does it (Intel SDM vol. 3, 4.3), on the raw tables in physical memory.

    tables = Tables(machine.physical)
    tables.walk(machine.register('CR3') & FRAME, 0xC0100000).physical

A directory is named by its physical address; the kernel's own data about it is not used here. The entries keep their addresses, so that a
reader can look them up. The constants of this file are the processor's, not the kernel's.

Single entries are objects with words for their bits. Walks over whole address spaces may meet a million pages, so pages()
and merge() work on plain numbers.

Limits: no PAE, no PSE-36 (Attic uses neither); reserved bits are not checked.

Neighbours: machine.py has the memory of a machine in QEMU, gdb/memory.py that of a machine under gdb.
"""
import struct
from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator

PAGE_SHIFT, PAGE_SIZE = 12, 4096
PDE_SHIFT = 22
P, RW, US, PWT, PCD, A, D, PS, G, AVL = 1, 2, 4, 8, 0x10, 0x20, 0x40, 0x80, 0x100, 0xE00
FRAME, LARGE_FRAME = 0xFFFFF000, 0xFFC00000
BIT_NAMES = ((P, "P"), (RW, "RW"), (US, "US"), (PWT, "PWT"), (PCD, "PCD"), (A, "A"), (D, "D"), (PS, "PS"), (G, "G"))
SAME_RIGHTS = RW | US | PWT | PCD | G  # pages that differ in these are not one run


class Entry(namedtuple("Entry", "level index at value")):
    """A PDE or PTE: its level as "PDE" or "PTE", its index, the physical address where it lies, its value."""

    @property
    def present(self) -> bool:
        return bool(self.value & P)

    @property
    def large(self) -> bool:
        """Maps a 4 MiB page itself."""
        return self.level == "PDE" and self.value & (P | PS) == P | PS

    @property
    def frame(self) -> int:
        return self.value & (LARGE_FRAME if self.large else FRAME)

    def bits(self) -> str:
        """The bits that are set, by Intel's names."""
        return " ".join(name for bit, name in BIT_NAMES if self.value & bit) or "none"

    def words(self) -> str:
        """The meaning of each bit. P, RW and US are always named, the others only if they are set."""
        if not self.present:
            return "P=0 not present" + (", and the processor looks at no other bit" if self.value else "")
        said = ["P=1 present", "RW=1 writable" if self.value & RW else "RW=0 read-only",
                "US=1 ring 3 too" if self.value & US else "US=0 ring 0 only"]
        more = [(PWT, "PWT=1 write-through"), (PCD, "PCD=1 not cached"), (A, "A=1 accessed")]
        if self.level == "PTE" or self.large:
            more += [(D, "D=1 dirty"), (G, "G=1 global")]
        if self.large:
            more += [(PS, "PS=1 a 4 MiB page")]
        return ", ".join(said + [text for bit, text in more if self.value & bit])


class Walk(namedtuple("Walk", "address pde pte")):
    """The entries that the processor reads for an address; pte is None if it does not reach a page table."""

    @property
    def entries(self) -> list[Entry]:
        return [entry for entry in (self.pde, self.pte) if entry]

    @property
    def last(self) -> Entry:
        """The entry at which the walk ends."""
        return self.pte or self.pde

    @property
    def mapped(self) -> bool:
        return self.last.present

    @property
    def physical(self) -> int | None:
        """The physical address of the byte; None when nothing is mapped."""
        if not self.mapped:
            return None
        return self.last.frame | self.address & (0x3FFFFF if self.pde.large else 0xFFF)

    @property
    def rights(self) -> int:
        """RW and US as both levels allow them, the other bits from the last entry; 0 when nothing is mapped."""
        if not self.mapped:
            return 0
        return self.last.value & ~(RW | US) | self.last.value & self.pde.value & (RW | US)

    def forbids(self, bit: int) -> str:
        """Where RW or US is 0: "PDE", "PTE" or "PDE and PTE"."""
        return " and ".join(entry.level for entry in self.entries if not entry.value & bit)


Page = namedtuple("Page", "start size physical rights")


class Run(namedtuple("Run", "start end physical rights size")):
    """Pages side by side: [start, end) with the same rights. `size` is that of its pages; `physical` is None when the frames are not
    adjacent."""

    @property
    def pages(self):
        return (self.end - self.start) // self.size


def merge(found: Iterable[Page], borders: Iterable[int] = ()) -> Iterator[Run]:
    """Merge pages into runs where they touch, have one size and the same rights, and do not cross a border."""
    borders, run = frozenset(borders), None
    for page in found:
        rights = page.rights & SAME_RIGHTS
        if run and page.start == run[1] and rights == run[3] and page.size == run[4] and page.start not in borders:
            if run[2] is not None and page.physical != run[2] + page.start - run[0]:
                run[2] = None
            run[1] += page.size
        else:
            if run:
                yield Run(*run)
            run = [page.start, page.start + page.size, page.physical, rights, page.size]
    if run:
        yield Run(*run)


def rights_text(rights: int) -> str:
    """The rights of a run or a walk: those of ring 0 while CR0.WP is on, and those of ring 3."""
    access = "rw" if rights & RW else "r-"
    return "%s/%s" % (access, access if rights & US else "--")


class Tables:
    """The tables in a physical memory; `read(address, size)` returns its bytes."""

    def __init__(self, read: Callable[[int, int], bytes]):
        self.read = read

    def word(self, address: int) -> int:
        """32 bits of physical memory."""
        return struct.unpack("<I", self.read(address, 4))[0]

    def words(self, address: int, count: int) -> tuple[int, ...]:
        """Several adjacent words, as a tuple."""
        return struct.unpack("<%dI" % count, self.read(address, 4 * count))

    def walk(self, directory: int, address: int) -> Walk:
        """Walk a directory for an address."""
        index = address >> PDE_SHIFT
        at = directory + 4 * index
        pde = Entry("PDE", index, at, self.word(at))
        if not pde.present or pde.large:
            return Walk(address, pde, None)
        index = address >> PAGE_SHIFT & 1023
        at = pde.frame + 4 * index
        return Walk(address, pde, Entry("PTE", index, at, self.word(at)))

    def directory_entries(self, directory: int) -> list[Entry]:
        """All 1024 PDEs."""
        return [Entry("PDE", index, directory + 4 * index, value)
                for index, value in enumerate(self.words(directory, 1024))]

    def table_entries(self, pde: Entry) -> list[Entry]:
        """All 1024 PTEs of the table that a present, not large PDE points to."""
        return [Entry("PTE", index, pde.frame + 4 * index, value)
                for index, value in enumerate(self.words(pde.frame, 1024))]

    def pages(self, directory: int, first: int = 0, last: int = 0xFFFFFFFF) -> Iterator[Page]:
        """Each mapped page that starts in [first, last], in order: 4 KiB or 4 MiB. There may be a million of them."""
        pdes = self.words(directory, 1024)
        for index in range(first >> PDE_SHIFT, (last >> PDE_SHIFT) + 1):
            pde, base = pdes[index], index << PDE_SHIFT
            if pde & (P | PS) == P | PS and first <= base:
                yield Page(base, 1 << PDE_SHIFT, pde & LARGE_FRAME, pde & ~LARGE_FRAME)
            elif pde & (P | PS) == P:
                for start, pte in enumerate(self.words(pde & FRAME, 1024)):
                    start = base + (start << PAGE_SHIFT)
                    if pte & P and first <= start <= last:
                        yield Page(start, PAGE_SIZE, pte & FRAME, pte & ~FRAME & (pde | ~(RW | US)))

    def addresses(self, directory: int, pfn: int, first: int, last: int, holding: int = P | US) -> Iterator[tuple[int, int]]:
        """(address, rights) of each page that maps a frame, through PDEs first..last. Rights are 0 for an entry of a process that holds the
        page but is not present (PROT_NONE). An entry holds a page if it has one of the bits `holding`: only P in the kernel half, where an
        entry that is not present may be any number (a tag)."""
        pdes = self.words(directory, 1024)
        for index in range(first, last + 1):
            pde, base = pdes[index], index << PDE_SHIFT
            if pde & (P | PS) == P | PS:
                if pde >> PDE_SHIFT == pfn >> 10:
                    yield base + ((pfn & 1023) << PAGE_SHIFT), pde & ~LARGE_FRAME
            elif pde & P:
                for at, pte in enumerate(self.words(pde & FRAME, 1024)):
                    if pte >> PAGE_SHIFT == pfn and pte & holding:
                        yield (base + (at << PAGE_SHIFT),
                               pte & ~FRAME & (pde | ~(RW | US)) if pte & P else 0)

    def runs(self, directory: int, first: int = 0, last: int = 0xFFFFFFFF, borders: Iterable[int] = ()) -> Iterator[Run]:
        """The mapped pages of [first, last], merged."""
        return merge(self.pages(directory, first, last), borders)
