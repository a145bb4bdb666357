"""The kernel's own structures, by symbol and type.

Names, offsets and sizes come from the debug information of the kernel that runs, never from numbers in this package. A name
that is gone is an error here (gdb.error, KeyError), which the tests see before a student does.

An object is read whole when it is first looked at, through lowmem: virtual address X lies at physical X - PAGE_OFFSET. That
holds at all stages from the first instruction on (GRUB loads the image to where it stays), so the structures can be read with
paging off, with the boot tables, and in any address space. Addresses that are not lowmem (kernel stacks) are looked up in the
master directory.
"""
import gdb

from attic import memory, paging

_types = {}


class NotYet(Exception):
    """Something that does not exist at this stage; the text is a sentence for the reader."""


# ---- names ----

_places = {}


def _place(name, file=None):
    """A pointer to a variable, not followed: memory is not read. The names of locals do not get in the way."""
    if (name, file) not in _places:
        symbol = gdb.lookup_global_symbol(name) if file is None else None
        if symbol is not None:
            found = symbol.value().address
        else:
            found = gdb.parse_and_eval("&'%s'::%s" % (file, name) if file else "&'%s'" % name)
        _places[name, file] = found
    return _places[name, file]


def address_of(name, file=None):
    """Where a variable, a function or a label lies. `file` for what is static in that file."""
    return int(_place(name, file).cast(gdb.lookup_type("unsigned long"))) & 0xFFFFFFFF


def lookup_type(name):
    """A type by its C name, "struct task"."""
    if name not in _types:
        _types[name] = gdb.lookup_type(name)
    return _types[name]


def constant(name):
    """The value of an enumerator."""
    return int(gdb.parse_and_eval(name))


# ---- bytes ----

PAGE_OFFSET = 0xC0000000


def lowmem_end():
    """high_memory: the end of the linear map."""
    return PAGE_OFFSET + memory.physical_word(address_of("lowmem_size") - PAGE_OFFSET)


def translate(addr):
    """The physical address of a kernel address, whatever is loaded: None when it has none."""
    if addr < PAGE_OFFSET:  # the boot code's own addresses are physical
        return addr
    if addr < lowmem_end():
        return addr - PAGE_OFFSET
    return paging.walk(master_directory(), addr).physical


def read(addr, size):
    """Bytes of kernel memory. gdb.MemoryError where none is mapped."""
    found = b""
    while size > 0:
        part = min(size, memory.PAGE_SIZE - addr % memory.PAGE_SIZE)
        if PAGE_OFFSET <= addr < lowmem_end():
            part = size  # side by side in physical memory too
        where = translate(addr)
        if where is None:
            raise gdb.MemoryError("Cannot access memory at address 0x%x" % addr)
        found += memory.physical(where, part)
        addr, size = addr + part, size - part
    return found


def string(addr, limit=256):
    """A C string in kernel memory."""
    text = b""
    while len(text) < limit and b"\0" not in text:
        text += read(addr + len(text), min(limit - len(text), memory.PAGE_SIZE - (addr + len(text)) % memory.PAGE_SIZE))
    return text.split(b"\0")[0].decode("latin-1")


# ---- objects ----

class Object:
    """A structure of the kernel at an address. Its members are attributes: numbers for integers and pointers, text for arrays of
    char, names for enumerations, Objects for structures, lists for other arrays. deref() follows a pointer."""

    def __init__(self, type_name, addr, gdb_type=None):
        self._type = (gdb_type or lookup_type(type_name)).strip_typedefs()
        self._addr = addr & 0xFFFFFFFF
        self._bytes = None

    @property
    def address(self):
        return self._addr

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        offset, member = _member(self._type, name)
        return _decode(self._slice(offset, member.sizeof), member, self._addr + offset)

    def deref(self, name):
        """The structure that a member points to, or None for NULL."""
        addr = getattr(self, name)
        return Object(None, addr, _member(self._type, name)[1].target().unqualified()) if addr else None

    def member_address(self, name):
        return self._addr + _member(self._type, name)[0]

    def _slice(self, offset, size):
        if self._bytes is None:
            self._bytes = read(self._addr, self._type.sizeof)
        return self._bytes[offset:offset + size]


_members = {}


def _member(struct, name):
    """Offset in bytes and type of a member, also inside of anonymous unions."""
    key = (str(struct), name)
    if key not in _members:
        found = _find_member(struct, name)
        if found is None:
            raise KeyError("%s has no member %s" % key)
        _members[key] = found
    return _members[key]


