"""Which addresses belong to what: spans of an address space, each with a text, for commands that show more than entries.

The tables show that something is mapped; the kernel's own lists show for what: rows of the linear map, busy areas of the vmalloc
area, slots of the fixmap, areas of processes. A span is a range of addresses that one of them contains, mapped or not. Before the lists
exist (with the boot tables) there are no spans, only the tables.

Spans of one address space do not overlap, as the lists do not; the span of a vmalloc area includes its guard page.

Neighbours: kernel.py has the lists; maps.py, who.py and explain.py use the spans.
"""
from collections import namedtuple

from attic.gdb import kernel, memory

Span = namedtuple("Span", "start end text")  # [start, end)


def kernel_spans():
    """The spans of the kernel half, by address."""
    if not kernel.master_is_ready():
        return []
    return sorted(row_spans() + vmap_spans() + fixmap_spans())


def user_spans(mm):
    """The spans of a process, by address."""
    return [Span(area.start, area.end, "%s %s" % (kernel.rights_text(area), kernel.area_text(area)))
            for area in kernel.vm_areas(mm)]


def row_spans():
    return [Span(row.virt, row.virt + row.size, kernel.string(row.name)) for row in kernel.map_rows()]


def vmap_spans():
    stacks = {task.stack: task for task in kernel.tasks()}
    return [Span(area.start, area.end, vmap_text(area, stacks.get(area.start))) for area in kernel.vmap_areas()]


def vmap_text(area, stack_of=None):
    """The function that made an area of the vmalloc area, and the task whose kernel stack it is."""
    text = "%s by %s" % (kernel.area_kind(area), kernel.symbol_text(area.caller))
    return text + (", kernel stack of " + kernel.task_text(stack_of) if stack_of else "")


def fixmap_spans():
    """The slots of kmap_local_page() that are taken: the first ones of the fixmap."""
    start = kernel.region_start("REGION_FIXMAP")
    return [Span(start + slot * memory.PAGE_SIZE, start + (slot + 1) * memory.PAGE_SIZE, "kmap_local slot %d" % slot)
            for slot in range(kernel.variable("depth", "mm/frame/highmem.c"))]


def spans(space):
    """All spans of an address space, by address."""
    return (user_spans(space.mm) if space.mm else []) + kernel_spans()


def find(found, addr):
    """The span that holds an address, or None."""
    return next((span for span in found if span.start <= addr < span.end), None)
