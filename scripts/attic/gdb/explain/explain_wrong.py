"""Facts for explanations: an entry that contradicts the address map: the counterpart of mm/check/explain_wrong.c.

Known from the end of boot on, as there, when the map is complete.
"""
from attic import tables
from attic.gdb import kernel, memory, objects, paging

NOTHING_WRONG = None


def find(walk, place):
    """The kernel's enumerator, or None."""
    if not (kernel.is_sealed() and memory.register("cr0") & paging.CR0_WP):
        return NOTHING_WRONG
    if place.addr < kernel.page_offset():
        return _in_user_half(walk, place)
    wrong = _in_kernel_half(walk, place)
    if wrong or walk.steps[0].entry.value is None:
        return wrong
    index = place.addr >> tables.PDE_SHIFT
    master = memory.physical_word(kernel.master_directory() + 4 * index)
    return "EXPLAIN_WRONG_PDE" if walk.steps[0].entry.value != master else NOTHING_WRONG


def _in_kernel_half(walk, place):
    if any((step.entry.value or 0) & tables.P and step.entry.value & tables.US for step in walk.steps):
        return "EXPLAIN_WRONG_USER"
    if place.region.id == "REGION_LOWMEM":
        return _in_lowmem(walk, place)
    if place.region.id in ("REGION_VMALLOC", "REGION_FIXMAP"):
        table = int(kernel.variable("kernel_ptes")) + (place.addr >> tables.PDE_SHIFT) * memory.PAGE_SIZE & 0xFFFFFFFF
        step = walk.steps[0]
        if step.form != "EXPLAIN_TABLE" or step.entry.frame != table - kernel.page_offset():
            return "EXPLAIN_WRONG_TABLE"
        return _presence(walk, place.area)
    return _presence(walk, None)


def _in_lowmem(walk, place):
    row = next((row for row in kernel.map_rows() if row.virt <= place.addr < row.virt + row.size), None)
    wrong = _presence(walk, row)
    if wrong or not row:
        return wrong
    if walk.physical != place.addr - kernel.page_offset():
        return "EXPLAIN_WRONG_FRAME"
    return NOTHING_WRONG if _writable(walk) == bool(row.prot.val & tables.RW) else "EXPLAIN_WRONG_RIGHTS"


def _in_user_half(walk, place):
    if place.space.mm is None or not walk.mapped:
        return NOTHING_WRONG
    if not place.area:
        return "EXPLAIN_WRONG_MAPPED"
    flags, bits = place.area.of.flags, objects.enumerators("vm_flags")
    access = bits["VM_READ"] | bits["VM_WRITE"] | bits["VM_EXEC"]
    if not flags & access or _writable(walk) and not flags & bits["VM_WRITE"]:
        return "EXPLAIN_WRONG_RIGHTS"
    return NOTHING_WRONG


def _writable(walk):
    return all(step.entry.value & tables.RW for step in walk.steps)


def _presence(walk, expected):
    if walk.mapped == bool(expected):
        return NOTHING_WRONG
    return "EXPLAIN_WRONG_MISSING" if expected else "EXPLAIN_WRONG_MAPPED"
