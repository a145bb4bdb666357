"""The objects of the kernel: stages, tasks, address spaces, areas, struct pages, files.

Each function reads memory as it is now and raises NotYet if the object does not exist at this stage. Lists may be damaged when the kernel
has panicked: then it raises Damaged or gdb.MemoryError, and the reader gets a sentence.

The output has the same form as the kernel's: name[pid] for tasks, function+0x12/0x34 for code, the names of owners, regions and rights from
the kernel's own tables, so that two outputs can be compared.

Limits: nothing is locked. The machine may be stopped in the middle of a change to a list; the result is then what another processor would
have seen at that moment.

Neighbours: objects.py reads the structures; symbols.py has the names; cli.py turns the exceptions into sentences.
"""
from collections import namedtuple

from attic.gdb import Sorry, memory, paging, symbols
from attic.gdb.objects import (Damaged, Object, address_of, enumerator_of, enumerators, flag_names, function_static, list_entries,
                           lookup_type, lowmem_end, master_directory, offset_of, page_offset, read, size_of, string, translate,
                           tree_entries, variable)

# Available from here as well, so that one module is enough for questions about the kernel.
__all__ = ["lookup_type", "lowmem_end", "master_directory", "page_offset", "read", "translate"]

MULTIBOOT2_MAGIC = 0xE85250D6  # the first word of the image (Multiboot2 Specification 2.0, 3.1.1)


class NotYet(Sorry):
    """Something that does not exist at this stage; the text is a sentence for the reader."""


# ---- stages ----

def is_loaded():
    """Whether the kernel runs already: paging is on, or EIP is in its boot code. Neither is true in GRUB, though some of its own code runs
    at the same addresses for a moment."""
    if paging.paging_is_on():
        return True
    start = address_of("__boot_start")
    return start <= memory.eip() < address_of("__boot_end") and memory.physical_word(start) == MULTIBOOT2_MAGIC


def is_of_symbols():
    """Whether the kernel in memory is that of gdb's symbols: whether the code of kernel_main(), which has relative calls to all parts of
    the kernel, is the same."""
    code = symbols.table().main
    return memory.physical(address_of("kernel_main") - page_offset(), len(code)) == code


def boot_directory():
    """Physical address of the directory that the boot code fills; its page is used for something else after mm_seal()."""
    return address_of("boot_page_directory")


def master_is_ready():
    """Whether lowmem_map_init() has filled the master directory: until then the boot directory is loaded."""
    return paging.paging_is_on() and (paging.loaded_directory() != boot_directory() or is_sealed())


def is_sealed():
    """Whether mm_seal() has ended the boot: it takes the snapshot of the kernel half, whose first entry is lowmem's. CR0.WP, which it turns
    on as well, may be turned off again."""
    return paging.paging_is_on() and bool(memory.physical_word(address_of("snapshot", "mm/kva/lowmem.c") - page_offset()))


def snapshot():
    """The kernel half of the master directory as it was at the end of boot (mm/kva/lowmem.c): its entries, or None before."""
    return [entry.val for entry in variable("snapshot", "mm/kva/lowmem.c").kernel_half] if is_sealed() else None


# ---- tasks ----

def tasks():
    """All tasks, by pid."""
    return list_entries(address_of("all_tasks", "kernel/pid.c"), "struct task", "all_link")


def has_tasks():
    return is_loaded() and bool(Object("struct cpu", address_of("boot_cpu")).current)


def current():
    """The kernel's current task, or None before there is one; stacks.py finds the running task during a switch."""
    return Object("struct cpu", address_of("boot_cpu")).deref("current")


def stack_end(task):
    """The address behind a task's kernel stack: its area ends there, except for the guard page."""
    area = next((area for area in vmap_areas() if area.start == task.stack), None)
    if area is None:
        raise Damaged("the kernel stack of %s, 0x%08x, is not a vmalloc area" % (task_text(task), task.stack))
    return area.end - memory.PAGE_SIZE


def task_text(task):
    """The text for a task, as the kernel prints it: name[pid]."""
    return "%s[%d]" % (task.comm, task.pid)


def pt_regs(task):
    """The registers with which a process entered the kernel, at the end of its kernel stack."""
    return Object("struct pt_regs", stack_end(task) - size_of("struct pt_regs"))


def system_call(number):
    """The name of a system call, or its number."""
    for call in variable("calls", "kernel/syscall/strace_table.c"):
        if call.number == number:
            return string(call.name)
    return "number %d" % number


# ---- address spaces ----

def mms():
    """All address spaces."""
    return list_entries(address_of("all_mms", "mm/user/mm.c"), "struct mm", "link")


def mm_text(mm):
    """The owner of the address space."""
    users = [task_text(task) for task in tasks() if task.mm == mm.address]
    return " and ".join(users) or "nobody yet"


def vm_areas(mm):
    """The areas of an address space, by address."""
    return tree_entries(mm.areas.address, "struct vm_area", "node")


