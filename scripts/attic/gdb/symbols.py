"""Names for addresses of the kernel, and addresses of its names: from the symbol table of the ELF file.

gdb's Python cannot look up a symbol without debug information (labels of nasm, marks of the linker script), nor a global symbol if a local
has the same name. So the file's symbol table is read, once for each build; which symbols count, and where they end, is decided as
in kernel/symbols.c, so that gdb and the kernel print the same name for the same address.

Limits: there may be several variables of the same name that are static in a file, and the first one is used; objects.py asks gdb for those,
by file.

Neighbours: objects.py for addresses, kernel.py and tasks.py for names. Source: the System V ABI, "Object Files".
"""
import bisect
import os
import struct

import gdb

_SYMBOL = struct.Struct("<IIIBBH")  # Elf32_Sym: name, value, size, info, other, section
_NOTYPE, _OBJECT, _FUNC, _GLOBAL, _UNDEFINED = 0, 1, 2, 1, 0
_tables = {}


class Table:
    """The symbols of one file: addresses by name; functions and global variables in order of their start, as (start, end, name);
    kernel_main's code."""

    def __init__(self, path):
        self.addresses = {}
        found = {}  # start: (size, name), for C functions the one with a size
        variables = {}  # the same
        for name, value, size, kind, bind, section in _read_symbols(path):
            if section == _UNDEFINED or not name:
                continue
            self.addresses.setdefault(name, value)
            if kind == _FUNC or kind == _NOTYPE and "." not in name and not name.startswith("__text_"):
                if value not in found or size and not found[value][0]:
                    found[value] = size, name
            elif kind == _OBJECT and bind == _GLOBAL and size:
                variables.setdefault(value, (size, name))
        starts = sorted(start for start in found if self.addresses["__text_start"] <= start < self.addresses["__text_end"])
        ends = starts[1:] + [self.addresses["__text_end"]]
        self.objects = sorted([(start, start + found[start][0] if found[start][0] else end, found[start][1])
                               for start, end in zip(starts, ends)]
                              + [(start, start + size, name) for start, (size, name) in variables.items()])
        self.starts = [start for start, _, _ in self.objects]
        self.main = code(path, *self.find(self.addresses["kernel_main"])[:2])

    def find(self, addr):
        """(start, end, name) of the function or variable that holds addr, or None."""
        at = bisect.bisect_right(self.starts, addr) - 1
        return self.objects[at] if at >= 0 and addr < self.objects[at][1] else None


def code(path, start, end):
    """Bytes that a file holds for addresses, by its sections; fewer at the end of a section."""
    with open(path, "rb") as file:
        data = file.read()
    for header in _sections(data):
        if header[1] == 1 and header[2] & 2 and header[3] <= start < header[3] + header[5]:  # SHT_PROGBITS, SHF_ALLOC
            return data[header[4] + start - header[3]:header[4] + min(end - header[3], header[5])]
    return b""


def _sections(data):
    offset, size, count = struct.unpack_from("<I", data, 32) + struct.unpack_from("<HH", data, 46)
    return [struct.unpack_from("<10I", data, offset + i * size) for i in range(count)]


def _read_symbols(path):
    """Name, value, size, type, binding and section of each symbol of a 32-bit ELF file (System V ABI, "Object Files")."""
    with open(path, "rb") as file:
        data = file.read()
    sections = _sections(data)
    for header in sections:
        if header[1] != 2:  # SHT_SYMTAB; its link is the table of strings
            continue
        strings = sections[header[6]][4]
        for name, value, length, info, _, section in _SYMBOL.iter_unpack(data[header[4]:header[4] + header[5]]):
            start = strings + name
            yield data[start:data.index(b"\0", start)].decode("latin-1"), value, length, info & 15, info >> 4, section


def path():
    """The file of the kernel that gdb has loaded. gdb.error if there is none."""
    main = gdb.lookup_global_symbol("kernel_main")
    if main is None:
        raise gdb.error("gdb has no kernel with debug information: `file build/debug/attic.debug` loads one")
    return main.symtab.objfile.filename


def table():
    """Its symbols."""
    build = path(), os.stat(path()).st_mtime
    if build not in _tables:
        _tables[build] = Table(path())
    return _tables[build]


def address(name):
    """The address of a symbol. KeyError if it does not exist."""
    return table().addresses[name]


def text(addr):
    """An address as the kernel prints it: name+0x12/0x34, or the number."""
    found = table().find(addr)
    if found is None:
        return "0x%08x" % addr
    return "%s+0x%x/0x%x" % (found[2], addr - found[0], found[1] - found[0])


def function(addr):
    """The name of the function that holds addr, or None."""
    found = table().find(addr) if address("__text_start") <= addr < address("__text_end") else None
    return found[2] if found else None
