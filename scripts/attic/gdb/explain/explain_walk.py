"""Facts for explanations: the walk through a directory, and what ring 0 and ring 3 may do: the counterpart of the first half of
mm/check/explain_walk.c.

The entries are the raw ones in physical memory, the control registers those of now. The processor checks P at both levels first; then US
and RW at both, and for ring 0 CR0.WP, CR4.SMEP and CR4.SMAP: the first check that fails, at the first level where it does, decides (Intel
SDM vol. 3, 4.6 and 4.7). The contents of entries that are not present (tags of areas, pages of a process without rights) are the kernel's
convention: include/mm/kva/vmap_area_internal.h, mm/user/user_pte.c.

Facts are named by the kernel's enumerators, for which explain_words.py has the words.
"""
from collections import namedtuple

import gdb

from attic import tables
from attic.gdb import kernel, memory, objects, paging

ACCESSES = ("EXPLAIN_READ", "EXPLAIN_WRITE", "EXPLAIN_EXECUTE")
LEVELS = {"PDE": "EXPLAIN_PDE", "PTE": "EXPLAIN_PTE"}

# An entry (tables.Entry), what it is, and what it holds if it is not present. A value that cannot be read is None.
Step = namedtuple("Step", "entry form content")
# level: None where no entry decides.
Right = namedtuple("Right", "allowed why level", defaults=("EXPLAIN_NOTHING", None))


class Walk:
    """The entries that the processor reads for an address."""

    def __init__(self, directory, addr):
        self.addr = addr
        self.steps = [_pde_step(directory, addr)]
        if self.steps[0].form == "EXPLAIN_TABLE":
            self.steps.append(_pte_step(self.steps[0].entry.frame, addr))
        self.last = self.steps[-1]
        self.mapped = self.last.form in ("EXPLAIN_LARGE", "EXPLAIN_PAGE")

    @property
    def physical(self):
        """The physical address of the byte; None when nothing is mapped."""
        if not self.mapped:
            return None
        return self.last.entry.frame | self.addr & (0x3FFFFF if self.last.form == "EXPLAIN_LARGE" else 0xFFF)

    @property
    def frame(self):
        """Physical address of the frame, also of one that is kept without rights; None if there is none."""
        if self.mapped:
            return self.physical & tables.FRAME
        return self.last.entry.frame if self.last.content == "EXPLAIN_KEPT" else None

    @property
    def stop(self):
        """The level at which the walk ends without a frame."""
        return None if self.mapped else LEVELS[self.last.entry.level]

    def index(self, level):
        return next(step.entry.index for step in self.steps if LEVELS[step.entry.level] == level)

    def rights(self, ring):
        """The rights of ring 0 or 3, by access."""
        return {access: self._right(ring, access) for access in ACCESSES}

    def _right(self, ring, access):
        if not self.mapped:
            return Right(False, "EXPLAIN_CANNOT_TELL" if self.last.form == "EXPLAIN_UNREAD" else "EXPLAIN_P", self.stop)
        return (self._ring3 if ring == 3 else self._ring0)(access)

    def _without(self, bit):
        """The first level that has a bit clear."""
        return next((LEVELS[step.entry.level] for step in self.steps if not step.entry.value & bit), None)

    def _ring3(self, access):
        if self._without(tables.US):
            return Right(False, "EXPLAIN_US", self._without(tables.US))
        if access == "EXPLAIN_WRITE" and self._without(tables.RW):
            return Right(False, "EXPLAIN_RW", self._without(tables.RW))
        return Right(True)

    def _ring0(self, access):
        last, user = LEVELS[self.last.entry.level], not self._without(tables.US)
        read_only = self._without(tables.RW) if access == "EXPLAIN_WRITE" else None
        if read_only and memory.register("cr0") & paging.CR0_WP:
            return Right(False, "EXPLAIN_RW_WP", read_only)
        if user and access == "EXPLAIN_EXECUTE" and memory.register("cr4") & paging.CR4_SMEP:
            return Right(False, "EXPLAIN_SMEP", last)
        if user and access != "EXPLAIN_EXECUTE" and paging.smap_holds():
            return Right(False, "EXPLAIN_SMAP", last)
        return Right(True, "EXPLAIN_RW_WITHOUT_WP", read_only) if read_only else Right(True)


# ---- entries ----

def _read(level, table, index):
    """An entry of a directory or table; its value is None if its address is not in a table of the kernel."""
    at = table + 4 * index
    inside = at < kernel.lowmem_end() - kernel.page_offset()
    return tables.Entry(level, index, at, memory.physical_word(at) if inside else None)


def _pde_step(directory, addr):
    entry = _read("PDE", directory, addr >> tables.PDE_SHIFT)
    if entry.value is None:
        return Step(entry, "EXPLAIN_UNREAD", None)
    if not entry.present:
        return Step(entry, "EXPLAIN_NOT_PRESENT", "EXPLAIN_LEFTOVER" if entry.value else "EXPLAIN_EMPTY")
    return Step(entry, "EXPLAIN_LARGE" if entry.large else "EXPLAIN_TABLE", None)


def _pte_step(table, addr):
    entry = _read("PTE", table, addr >> memory.PAGE_SHIFT & 1023)
    if entry.value is None:
        return Step(entry, "EXPLAIN_UNREAD", None)
    if entry.present:
        return Step(entry, "EXPLAIN_PAGE", None)
    return Step(entry, "EXPLAIN_NOT_PRESENT", _content(addr & tables.FRAME, entry.value))


def _content(page, value):
    """What a PTE that is not present holds."""
    if value == 0:
        return "EXPLAIN_EMPTY"
    if page < kernel.page_offset():
        return "EXPLAIN_KEPT" if value & ~tables.FRAME == tables.US else "EXPLAIN_LEFTOVER"
    return _tag(page, value) if kernel.region(page).id == "REGION_VMALLOC" else "EXPLAIN_LEFTOVER"


def _tag(page, value):
    """Whether it is the tag of the area or free range here."""
    if not kernel.page_offset() <= value < kernel.lowmem_end():
        return "EXPLAIN_LEFTOVER"
    found = objects.Object("struct vmap_area", value)
    try:
        start, last_page, busy = found.start, found.end - memory.PAGE_SIZE, found.flags
    except gdb.MemoryError:
        return "EXPLAIN_LEFTOVER"
    if busy:
        return "EXPLAIN_GUARD" if page == last_page else "EXPLAIN_LEFTOVER"
    return "EXPLAIN_BORDER" if page in (start, last_page) else "EXPLAIN_LEFTOVER"
