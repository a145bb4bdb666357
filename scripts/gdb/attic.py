"""gdb commands that know Attic: the boot stages, the page tables, the console.

    tour            go to the next stage of the boot and show what paging looks like there
    paging          CR0.PG, CR3, EIP and the source line, on one line
    pagewalk ADDR   walk the loaded page directory for an address, as the processor does
    tasks           the kernel's tasks: pid, state, page directory, name
    type LINE       type a line on Attic's console (only under `make gdb`)

Stages are hardware breakpoints: a software breakpoint is an instruction written to memory, and before GRUB has loaded the
kernel, or while an address means something else than later, it would be written to the wrong place.
"""
import os
import socket
import sys
import threading

import gdb

# Where a debugger can stop during the boot, in order, and what has just become true there.
STAGES = [
    ("_start", "GRUB has jumped to physical 1 MiB; paging is off"),
    ("boot_paging_on", "paging is on; EIP still runs through the identity mapping"),
    ("boot_high", "EIP is above PAGE_OFFSET; the identity mapping is still there"),
    ("boot_identity_gone", "only the higher half is mapped"),
    ("kernel_main", "C code"),
    ("lowmem_map_init", "about to build the master directory from the table of rows"),
    ("page_alloc_init", "the master directory is loaded; about to hand memory to the zones"),
    ("vmalloc_init", "about to build the tree of free vmalloc addresses"),
    ("mm_seal", "about to make the master directory and its tables read-only"),
    ("return_to_user", "about to leave the kernel for the first process"),
    ("ring 3", "the first instruction of the first process"),
]

PAGE_SHIFT, PDE_SHIFT = 12, 22
CR0_PG = 1 << 31
BITS = ((0, "P"), (1, "RW"), (2, "US"), (3, "PWT"), (4, "PCD"), (5, "A"), (6, "D"), (7, "PS"), (8, "G"))


def register(name):
    """A register as an unsigned number, also where gdb shows it as flags."""
    return int(gdb.parse_and_eval("(unsigned long)$" + name)) & 0xFFFFFFFF


def physical_word(addr):
    """32 bits of physical memory, whatever is mapped now."""
    answer = gdb.execute("monitor xp /1wx 0x%x" % addr, to_string=True)
    return int(answer.split(":")[1], 16)


def entry_text(entry):
    return "0x%08x (%s)" % (entry, " ".join(name for bit, name in BITS if entry >> bit & 1) or "not present")


def list_entries(head, type_name, member):
    """The structures on a kernel list (include/lib/list.h). Only memory is read: the machine may be in ring 3."""
    offset = int(gdb.parse_and_eval("(unsigned)&((%s *)0)->%s" % (type_name, member)))
    end = gdb.parse_and_eval("&" + head)
    link = end["next"]
    while link and int(link) != int(end):
        yield gdb.parse_and_eval("*(%s *)0x%x" % (type_name, (int(link) & 0xFFFFFFFF) - offset))
        link = link["next"]


def where():
    frame = gdb.selected_frame()
    sal = frame.find_sal()
    source = "%s:%d" % (sal.symtab.filename, sal.line) if sal.symtab else "no source"
    return "PG=%d CR3=0x%08x EIP=0x%08x CS=0x%02x %s" % (
        register("cr0") & CR0_PG != 0, register("cr3"), register("eip"), register("cs"), source)


def stage_address(symbol):
    """Where the stage starts. For the first process, return_to_user()'s registers tell: their pointer comes in EAX."""
    expression = "((struct pt_regs *)$eax)->eip" if symbol == "ring 3" else "&" + symbol
    return int(gdb.parse_and_eval("(unsigned)" + expression)) & 0xFFFFFFFF


class Command(gdb.Command):
    """Register the class under its lower-case name; its doc string is the help text."""

    def __init__(self):
        super().__init__(type(self).__name__.lower(), gdb.COMMAND_USER)


class Paging(Command):
    """paging: CR0.PG, CR3, EIP and the source line, on one line."""

    def invoke(self, argument, from_tty):
        print(where())


class Tour(Command):
    """tour: go to the next stage of the boot (DESIGN section 4) and show what paging looks like there."""

    at = 0

    def invoke(self, argument, from_tty):
        if Tour.at == len(STAGES):
            raise gdb.GdbError("the tour is over: Attic runs programs now")
        symbol, text = STAGES[Tour.at]
        address = stage_address(symbol)
        if register("eip") != address:
            gdb.execute("thbreak *0x%x" % address, to_string=True)
            gdb.execute("continue", to_string=True)
        print("%s: %s\n  %s" % (symbol, text, where()))
        Tour.at += 1


class Pagewalk(Command):
    """pagewalk ADDR: walk the loaded page directory for an address, as the processor does."""

    def invoke(self, argument, from_tty):
        if not argument:
            raise gdb.GdbError("usage: pagewalk ADDR")
        addr = int(gdb.parse_and_eval("(unsigned)(" + argument + ")")) & 0xFFFFFFFF
        if not register("cr0") & CR0_PG:
            print("paging is off: 0x%08x is physical" % addr)
            return
        directory = register("cr3") & 0xFFFFF000
        index = addr >> PDE_SHIFT
        pde = physical_word(directory + index * 4)
        print("PDE %4d at 0x%08x: %s" % (index, directory + index * 4, entry_text(pde)))
        if not pde & 1:
            print("not mapped")
        elif pde & 0x80:
            print("0x%08x -> physical 0x%08x, 4 MiB page" % (addr, pde & 0xFFC00000 | addr & 0x3FFFFF))
        else:
            self.walk_table(pde & 0xFFFFF000, addr)

    def walk_table(self, table, addr):
        index = addr >> PAGE_SHIFT & 1023
        pte = physical_word(table + index * 4)
        print("PTE %4d at 0x%08x: %s" % (index, table + index * 4, entry_text(pte)))
        if pte & 1:
            print("0x%08x -> physical 0x%08x, 4 KiB page" % (addr, pte & 0xFFFFF000 | addr & 0xFFF))
        else:
            print("not mapped")


class Tasks(Command):
    """tasks: the kernel's tasks: pid, state, page directory, name. Once the scheduler runs."""

    def invoke(self, argument, from_tty):
        print("%5s %-14s %-10s %s" % ("pid", "state", "directory", "name"))
        for task in list_entries("all_tasks", "struct task", "all_link"):
            directory = "0x%08x" % int(task["mm"]["pgd_phys"]) if int(task["mm"]) else "-"
            print("%5d %-14s %-10s %s" % (int(task["pid"]), task["state"], directory, task["comm"].string()))


class Type(Command):
    """type LINE: type a line on Attic's console (only under `make gdb`)."""

    console = None

    def invoke(self, argument, from_tty):
        if Type.console is None:
            raise gdb.GdbError("no console here: it is where QEMU was started")
        Type.console.sendall(argument.encode() + b"\n")


def open_console(path):
    """Show what Attic prints among gdb's own lines."""
    Type.console = socket.socket(socket.AF_UNIX)
    Type.console.connect(path)

    def copy():
        while True:
            text = Type.console.recv(4096)
            if not text:
                return
            os.write(sys.__stdout__.fileno(), text.replace(b"\r", b""))

    threading.Thread(target=copy, daemon=True).start()


for command in (Paging, Tour, Pagewalk, Tasks, Type):
    command()
if os.environ.get("ATTIC_CONSOLE"):
    open_console(os.environ["ATTIC_CONSOLE"])
