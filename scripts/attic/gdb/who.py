"""`attic who`: everything about one frame: its owner, its references, and every address at which it is mapped.

The owner comes from the struct page and, by type, from the structure that keeps the frame: a slab's descriptor, a file's
mapping, a directory's entries. The addresses come from the tables only, the kernel half once and the user half of every address space, so
that an address that the kernel has lost track of is found as well.

Limits: only the structure that a type names is shown, not the owners of the objects in a slab.

Neighbours: frames.py decodes struct pages, owners.py describes addresses, paging.py reads the tables.
"""
from attic import tables
from attic.gdb import cli, frames, kernel, memory, objects, owners, paging, spaces


class Who(cli.Command):
    """Print who has a frame, and where it is mapped.

FRAME is its physical address, such as 0x07f11000, or a gdb expression. Printed
are the owner by the frame's struct page, with its slab, file, page table or
reservation; the reference count; and every address: in lowmem, in the vmalloc
area, in the fixmap, and in each process, with what lies there."""

    name, usage, at_least, at_most, expression = "who", "FRAME", 1, 1, True

    def run(self, arguments):
        pfn = frame_number(arguments[0])
        print("frame 0x%08x: %s" % (pfn << memory.PAGE_SHIFT, owner_text(pfn)))
        for line in table_lines(pfn):
            print("  " + line)
        if not paging.paging_is_on():
            print("  paging is off: its only address is the physical one")
            return
        for line in list(mappings(pfn)) or ["mapped nowhere"]:
            print("  " + line)


def frame_number(text):
    """The number of the given frame. Decimal digits are refused, because frame numbers in a snapshot look like that."""
    if text.isdecimal() and text.strip("0"):
        raise cli.Sorry("a frame is named by its physical address, in hexadecimal: 0x07f11000, and `%s` is decimal" % text)
    addr = cli.address(text)
    if addr >= kernel.page_offset():
        check_physical(addr)
    return addr >> memory.PAGE_SHIFT


def check_physical(addr):
    """Sorry for an address without RAM at which something is mapped: it is probably a virtual address of the kernel."""
    pfn = addr >> memory.PAGE_SHIFT
    if not paging.paging_is_on() or frames.Reserved().is_ram(pfn):
        return
    physical = paging.walk(paging.loaded_directory(), addr).physical
    if physical is not None:
        raise cli.Sorry("it takes a physical address, and 0x%08x has no RAM; as a virtual address it shows frame 0x%08x"
                        % (addr, physical & tables.FRAME))


# ---- owner ----

def owner_text(pfn):
    try:
        pages = frames.Pages()
    except kernel.NotYet as sorry:
        return str(sorry)
    if pfn >= pages.max_pfn:
        return "no RAM, so it has no struct page"
    page = pages.block(pfn)
    if not page.head:
        return reserved_text(pfn)
    kind = objects.enumerator_of("page_type", page.type)
    said = "free: " if page.type <= objects.enumerators("page_type")["PAGE_HOT"] else "used: "
    said += kernel.page_type_name(kind) + DETAILS.get(kind, lambda page, pfn: "")(page, pfn)
    if page.order:
        first = page.pfn << memory.PAGE_SHIFT
        said += ", in a block of %d frames, 0x%08x..0x%08x" % (1 << page.order, first, first + (memory.PAGE_SIZE << page.order) - 1)
    return "%s; reference count %d" % (said, pages.get(pfn).refcount)


def reserved_text(pfn):
    memblock = frames.Reserved()
    if not memblock.is_ram(pfn):
        return "no RAM"
    return "reserved since start-up: %s" % (memblock.name(pfn) or "lost: no owner")


def slab_text(page, _pfn):
    """The descriptor of a slab is the end of its block."""
    block = kernel.page_offset() + (page.pfn << memory.PAGE_SHIFT)
    slab = objects.Object("struct slab", block + (memory.PAGE_SIZE << page.order) - kernel.size_of("struct slab"))
    cache = slab.deref("cache")
    return " of the cache %s, objects of %d bytes" % (kernel.string(cache.name), cache.object_size)


def file_text(_page, pfn):
    page = kernel.page(pfn)
    mapping = page.deref("mapping")
    if mapping is None:
        return ""
    return " of %s, bytes from 0x%x on%s" % (kernel.file_text(mapping), page.index * memory.PAGE_SIZE,
                                             ", written to" if page.dirty else "")


DETAILS = {"PAGE_SLAB": slab_text, "PAGE_FILE": file_text}


def table_lines(pfn):
    """What the frame contains, if it is a directory or page table."""
    at = pfn << memory.PAGE_SHIFT
    for directory, text in directories():
        if directory == at:
            yield "it is " + text
    border = kernel.page_offset() >> tables.PDE_SHIFT
    for directory, text in directories():
        entries = paging.directory_entries(directory)
        shared = kernel.is_sealed() and directory != kernel.master_directory()
        for entry in entries[:border] if shared else entries:
            if entry.present and not entry.large and entry.frame == at:
                yield "it is the page table of 0x%08x..0x%08x in %s" % (
                    entry.index << tables.PDE_SHIFT, (entry.index << tables.PDE_SHIFT) + 0x3FFFFF,
                    "every directory" if entry.index >= border and kernel.is_sealed() else text)


def directories():
    """Physical address and text of each directory."""
    found = {}
    if kernel.master_is_ready():
        found = {space.directory: space.text for space in spaces.everyone()}
        found.update((at, "a directory kept for the next process") for at in kernel.kept_directories())
    if paging.paging_is_on():
        found.setdefault(paging.loaded_directory(), spaces.loaded().text)
    return found.items()


# ---- addresses ----

def mappings(pfn):
    """A line for each page that maps the frame: the kernel half once, then each process."""
    directory = kernel.master_directory() if kernel.master_is_ready() else paging.loaded_directory()
    spans = owners.kernel_spans()
    for addr, rights in paging.addresses(directory, pfn, 0, 1023, tables.P):
        span = owners.find(spans, addr)
        yield "0x%08x %s  %s%s" % (addr, tables.rights_text(rights), kernel.region_name(addr), ": " + span.text if span else "")
    if kernel.is_sealed():
        for mm in kernel.mms():
            yield from user_mappings(mm, pfn)


def user_mappings(mm, pfn):
    spans = owners.user_spans(mm)
    for addr, rights in paging.addresses(mm.pgd_phys, pfn, 0, (kernel.page_offset() >> tables.PDE_SHIFT) - 1):
        span = owners.find(spans, addr)
        yield "0x%08x %s  %s: %s" % (addr, tables.rights_text(rights) if rights else "held without rights",
                                     kernel.mm_text(mm), span.text if span else "in none of its areas")
