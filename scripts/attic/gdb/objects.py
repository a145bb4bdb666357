"""The kernel's variables and structures, by symbol and type.

Names, offsets and sizes come from the debug information of the running kernel, never from numbers in this package. A name that no longer
exists is an error here (gdb.error, KeyError), which the tests find before a student does.

An object is read completely at its first use, through lowmem: virtual address X lies at physical X - PAGE_OFFSET. That is true at all
stages from the first instruction on (GRUB loads the image to its final place), so the structures can be read with paging off, with the boot
tables, and in any address space. Addresses that are not lowmem (kernel stacks) are looked up in the master directory.

Neighbours: kernel.py knows the variables and lists; memory.py reads.
"""
import gdb

from attic.gdb import Sorry, memory, paging, symbols


class Damaged(Sorry):
    """A list or tree that cannot be walked; the text is a sentence for the reader."""


# ---- names ----

_types, _places, _members, _signed = {}, {}, {}, {}


def forget_names(_event=None):
    """Called when gdb loads another kernel, or the same built again."""
    for cache in (_types, _places, _members, _signed):
        cache.clear()


gdb.events.new_objfile.connect(forget_names)
gdb.events.clear_objfiles.connect(forget_names)


def _symbol(name, file):
    """gdb's symbol of a variable, not of a local of the same name."""
    if file is None:
        return gdb.lookup_global_symbol(name)
    return next((symbol for symbol in gdb.lookup_static_symbols(name) if symbol.symtab.filename.endswith(file)), None)


def _place(name, file):
    """A pointer to a variable, which is not dereferenced: memory is not read."""
    if (name, file) not in _places:
        symbol = _symbol(name, file)
        if symbol is None:
            raise KeyError("no variable %s%s" % (name, " in " + file if file else ""))
        _places[name, file] = symbol.value().address
    return _places[name, file]


def address_of(name, file=None):
    """The address of a variable, a function or a label. `file` is for names that are static in that file."""
    return symbols.address(name) if file is None else int(_place(name, file)) & 0xFFFFFFFF


def lookup_type(name):
    """A type by its C name, "struct task"."""
    if name not in _types:
        _types[name] = gdb.lookup_type(name)
    return _types[name]


def size_of(name):
    return lookup_type(name).sizeof


def enumerators(name):
    """Name and value of each enumerator of `enum name`."""
    return {field.name: field.enumval for field in lookup_type("enum " + name).fields()}


def enumerator_of(name, value):
    """The enumerator of `enum name` that has a value; the number as text if none has."""
    return next((enumerator for enumerator, number in enumerators(name).items() if number == value), str(value))


def flag_names(name, value):
    """The enumerators of `enum name` whose bits are set in a value."""
    return [flag for flag, bit in enumerators(name).items() if value & bit]


def member(struct, name):
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
    return member(lookup_type(type_name).strip_typedefs(), name)[0]


def array_length(type_name, name):
    """The length of a member that is an array."""
    first, last = member(lookup_type(type_name).strip_typedefs(), name)[1].range()
    return last - first + 1


# ---- bytes ----

def page_offset():
    """PAGE_OFFSET: the linker script moves the image by it."""
    return symbols.address("__text_start") - symbols.address("__boot_end")


def lowmem_end():
    """high_memory: the end of the linear map. Before layout_init() sets it, the end of what the boot tables map."""
    return page_offset() + memory.physical_word(address_of("lowmem_size") - page_offset())


def master_directory():
    """Physical address of swapper_pg_dir. Before lowmem_map_init() it is empty."""
    return address_of("swapper_pg_dir") - page_offset()


def translate(addr):
    """The physical address of a kernel address, in any loaded directory; None if it has none."""
    if addr < page_offset():  # the boot code's own addresses are physical
        return addr
    if addr < lowmem_end():
        return addr - page_offset()
    return paging.walk(master_directory(), addr).physical


