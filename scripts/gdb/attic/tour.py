"""gdb commands that know Attic: the boot stages, the page tables, the console.

    tour            go to the next stage of the boot and show what paging looks like there
    paging          CR0.PG, CR3, EIP and the source line, on one line
    pagewalk ADDR   walk the loaded page directory for an address, as the processor does
    tasks           the kernel's tasks: pid, state, page directory, name
    type LINE       type a line on Attic's console (only under `make gdb`)

Stages are hardware breakpoints: a software breakpoint is an instruction written to memory, and before GRUB has loaded the
kernel, or while an address means something else than later, it would be written to the wrong place.

`tour` keeps no place in the list: it sets a breakpoint at every stage that can still come and lets the machine run to
whichever comes first, so it may begin anywhere. GRUB uses the memory at 1 MiB before the kernel lies there, so until then
only the first stage gets one.
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
]
RING3 = ("ring 3", "the first instruction of the first process")

PAGE_SHIFT, PDE_SHIFT = 12, 22
CR0_PG, CR0_WP = 1 << 31, 1 << 16
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


def source_line():
    """The line that gdb shows when it stops: number and text, or the instruction where there is no source."""
    if gdb.selected_frame().find_sal().symtab:
        return gdb.execute("frame", to_string=True).rstrip().split("\n")[-1]
    try:
        return gdb.execute("x/i $pc", to_string=True).rstrip()
    except gdb.MemoryError:
        return "0x%x: this page comes with its first touch, which is the fetch of this instruction" % register("eip")


def address_of(expression):
    return int(gdb.parse_and_eval("(unsigned)(" + expression + ")")) & 0xFFFFFFFF


def hardware_breakpoint(address):
    """A silent breakpoint that takes no number from the user's, where gdb can do that (11 and later)."""
    location = "*0x%x" % address
    if hasattr(gdb, "BP_HARDWARE_BREAKPOINT"):
        breakpoint = gdb.Breakpoint(location, type=gdb.BP_HARDWARE_BREAKPOINT, internal=True)
    else:
        gdb.execute("hbreak " + location, to_string=True)
        breakpoint = gdb.breakpoints()[-1]
    breakpoint.silent = True
    return breakpoint


def machine_is_there():
    return gdb.selected_inferior().pid != 0


class Command(gdb.Command):
    """Register the class under its lower-case name; its doc string is the help text. What goes wrong is one sentence."""

    def __init__(self):
        self.name = type(self).__name__.lower()
        super().__init__(self.name, gdb.COMMAND_USER)

    def invoke(self, argument, from_tty):
        if not machine_is_there():
            raise gdb.GdbError(self.name + ": no machine is connected: start with `make gdb`, or `target remote :1234` while "
                               "`make qemu-gdb` runs")
        try:
            self.run(argument)
        except gdb.error as error:
            raise gdb.GdbError("%s: %s" % (self.name, error))


class Paging(Command):
    """paging: CR0.PG, CR3, EIP and the source line, on one line."""

    def run(self, argument):
        print(where())


class Tour(Command):
    """tour: run to the next stage of the boot and show what paging looks like there.

The stages, each a symbol: _start, boot_paging_on, boot_high, boot_identity_gone, kernel_main, lowmem_map_init,
page_alloc_init, vmalloc_init, mm_seal, return_to_user; then the first instruction of the first process. It may begin
anywhere: the next stage that the machine comes to is the next stop."""

    shown = None  # the stage that was shown last

    def run(self, argument):
        if Tour.shown == RING3:
            raise gdb.GdbError("the tour is over: Attic runs programs now")
        here = self.stage_here()
        if here and here != Tour.shown:
            self.show(here)
        elif here and here[0] == "return_to_user":
            # Its registers are the process's: their pointer comes in EAX.
            self.go_on({address_of("((struct pt_regs *)$eax)->eip"): RING3})
        else:
            self.go_on(self.stages_to_come(here))

    def stage_here(self):
        """The stage whose first instruction is the next one."""
        eip = register("eip")
        for stage in STAGES:
            if eip == address_of("&" + stage[0]) and (stage == STAGES[0] or self.kernel_is_loaded()):
                return stage
        return None

    def kernel_is_loaded(self):
        """Whether the kernel runs already: with paging, or in its boot code. GRUB does neither."""
        return register("cr0") & CR0_PG or address_of("&__boot_start") <= register("eip") < address_of("&__boot_end")

    def stages_to_come(self, here):
        stages = STAGES[1:] if self.kernel_is_loaded() else STAGES[:1]
        if here == STAGES[-2] or register("cr0") & CR0_PG and register("cr0") & CR0_WP:
            stages = STAGES[-1:]  # mm_seal, which sets WP, is the last that comes by itself
            self.start_a_program()
        return {address_of("&" + stage[0]): stage for stage in stages}

    def start_a_program(self):
        if Type.console is not None:
            print("(typing `run hello` on Attic's console)")
            Type.send("run hello")
        else:
            print("(the next stage comes when a program is started: type `run hello` where QEMU was started)")
            sys.stdout.flush()

    def go_on(self, stages):
        """Run to the first of these addresses."""
        breakpoints = []
        try:
            for address in stages:
                breakpoints.append(hardware_breakpoint(address))
            gdb.execute("continue", to_string=True)
        finally:
            for breakpoint in breakpoints:
                breakpoint.delete()
        if not machine_is_there():
            raise gdb.GdbError("tour: the machine has ended")
        stage = stages.get(register("eip"))
        if stage:
            self.show(stage)
        else:
            print("tour: stopped between the stages, by a breakpoint of yours, a signal or Ctrl-C; `tour` goes on from here\n  "
                  + where())

    def show(self, stage):
        print("%s: %s\n  %s\n%s" % (stage[0], stage[1], where(), source_line()))
        Tour.shown = stage


class Pagewalk(Command):
    """pagewalk ADDR: walk the loaded page directory for an address, as the processor does."""

    def run(self, argument):
        if not argument:
            raise gdb.GdbError("usage: pagewalk ADDR")
        try:
            addr = address_of(argument)
        except gdb.error as error:
            raise gdb.GdbError("pagewalk: `%s` is no address: %s" % (argument, error))
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

    def run(self, argument):
        if not register("cr0") & CR0_PG or register("eip") < 0x200000 or not int(gdb.parse_and_eval("boot_cpu.current")):
            raise gdb.GdbError("tasks: there are none yet: the scheduler has not started")
        print("%5s %-14s %-10s %s" % ("pid", "state", "directory", "name"))
        for task in list_entries("all_tasks", "struct task", "all_link"):
            directory = "0x%08x" % int(task["mm"]["pgd_phys"]) if int(task["mm"]) else "-"
            print("%5d %-14s %-10s %s" % (int(task["pid"]), task["state"], directory, task["comm"].string()))


class Type(Command):
    """type LINE: type a line on Attic's console (only under `make gdb`)."""

    console = None

    def run(self, argument):
        if Type.console is None:
            raise gdb.GdbError("type: no console here: it is where QEMU was started")
        Type.send(argument)

    @staticmethod
    def send(line):
        Type.console.sendall(line.encode() + b"\n")


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