def _find_member(struct, name):
    for field in struct.fields():
        if field.name == name:
            return field.bitpos // 8, field.type.strip_typedefs()
        if not field.name:
            inner = _find_member(field.type.strip_typedefs(), name)
            if inner:
                return field.bitpos // 8 + inner[0], inner[1]
    return None


def offset_of(type_name, name):
    return _member(lookup_type(type_name).strip_typedefs(), name)[0]


def _decode(data, member, addr):
    code = member.code
    if code == gdb.TYPE_CODE_STRUCT or code == gdb.TYPE_CODE_UNION:
        return Object(None, addr, member)
    if code == gdb.TYPE_CODE_ARRAY:
        return _decode_array(data, member, addr)
    number = int.from_bytes(data, "little")
    if code == gdb.TYPE_CODE_ENUM:
        return next((field.name for field in member.fields() if field.enumval == number), str(number))
    if code == gdb.TYPE_CODE_INT and member.is_signed:
        return int.from_bytes(data, "little", signed=True)
    return number


def _decode_array(data, member, addr):
    element = member.target().strip_typedefs()
    if element.sizeof == 1 and str(element.unqualified()) == "char":
        return data.split(b"\0")[0].decode("latin-1")
    size = element.sizeof
    return [_decode(data[i:i + size], element, addr + i) for i in range(0, len(data), size)]


def variable(name, file=None):
    """The value of a variable, decoded as a member is."""
    kind = _place(name, file).type.target().strip_typedefs()
    return _decode(read(address_of(name, file), kind.sizeof), kind, address_of(name, file))


# ---- lists and trees ----

def list_entries(head, type_name, link):
    """The structures on a list (include/lib/list.h), from the address of its head."""
    offset = offset_of(type_name, link)
    at = Object("struct list_head", head).next
    while at not in (0, head):
        yield Object(type_name, at - offset)
        at = Object("struct list_head", at).next


def tree_entries(root, type_name, node):
    """The structures in a red-black tree (include/lib/rbtree.h), in order, from the address of its root."""
    offset = offset_of(type_name, node)
    above, at = [], Object("struct rb_root", root).rb_node
    while above or at:
        while at:
            above.append(at)
            at = Object("struct rb_node", at).rb_left
        at = above.pop()
        yield Object(type_name, at - offset)
        at = Object("struct rb_node", at).rb_right


# ---- stages ----

def is_loaded():
    """Whether the kernel runs already: with paging on, or in its boot code. GRUB does neither."""
    return paging.paging_is_on() or address_of("__boot_start") <= memory.eip() < address_of("__boot_end")


def master_directory():
    """Physical address of swapper_pg_dir. Before lowmem_map_init() it is empty."""
    return address_of("swapper_pg_dir") - PAGE_OFFSET


def master_is_ready():
    """Whether the final tables are loaded: any directory but the boot one."""
    return paging.paging_is_on() and paging.loaded_directory() != address_of("boot_page_directory")


# ---- what there is ----

def tasks():
    """All tasks, by pid."""
    return list_entries(address_of("all_tasks", "kernel/pid.c"), "struct task", "all_link")


def current():
    """The task that the processor runs, or None before there are any."""
    return Object("struct cpu", address_of("boot_cpu")).deref("current")


def mms():
    """All address spaces."""
    return list_entries(address_of("all_mms", "mm/mm.c"), "struct mm", "link")


def vm_areas(mm):
    """The areas of an address space, by address."""
    return tree_entries(mm.areas.address, "struct vm_area", "node")


def vmap_areas():
    """Busy areas of the vmalloc area, by address."""
    root = address_of("ranges", "mm/vmap_area.c")
    return (area for area in tree_entries(root, "struct vmap_area", "node") if area.flags)


def page(pfn):
    """The struct page of a frame. NotYet before page_alloc_init(), IndexError beyond the RAM that has any."""
    if not variable("mem_map"):
        raise NotYet("there are no struct pages yet: page_alloc_init() makes them")
    if pfn >= variable("max_pfn"):
        raise IndexError(pfn)
    return Object("struct page", variable("mem_map") + pfn * lookup_type("struct page").sizeof)


def symbol_text(addr):
    """An address of code as the kernel writes it: function+0x12/0x34, or the number."""
    block = gdb.block_for_pc(addr)
    while block and not block.function:
        block = block.superblock
    if block:
        return "%s+0x%x/0x%x" % (block.function.name, addr - block.start, block.end - block.start)
    return "0x%08x" % addr
