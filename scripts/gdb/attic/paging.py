"""32-bit paging as the processor does it (Intel SDM vol. 3, 4.3), on the raw tables in physical memory.

A directory is named by its physical address; what the kernel believes about it plays no part here. The entries keep where they
lie, so that a reader can look them up.
"""
from collections import namedtuple

from attic import memory

PDE_SHIFT = 22
P, RW, US, PWT, PCD, A, D, PS, G, AVL = 1, 2, 4, 8, 0x10, 0x20, 0x40, 0x80, 0x100, 0xE00
FRAME, LARGE_FRAME = 0xFFFFF000, 0xFFC00000
CR0_WP, CR0_PG, CR4_PSE = 1 << 16, 1 << 31, 1 << 4
BIT_NAMES = ((P, "P"), (RW, "RW"), (US, "US"), (PWT, "PWT"), (PCD, "PCD"), (A, "A"), (D, "D"), (PS, "PS"), (G, "G"))
SAME_RIGHTS = RW | US | PWT | PCD | G  # pages that differ in these are not one run


class Entry(namedtuple("Entry", "level index at value")):
    """A PDE or PTE: its level as "PDE" or "PTE", its index, the physical address where it lies, its value."""

    @property
    def present(self):
        return bool(self.value & P)

    @property
    def large(self):
        """Maps a 4 MiB page itself."""
        return self.level == "PDE" and self.value & (P | PS) == P | PS

    @property
    def frame(self):
        return self.value & (LARGE_FRAME if self.large else FRAME)

    def bits(self):
        """The bits that are set, by Intel's names."""
        return " ".join(name for bit, name in BIT_NAMES if self.value & bit) or "none"


class Walk(namedtuple("Walk", "address pde pte")):
    """What the processor meets on its way to an address; pte is None where it does not come to a page table."""

    @property
    def last(self):
        """The entry at which the walk ends."""
        return self.pte or self.pde

    @property
    def mapped(self):
        return self.last.present

    @property
    def physical(self):
        """Of the byte at the address; None when nothing is mapped."""
        if not self.mapped:
            return None
        return self.last.frame | self.address & (0x3FFFFF if self.pde.large else 0xFFF)

    @property
    def rights(self):
        """RW and US as both levels allow them, the other bits as the last entry has them; 0 when nothing is mapped."""
        if not self.mapped:
            return 0
        return self.last.value & ~(RW | US) | self.last.value & self.pde.value & (RW | US)


def paging_is_on():
    return bool(memory.register("cr0") & CR0_PG)


def loaded_directory():
    """Physical address of the directory in CR3. Meaningful while paging is on."""
    return memory.register("cr3") & FRAME


def walk(directory, address):
    """Walk a directory for an address."""
    index = address >> PDE_SHIFT
    at = directory + 4 * index
    pde = Entry("PDE", index, at, memory.physical_word(at))
    if not pde.present or pde.large:
        return Walk(address, pde, None)
    index = address >> memory.PAGE_SHIFT & 1023
    at = pde.frame + 4 * index
    return Walk(address, pde, Entry("PTE", index, at, memory.physical_word(at)))


def directory_entries(directory):
    """All 1024 PDEs."""
    return [Entry("PDE", index, directory + 4 * index, value)
            for index, value in enumerate(memory.physical_words(directory, 1024))]


def table_entries(pde):
    """All 1024 PTEs of the table that a present, not large PDE points to."""
    return [Entry("PTE", index, pde.frame + 4 * index, value)
            for index, value in enumerate(memory.physical_words(pde.frame, 1024))]


Page = namedtuple("Page", "start size physical rights")


def pages(directory, first=0, last=0xFFFFFFFF):
    """Each page that is mapped in [first, last], in order: 4 KiB or 4 MiB."""
    for pde in directory_entries(directory)[first >> PDE_SHIFT:(last >> PDE_SHIFT) + 1]:
        if not pde.present:
            continue
        base = pde.index << PDE_SHIFT
        if pde.large:
            if first <= base + 0x3FFFFF and base <= last:
                yield Page(base, 1 << PDE_SHIFT, pde.frame, Walk(base, pde, None).rights)
            continue
        for pte in table_entries(pde):
            start = base + (pte.index << memory.PAGE_SHIFT)
            if pte.present and start + 0xFFF >= first and start <= last:
                yield Page(start, memory.PAGE_SIZE, pte.frame, Walk(start, pde, pte).rights)


Run = namedtuple("Run", "start end physical rights")  # physical: None when the frames are not side by side


def runs(directory, first=0, last=0xFFFFFFFF):
    """The mapped pages of [first, last], merged where they touch and have the same rights."""
    start = end = physical = rights = None
    linear = True
    for page in pages(directory, first, last):
        if page.start == end and page.rights & SAME_RIGHTS == rights:
            linear = linear and page.physical == physical + (page.start - start)
        else:
            if start is not None:
                yield Run(start, end, physical if linear else None, rights)
            start, physical, rights, linear = page.start, page.physical, page.rights & SAME_RIGHTS, True
        end = page.start + page.size
    if start is not None:
        yield Run(start, end, physical if linear else None, rights)