def kept_directories():
    """Physical addresses of the directories that are kept for the next processes (mm/user/user_table.c)."""
    return [(page - variable("mem_map")) // size_of("struct page") * memory.PAGE_SIZE
            for page in _kept(variable("pgds", "mm/user/user_table.c").top)]


def _kept(page):
    while page:
        yield page
        page = Object("struct page", page).next


# ---- areas and regions of the map ----

def vmap_areas():
    """Busy areas of the vmalloc area, by address."""
    root = address_of("vmap_ranges")
    return (area for area in tree_entries(root, "struct vmap_area", "node") if area.flags)


def area_kind(area):
    """The kind of an area, as in vmallocinfo."""
    return {"VM_ALLOC": "vmalloc", "VM_MAP": "vmap", "VM_IOREMAP": "ioremap"}[flag_names("vmap_kind", area.flags)[0]]


Region = namedtuple("Region", "first last name text id")


def regions():
    """The regions of the address map, from the top down, each with its enumerator as id. Before layout_init() sets the edges, there is no
    hole."""
    last = 0xFFFFFFFF
    for number, region in enumerate(variable("layout_regions")):
        if region.start <= last:
            yield Region(region.start, last, string(region.name), string(region.text), enumerator_of("layout_region_id", number))
            last = region.start - 1


def region(addr):
    """The region that holds an address."""
    return next(region for region in regions() if region.first <= addr <= region.last)


def region_name(addr):
    """The same in one or two words."""
    return region(addr).name


def region_start(id_name):
    """Where a region of `enum layout_region_id` starts."""
    return variable("layout_regions")[enumerators("layout_region_id")[id_name]].start


def map_rows():
    """The rows that make up lowmem; none before lowmem_map_init()."""
    first = variable("rows", "mm/kva/lowmem.c")
    return [Object("struct map_row", first + i * size_of("struct map_row")) for i in range(variable("row_count", "mm/kva/lowmem.c"))]


# ---- struct pages ----

def max_pfn():
    """The number of frames that have a struct page. NotYet before page_alloc_init()."""
    if not variable("mem_map"):
        raise NotYet("there are no struct pages yet: page_alloc_init() makes them")
    return variable("max_pfn")


def page(pfn):
    """The struct page of a frame. NotYet before page_alloc_init(), IndexError beyond the RAM that has one."""
    if pfn >= max_pfn():
        raise IndexError(pfn)
    return Object("struct page", variable("mem_map") + pfn * size_of("struct page"))


def page_type_name(type_name):
    """The owner's name in tables, for an enumerator of `enum page_type`."""
    number = enumerators("page_type").get(type_name)
    names = function_static("page_type_short_name", "names")
    return string(names[number]) if number is not None and number < len(names) else "no known type (%s)" % type_name


def usable_ranges():
    """RAM according to memblock: (start, end)."""
    return _memblock_ranges("usable")


def reserved_ranges():
    """The parts of it that were reserved before there was an allocator: (start, end, name)."""
    return _memblock_ranges("reserved")


def _memblock_ranges(which):
    found = variable(which, "mm/frame/memblock.c")
    return [(part.start, part.end, string(part.name)) for part in found.range[:found.count]]


# ---- files ----

def is_file(mapping):
    """Whether a mapping is the pages of a file; otherwise it is shared memory without a name."""
    return mapping.release == Object("struct inode", variable("root", "fs/inode.c")).data.release


def file_text(mapping):
    """The path of the file to which the pages of a mapping belong."""
    if not is_file(mapping):
        return "/dev/zero (deleted)"  # as /proc/PID/maps calls it
    return path_of(Object("struct inode", mapping.address - offset_of("struct inode", "data")))


def path_of(inode):
    """The path of an inode; its last path if it was removed."""
    parts, removed = [], False
    while inode:
        entry = next(list_entries(inode.member_address("names"), "struct dir_entry", "link"), None)
        if entry is None:
            break
        removed = removed or bool(entry.removed)
        parts.insert(0, string(entry.member_address("name")))
        inode = entry.deref("dir")
    return "/" + "/".join(parts) + (" (deleted)" if removed else "")


def area_text(area):
    """The contents of a VMA: its file, or its name, or that it is anonymous."""
    mapping = area.deref("file")
    if mapping is not None:
        return file_text(mapping)
    return string(area.name) if area.name else "anonymous"


def rights_text(area):
    """The rights of a VMA, as in /proc/PID/maps."""
    flags = flag_names("vm_flags", area.flags)
    return "".join((letter if flag in flags else "-") for flag, letter in
                   (("VM_READ", "r"), ("VM_WRITE", "w"), ("VM_EXEC", "x"))) + ("s" if "VM_SHARED" in flags else "p")


def symbol_text(addr):
    """An address as the kernel prints it: name+0x12/0x34, or the number."""
    return symbols.text(addr)
