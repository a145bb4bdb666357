"""What the page has to know of a kernel, from its debug information: build/web/kernel.json. Run by gdb, without a machine:

    OUT=kernel.json gdb -q -nx -batch -x scripts/gdb/attic.gdb -x web/tools/kernel_json.py attic.debug

web/needs.txt names what web/src/reader/ reads, a line each: `struct task`, `enum page_type`, `variable mem_map`, and for names that are
static `variable rows mm/kva/lowmem.c` or `variable page_type_short_name.names`. A name that the kernel does not have fails the build.

web/src/reader/kernel_json.ts has the form of the file; structures and enumerations are listed by name. The kernel's code is described by a
hash, by which the page recognizes it.
"""
import json
import os
import sys

import gdb

from attic.gdb import objects, symbols

structs, enums = {}, {}


# ---- types ----

def describe(kind):
    kind = kind.strip_typedefs()
    if kind.code == gdb.TYPE_CODE_PTR:
        return {"kind": "pointer", "to": target(kind.target().strip_typedefs())}
    if kind.code == gdb.TYPE_CODE_ARRAY:
        first, last = kind.range()
        return {"kind": "array", "of": describe(kind.target()), "count": last - first + 1}
    if kind.code in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION):
        return {"kind": "struct", "name": struct(kind.unqualified()), "size": kind.sizeof}
    if kind.code == gdb.TYPE_CODE_ENUM and kind.unqualified().name:
        return {"kind": "enum", "name": enum(kind.unqualified()), "size": kind.sizeof}
    if kind.sizeof == 1 and str(kind.unqualified()) == "char":
        return {"kind": "char", "size": 1}
    return {"kind": "number", "size": kind.sizeof}


def target(kind):
    """A structure behind a pointer is only named: to be read it needs a line of its own in the list."""
    if kind.code in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION) and kind.name:
        return {"kind": "struct", "name": str(kind.unqualified()).removeprefix("struct "), "size": kind.sizeof}
    if kind.code in (gdb.TYPE_CODE_FUNC, gdb.TYPE_CODE_VOID):
        return {"kind": "number", "size": 1}
    return describe(kind)


def struct(kind):
    name = str(kind).removeprefix("struct ") if kind.name else "anonymous %d" % len(structs)
    if name not in structs:
        structs[name] = {}  # now, because a structure may lead back to itself
        structs[name] = {"size": kind.sizeof, "fields": dict(fields(kind, 0))}
    return name


def fields(kind, base):
    """Each field with its place in bytes; those of anonymous parts as well. A bit-field has its place in bits, too."""
    for field in kind.fields():
        at = base + field.bitpos // 8
        if not field.name:
            yield from fields(field.type.strip_typedefs(), at)
        elif field.bitsize:
            word = field.bitpos // 32 * 4
            yield field.name, {"at": base + word, "type": {"kind": "bits", "from": field.bitpos - 8 * word, "count": field.bitsize}}
        else:
            yield field.name, {"at": at, "type": describe(field.type)}


def enum(kind):
    name = str(kind).removeprefix("enum ")
    enums[name] = {field.name: field.enumval for field in kind.fields()}
    return name


# ---- variables ----

def variable(name, file=None):
    if "." in name:
        function, name = name.split(".")
        found = static_of(gdb.block_for_pc(symbols.address(function)), name)
    elif file:
        found = next((one for one in gdb.lookup_static_symbols(name) if one.symtab.filename.endswith(file)), None)
    else:
        found = gdb.lookup_global_symbol(name)
    if found is None:
        raise gdb.error("the kernel has no variable %s" % name)
    return {"address": int(found.value().address) & 0xFFFFFFFF, "type": describe(found.type)}


def static_of(block, name):
    """The symbol of a variable that is static in a function."""
    while block and not block.is_static:
        for symbol in block:
            if symbol.name == name and symbol.is_variable:
                return symbol
        block = block.superblock
    return None


# ---- the file ----

def fnv(data):
    """The 32-bit hash FNV-1a."""
    value = 0x811C9DC5
    for byte in data:
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value


def code():
    """The kernel's code, by which it is recognized in memory: nothing writes there."""
    start = symbols.address("__text_start")
    data = symbols.code(symbols.path(), start, symbols.address("__text_end"))
    return {"start": start, "size": len(data), "hash": fnv(data)}


def add_line(result, words):
    try:
        add(result, *words)
    except (gdb.error, TypeError) as error:
        raise gdb.error("web/needs.txt: %s: %s" % (" ".join(words), error)) from None


def add(result, word, name, file=None):
    if word == "struct":
        struct(objects.lookup_type("struct " + name).strip_typedefs())
    elif word == "enum":
        enum(objects.lookup_type("enum " + name))
    elif word == "variable":
        result["variables"][name] = variable(name, file)
    else:
        raise gdb.error("a line begins with struct, enum or variable")


def main(needs, out):
    result = {"pageOffset": objects.page_offset(), "code": code(), "structs": structs, "enums": enums, "variables": {},
              "symbols": symbols.table().objects}
    with open(needs, encoding="utf-8") as file:
        for words in (line.split() for line in file):
            if words:
                add_line(result, words)
    with open(out, "w", encoding="utf-8") as file:
        json.dump(result, file, separators=(",", ":"))


try:
    main("web/needs.txt", os.environ["OUT"])
except Exception as error:  # gdb itself goes on after one, and ends with 0
    print("kernel.json: %s" % error, file=sys.stderr)
    gdb.execute("quit 1")