def read(addr, size):
    """Bytes of kernel memory. gdb.MemoryError where none is mapped."""
    if page_offset() <= addr < lowmem_end():
        return memory.physical(addr - page_offset(), size)  # contiguous in physical memory too
    found = b""
    while size > 0:
        part = min(size, memory.PAGE_SIZE - addr % memory.PAGE_SIZE)
        where = translate(addr)
        if where is None:
            raise gdb.MemoryError("no memory is mapped at the kernel's address 0x%08x" % addr)
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
        offset, kind = member(self._type, name)
        return _decode(self._slice(offset, kind.sizeof), kind, self._addr + offset)

    def deref(self, name):
        """The structure that a member points to, or None for NULL."""
        addr = getattr(self, name)
        return Object(None, addr, member(self._type, name)[1].target().unqualified()) if addr else None

    def member_address(self, name):
        return self._addr + member(self._type, name)[0]

    def _slice(self, offset, size):
        if self._bytes is None:
            self._bytes = read(self._addr, self._type.sizeof)
        return self._bytes[offset:offset + size]


def _is_signed(kind):
    if str(kind) not in _signed:
        _signed[str(kind)] = int(gdb.Value(-1).cast(kind)) < 0
    return _signed[str(kind)]


def _decode(data, kind, addr):
    code = kind.code
    if code in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION):
        return Object(None, addr, kind)
    if code == gdb.TYPE_CODE_ARRAY:
        return _decode_array(data, kind, addr)
    number = int.from_bytes(data, "little")
    if code == gdb.TYPE_CODE_ENUM:
        return next((field.name for field in kind.fields() if field.enumval == number), str(number))
    if code == gdb.TYPE_CODE_INT and _is_signed(kind):
        return int.from_bytes(data, "little", signed=True)
    return number


def _decode_array(data, kind, addr):
    element = kind.target().strip_typedefs()
    if element.sizeof == 1 and str(element.unqualified()) == "char":
        return data.split(b"\0")[0].decode("latin-1")
    size = element.sizeof
    return [_decode(data[i:i + size], element, addr + i) for i in range(0, len(data), size)]


def variable(name, file=None):
    """The value of a variable, decoded like a member."""
    kind = _place(name, file).type.target().strip_typedefs()
    addr = int(_place(name, file)) & 0xFFFFFFFF
    return _decode(read(addr, kind.sizeof), kind, addr)


def function_static(function, name):
    """The same for a variable that is static within a function."""
    block = gdb.block_for_pc(symbols.address(function))
    while block and not block.is_static:
        for symbol in block:
            if symbol.name == name and symbol.is_variable:
                kind, addr = symbol.type.strip_typedefs(), int(symbol.value().address) & 0xFFFFFFFF
                return _decode(read(addr, kind.sizeof), kind, addr)
        block = block.superblock
    raise KeyError("no variable %s in %s()" % (name, function))


# ---- lists and trees ----

def list_entries(head, type_name, link):
    """The structures on a list (include/lib/list.h), from the address of its head."""
    offset, seen = offset_of(type_name, link), set()
    at = Object("struct list_head", head).next
    while at not in (0, head):
        if at in seen:
            raise Damaged("the list at 0x%08x does not come back to its head: 0x%08x is on it twice" % (head, at))
        seen.add(at)
        yield Object(type_name, at - offset)
        at = Object("struct list_head", at).next


def tree_entries(root, type_name, node):
    """The structures in a red-black tree (include/lib/rbtree.h), in order, from the address of its root."""
    offset, seen = offset_of(type_name, node), set()
    above, at = [], Object("struct rb_root", root).rb_node
    while above or at:
        while at:
            if at in seen:
                raise Damaged("the tree at 0x%08x is damaged: 0x%08x is in it twice" % (root, at))
            seen.add(at)
            above.append(at)
            at = Object("struct rb_node", at).rb_left
        at = above.pop()
        yield Object(type_name, at - offset)
        at = Object("struct rb_node", at).rb_right
