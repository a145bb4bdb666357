"""Pretty-printers: what gdb's own `print` shows of page-table entries, struct pages, areas, tasks and address spaces.

Small structures become one line that explains them; for a task and an address space the important members follow, without the links of
lists. `print/r` shows every member unchanged.

gdb reads the values itself, through the loaded tables; only data elsewhere (mem_map, a name) is read by this package, and if it cannot be
read, the output says so in its place. A copy that has no address in memory (`$1`) is printed without what follows from the address.

Neighbours: kernel.py has the words, frames.py finds the block of a struct page.
"""
import gdb
import gdb.printing

from attic import tables
from attic.gdb import Sorry, cli, frames, kernel, memory, objects


def number(value):
    return int(value) & 0xFFFFFFFF


def flags_text(enum, value):
    return " ".join(objects.flag_names(enum, number(value))) or "0"


class Printer:
    """A structure as one line, made by text(); if something cannot be read, the line says so."""

    def __init__(self, value):
        self.value = value

    def to_string(self):
        memory.forget()
        try:
            return self.text()
        except (gdb.error, Sorry, LookupError) as error:
            return "(%s)" % error

    def text(self):
        raise NotImplementedError


class WithMembers(Printer):
    """The same, followed by some of its members."""

    members = ()

    def children(self):
        for name in self.members:
            member = self.value[name]
            yield name, '"%s"' % member.string(errors="replace") if member.type.code == gdb.TYPE_CODE_ARRAY else member


class Pte(Printer):
    level = "PTE"

    def text(self):
        entry = tables.Entry(self.level, 0, 0, number(self.value["val"]))
        if not entry.present:
            return "0x%08x: not present" % entry.value
        what = "frame" if self.level == "PTE" else "4 MiB page" if entry.large else "page table"
        return "0x%08x: %s 0x%08x, %s" % (entry.value, what, entry.frame, entry.bits())


class Pde(Pte):
    level = "PDE"


class Pgprot(Printer):
    def text(self):
        return tables.Entry("PTE", 0, 0, number(self.value["val"])).bits()


class Page(Printer):
    """The place in mem_map tells which frame it describes; a copy has no place."""

    def text(self):
        pfn = self.pfn()
        block = "block of order %d" % number(self.value["order"])
        kind = number(self.value["type"])
        if not number(self.value["head"]):
            first = frames.Pages().block(pfn) if pfn is not None else None
            block = "in no block"
            if first and first.head:
                block = "behind 0x%08x in a block of order %d" % (first.pfn << memory.PAGE_SHIFT, first.order)
            kind = first.type if first else kind
        said = "%s, %s, reference count %d" % (
            kernel.page_type_name(objects.enumerator_of("page_type", kind)), block, int(self.value["refcount"]))
        return said if pfn is None else "frame 0x%08x: %s" % (pfn << memory.PAGE_SHIFT, said)

    def pfn(self):
        if self.value.address is None or not kernel.variable("mem_map"):
            return None
        pfn, rest = divmod(number(self.value.address) - kernel.variable("mem_map"), self.value.type.sizeof)
        return pfn if rest == 0 and 0 <= pfn < kernel.variable("max_pfn") else None


class VmapArea(Printer):
    def text(self):
        value, start, end = self.value, number(self.value["start"]), number(self.value["end"])
        if not number(value["flags"]):
            return "0x%08x..0x%08x: gap of %s" % (
                start, end - 1, cli.count_text((end - start) // memory.PAGE_SIZE, "page"))
        pages = cli.count_text((end - start) // memory.PAGE_SIZE - 1, "page")
        return "0x%08x..0x%08x: %s and a guard, %s by %s" % (
            start, end - 1, pages, flags_text("vmap_kind", value["flags"]), kernel.symbol_text(number(value["caller"])))


class VmArea(Printer):
    def text(self):
        value, shown = self.value, "a copy"
        if value.address is not None:
            shown = kernel.area_text(objects.Object("struct vm_area", number(value.address)))
        return "0x%08x..0x%08x: %s, %s" % (
            number(value["start"]), number(value["end"]) - 1, flags_text("vm_flags", value["flags"]), shown)


class Task(WithMembers):
    members = ("pid", "pgrp", "session", "state", "comm", "stack", "thread", "mm", "files", "signals", "parent",
               "nvcsw", "nivcsw", "ticks", "exit_code")

    def text(self):
        value = self.value
        return "%s[%d], %s" % (value["comm"].string(errors="replace"), number(value["pid"]), value["state"])


class Mm(WithMembers):
    members = ("pgd", "pgd_phys", "users", "area_count", "pages", "tables", "start_brk", "brk", "stack_limit")

    def text(self):
        return "directory at physical 0x%08x, %d areas, %d pages" % (
            number(self.value["pgd_phys"]), number(self.value["area_count"]), number(self.value["pages"]))


TYPES = (("pte_t", Pte), ("pde_t", Pde), ("pgprot_t", Pgprot), ("page", Page), ("vmap_area", VmapArea),
         ("vm_area", VmArea), ("task", Task), ("mm", Mm))


def register():
    collection = gdb.printing.RegexpCollectionPrettyPrinter("attic")
    for name, printer in TYPES:
        collection.add_printer(name, "^%s$" % name, printer)
    gdb.printing.register_pretty_printer(None, collection, replace=True)
