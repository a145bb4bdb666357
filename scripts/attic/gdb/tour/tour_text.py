"""The text of the tour: sentences, source lines, registers, walks with their changes marked.

The text is simple Markdown: headings, paragraphs, blocks indented by four blanks. So a terminal shows the same as docs/tour.md. What
differs from the moment before has a `*`: in front of an entry, after a register.
"""
import os
import textwrap
from collections import namedtuple

import gdb

from attic import tables
from attic.gdb import kernel, memory, paging
from attic.gdb.objects import enumerator_of
from attic.gdb.program import ROOT, relative

WIDTH = 80


def paragraph(text):
    return textwrap.fill(" ".join(text.split()), WIDTH, break_long_words=False, break_on_hyphens=False)


def folded(lines):
    """Lines of a block, with long lines broken at blanks; their continuation is indented further."""
    found = []
    for line in lines:
        if len(line) <= WIDTH - 4:
            found.append(line)
            continue
        indent = " " * (len(line) - len(line.lstrip(" >0123456789")) + 4)
        found += textwrap.wrap(line, WIDTH - 4, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return [line.rstrip() for line in found]


def block(lines):
    return "\n".join("    " + line if line else "" for line in lines)


# ---- source ----

def source(file, first, count, here=None):
    """Lines of a file under their place; `here` is the line that is executed next."""
    with open(os.path.join(ROOT, file), encoding="utf-8") as opened:
        lines = opened.read().split("\n")
    shown = ["%s:%d" % (file, here or first), ""]
    for number in range(first, min(first + count, len(lines) + 1)):
        shown.append("%s%4d  %s" % (">" if number == here else " ", number, lines[number - 1].expandtabs()))
    return shown


def function_source(name, count, file=None):
    """The head of a C function, from the line that names it."""
    symbol = gdb.lookup_global_symbol(name) if file is None else gdb.lookup_static_symbol(name)
    return source(relative(symbol.symtab.filename), symbol.line, count, symbol.line)


def label_source(addr, before, after):
    """Lines around an address: assembly, where a label has no line number."""
    found = gdb.find_pc_line(addr)
    return source(relative(found.symtab.filename), found.line - before, before + 1 + after, found.line)


# ---- registers ----

CR4_BITS = ((1 << 4, "PSE"), (1 << 7, "PGE"), (paging.CR4_SMEP, "SMEP"), (paging.CR4_SMAP, "SMAP"))


def registers(extra=()):
    """The registers that control paging, as pairs of a name and a text; `extra`: names of more."""
    cr0 = memory.register("cr0")
    found = [("CR0.PG", "%d" % bool(cr0 & paging.CR0_PG)), ("CR0.WP", "%d" % bool(cr0 & paging.CR0_WP)),
             ("CR3", number(memory.register("cr3"))), ("EIP", number(memory.register("eip"))),
             ("CPL", "%d" % (memory.register("cs") & 3))]
    for name in extra:
        value = memory.register(name.lower())
        if name == "CR4":
            text = "+".join(word for bit, word in CR4_BITS if value & bit) or "0"
        else:
            text = number(value)
        found.append((name, text))
    return found


def register_lines(pairs, before):
    before = dict(before)
    return folded(["  ".join("%s=%s%s" % (name, text, "*" if before and before.get(name) != text else "") for name, text in pairs)])


def number(value):
    return "0x%08x" % value


# ---- walks ----

class View(namedtuple("View", "what directory pages")):
    """What is walked: a description, the physical address of the directory, and the addresses of one page or several adjacent ones under
    one PDE."""

    def walks(self):
        return [paging.walk(self.directory, addr) for addr in self.pages]


def view(what, *pages, directory=None):
    return View(what, paging.loaded_directory() if directory is None else directory, pages)


def bits(entry):
    """An entry's bits in words. The processor ignores one that is not present, and the kernel may store a tag in it."""
    if not entry.present:
        return "not present" if entry.value == 0 else "not present: a tag"
    names = [name for bit, name in tables.BIT_NAMES if entry.value & bit]
    if entry.value & tables.AVL:
        names.append("AVL=%d" % (entry.value >> 9 & 7))
    return " ".join(names)


def access(walk):
    """The result of a walk: the physical address, and the rights. With SMAP, ring 0 may use pages of ring 3 only while EFLAGS.AC is set."""
    if not walk.mapped:
        return "nothing mapped"
    writable, user = walk.rights & tables.RW, walk.rights & tables.US
    ring0 = "read/write" if writable or not memory.register("cr0") & paging.CR0_WP else "read"
    if user and memory.register("cr4") & paging.CR4_SMAP:
        ring0 += " with AC"
    ring3 = "nothing" if not user else "read/write" if writable else "read"
    return "physical %s; ring 0: %s; ring 3: %s" % (number(walk.physical), ring0, ring3)


def change(entry, before):
    """The change of an entry, in words."""
    if before is None or before.value == entry.value:
        return ""
    if not (before.present and entry.present):
        return "was %s" % number(before.value)
    moved = [] if before.frame == entry.frame else ["another frame"]
    moved += ["+" + name for bit, name in tables.BIT_NAMES if entry.value & ~before.value & bit]
    moved += ["-" + name for bit, name in tables.BIT_NAMES if before.value & ~entry.value & bit]
    return "was %s: %s" % (number(before.value), " ".join(moved))


def entry_lines(entry, before, compared):
    """`compared`: there was a moment before, so an entry that did not exist then is new. The change has a separate line if one line is too
    short."""
    changed = compared and (before is None or before.value != entry.value)
    what = change(entry, before) if before or not changed else "was not there: no table"
    line = "%s %s %4d at %s: %s  " % ("*" if changed else " ", entry.level, entry.index, number(entry.at), number(entry.value))
    whole = "%s%-18s  %s" % (line, bits(entry), what)
    if len(whole) <= WIDTH - 4:
        return [whole.rstrip()]
    return [line + bits(entry), " " * (len(line) - 16) + what]


def view_lines(shown, before):
    """The entries of a view; `before` has those of the same view a moment ago, or is None."""
    walks = shown.walks()
    old = dict(zip((walk.address for walk in before), before)) if before else {}
    first = walks[0]
    place = number(first.address) + ("" if len(walks) == 1 else "..%s" % number(walks[-1].address + memory.PAGE_SIZE - 1))
    lines = ["%s, %s" % (place, shown.what)]
    lines += entry_lines(first.pde, old[first.address].pde if old else None, bool(old))
    for walk in walks:
        if walk.pte:
            lines += entry_lines(walk.pte, old[walk.address].pte if old else None, bool(old))
    if len(walks) == 1:
        text = access(first)
        lines.append("  -> " + text)
    return lines, walks


# ---- what the kernel knows ----

def page_type(pfn):
    return enumerator_of("page_type", kernel.page(pfn).type)


def is_free(pfn):
    """Whether the page allocator has the frame, on a list of the buddy system or as a hot page. (Only the first page of a free block has a
    type.)"""
    return page_type(pfn) in ("PAGE_FREE", "PAGE_HOT")


def frame_line(addr):
    """The contents of struct page for the frame at a physical address."""
    pfn = addr >> memory.PAGE_SHIFT
    return "frame %s: %s" % (number(addr), "free" if is_free(pfn) else "%s, refcount %d" % (page_type(pfn), kernel.page(pfn).refcount))


def index_ranges(indices):
    """1 2 3 7 as "1..3, 7"."""
    parts = []
    for index in indices:
        if parts and parts[-1][1] == index - 1:
            parts[-1][1] = index
        else:
            parts.append([index, index])
    return ", ".join("%d" % a if a == b else "%d..%d" % (a, b) for a, b in parts)
