"""Facts for explanations: the frame behind an address, its other addresses, and whether a device may use it: the counterparts of
find_frame() in mm/check/explain_walk.c, of mm/check/rmap.c, and of dma_query_single() in mm/kva/dma_verdict.c.

The other addresses come from the tables only: the kernel half once, then the user half of each address space. Each table is read as a
whole.

Neighbours: frames.py decodes struct pages, paging.py scans the tables; explain_words.py has the reasons.
"""
from collections import namedtuple

from attic import tables
from attic.gdb import frames, kernel, memory, objects, paging

Frame = namedtuple("Frame", "owner reserved zero_page references block block_frames block_references")
Alias = namedtuple("Alias", "mm addr present")  # mm: None in the kernel half


def frame_of(phys):
    """The contents of the struct page; None if the frame has none. owner is None if the owner is unknown. NotYet before there are struct
    pages."""
    pages, pfn = frames.Pages(), phys >> memory.PAGE_SHIFT
    if pfn >= pages.max_pfn:
        return None
    page, first = pages.get(pfn), pages.block(pfn)
    owner, reserved = _owner(page, first)
    zero_page = kernel.variable("zero_page") == kernel.page(pfn).address
    return Frame(owner, reserved, zero_page, page.refcount, first.pfn << memory.PAGE_SHIFT,
                 1 << first.order if first.head else 1, first.refcount)


def _owner(page, first):
    """The owner's name, and whether the frame was reserved at start-up."""
    if first.head:
        return kernel.page_type_name(objects.enumerator_of("page_type", first.type)), False
    memblock = frames.Reserved()
    if not memblock.is_ram(page.pfn):
        return kernel.string(objects.address_of("frame_no_ram")), False
    reserved = page.type == objects.enumerators("page_type")["PAGE_RESERVED"]
    return memblock.name(page.pfn) if reserved else None, True


# ---- other addresses ----

def aliases(space, addr, phys):
    """Each other address of a frame, page by page: in the kernel half, then in processes; before there are any, in the loaded directory."""
    page = addr & tables.FRAME
    for alias in _everywhere(phys >> memory.PAGE_SHIFT):
        mine = alias.mm is None or space.mm is not None and alias.mm.address == space.mm.address
        if alias.addr != page or alias.addr < kernel.page_offset() and not mine:
            yield alias


def _everywhere(pfn):
    border = kernel.page_offset() >> tables.PDE_SHIFT
    directory = kernel.master_directory() if kernel.master_is_ready() else paging.loaded_directory()
    for addr, rights in paging.addresses(directory, pfn, border, 1023, tables.P):
        if rights:
            yield Alias(None, addr, True)
    if kernel.is_sealed():
        found = ((mm, found) for mm in kernel.mms() for found in paging.addresses(mm.pgd_phys, pfn, 0, border - 1))
    else:
        found = ((None, found) for found in paging.addresses(paging.loaded_directory(), pfn, 0, border - 1))
    for mm, (addr, rights) in found:
        yield Alias(mm, addr, bool(rights))


# ---- devices ----

def dma_verdicts(region, addr):
    """The result of the DMA API for a device that reads the byte, and for one that writes it, as enumerators."""
    if region.id in ("REGION_USER", "REGION_NULL"):
        return "DMA_USER", "DMA_USER"
    if region.id == "REGION_VMALLOC":
        return "DMA_VMALLOC", "DMA_VMALLOC"
    if region.id != "REGION_LOWMEM":
        return "DMA_NO_LOWMEM", "DMA_NO_LOWMEM"
    verdict = _frame_verdict(addr - kernel.page_offset() >> memory.PAGE_SHIFT)
    return verdict, verdict if _kernel_may_write(addr) else "DMA_READ_ONLY"


def _kernel_may_write(addr):
    """According to the entries of lowmem; CR0.WP does not count."""
    directory = kernel.master_directory() if kernel.master_is_ready() else paging.loaded_directory()
    return bool(paging.walk(directory, addr).rights & tables.RW)


def _frame_verdict(pfn):
    first = frames.Pages().block(pfn)
    types = objects.enumerators("page_type")
    if first.type in (types["PAGE_FREE"], types["PAGE_HOT"]):
        return "DMA_FREE"
    if first.type == types["PAGE_RESERVED"] and not frames.Reserved().is_ram(pfn):
        return "DMA_NO_RAM"
    return "DMA_GRANTED"
