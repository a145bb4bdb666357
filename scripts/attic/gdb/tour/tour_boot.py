"""The stops of the tour from the first instruction to the first process: the boot stages (boot/boot.asm names them).

Each stage is a symbol. The machine stops before it, and then where the next stage begins or the function has returned. The addresses are
the same in every build: 0xC0100000 is where the image begins, with the boot code; 0xC0110000 lies in the kernel's text; 0xC0400000 is
ordinary memory.
"""
from attic import tables
from attic.gdb import kernel, memory, paging
from attic.gdb.tour import tour_program
from attic.gdb.tour.tour_stop import (Moment, Place, Stop, at, expect, kernel_half, ring, unchanged_views, when_returned)
from attic.gdb.tour.tour_text import frame_line, function_source, is_free, label_source, number, view

IMAGE, TEXT = 0xC0100000, 0xC0110000


def ordinary_memory():
    """An address in the middle of RAM that is certainly in lowmem: the boot does not use the memory there. (GRUB's modules may reach beyond
    the first 4 MiB.)"""
    return kernel.page_offset() + (min(memory.ram_size(), 512 << 20) // 2 & ~0x3FFFFF)


class Stage(Stop):
    """A stage in assembly; the next one is `until`."""

    until = None
    around = (1, 4)  # source lines before and behind

    def place(self):
        return at(self.name)

    def source(self):
        return label_source(kernel.address_of(self.name), *self.around)

    def moments(self):
        return [Moment("After, at `%s`" % self.until, at(self.until), self.checker())]

    def checker(self):
        return None

    def can_go_on(self):
        return not kernel.is_sealed()


class Function(Stage):
    """A stage that is a function in C."""

    lines = None

    def source(self):
        return function_source(self.name, self.lines)

    def moments(self):
        return [Moment("After, when `%s()` has returned" % self.name, when_returned(), self.checker())]


class Start(Stage):
    name, until, title = "_start", "boot_paging_on", "paging is off"
    around = (2, 8)
    text = """GRUB has loaded the kernel at physical 1 MiB and jumped to its first instruction, in 32-bit protected mode with
        paging off: every address is physical. The kernel is linked for 0xC0100000, an address that exists only with paging;
        until then only this small piece of code can run, which is linked at its physical address. It checks that the processor
        has the features that the kernel needs, fills a page directory with pages of 4 MiB, and sets CR0.PG. The directory maps
        the image twice: at the address where it runs now, and above 0xC0000000."""

    def views(self):
        directory = kernel.boot_directory()
        return [view("the image at its physical address, in boot_page_directory", 0x00100000, directory=directory),
                view("the image where it is linked, in boot_page_directory", IMAGE, directory=directory)]

    def checker(self):
        def check():
            walks = [found.walks()[0] for found in self.views()]
            expect(paging.paging_is_on() and paging.loaded_directory() == kernel.boot_directory(), "boot_page_directory is loaded")
            expect(all(walk.physical == 0x00100000 and walk.pde.large for walk in walks), "both addresses lead to the image")
        return check


class PagingOn(Stage):
    name, until, title = "boot_paging_on", "boot_high", "paging is on, and the code still runs below"
    around = (1, 1)
    text = """The instruction that set CR0.PG was fetched from a physical address; the next one, this one, is fetched through
        the directory. That works only because PDE 0 maps the first 4 MiB to themselves, which is called the identity mapping.
        Without it this fetch would be a page fault, and as the IDT lies at a low address, too, the machine would reset. The
        jump leads above 0xC0000000, where PDE 768 maps the same 4 MiB. PDE 0 then has A: the processor records there that it has
        used the entry."""

    def views(self):
        return [view("the image through the identity mapping", 0x00100000), view("the image where it is linked", IMAGE)]

    def checker(self):
        before, low = unchanged_views(self, "a jump changes no entry"), memory.eip()

        def check():
            expect(low < kernel.page_offset() <= memory.eip(), "the jump leads above PAGE_OFFSET")
            before()
        return check


class High(Stage):
    name, until, title = "boot_high", "boot_identity_gone", "EIP is above 0xC0000000; no identity mapping any more"
    around = (1, 3)
    text = """EIP now has the address for which this code was linked. The stack pointer is moved up by the same distance, and the identity mapping is no longer needed: PDE 0 is set to 0, so that a null pointer in the kernel faults.
        The processor may still have the old entry in its TLB, so CR3 is loaded again with the same value, which drops every
        entry that is not global. PDE 768 now has A and D, because the first fetch and the first write have gone through it."""

    def views(self):
        return [view("the identity mapping", 0x00100000), view("the image", IMAGE)]

    def checker(self):
        def check():
            low, high = (found.walks()[0] for found in self.views())
            expect(not low.mapped and high.physical == 0x00100000, "only the higher half is left")
        return check


class IdentityGone(Stage):
    name, until, title = "boot_identity_gone", "kernel_main", "only the higher half is mapped"
    around = (1, 4)
    text = """One entry of the directory is cleared, and with it the first 4 MiB of addresses: everything that is still mapped
        lies above 0xC0000000. That half will be the kernel's in every address space, and the lower half is free for processes
        from now on. What GRUB left in registers is passed to kernel_main() as two arguments, and C begins. The call itself
        changes nothing in the tables."""

    def views(self):
        return [view("the first MiB", 0x00100000), view("the same bytes in the higher half", IMAGE)]

    def checker(self):
        return unchanged_views(self, "a call changes no entry")


class KernelMain(Stage):
    name, until, title, extra = "kernel_main", "lowmem_map_init", "C begins, on the boot tables", ("CR4",)
    text = """kernel_main() is a list of calls, ordered so that each needs only what is above it. Console, segments and
        interrupt table come first, so that any later error is reported; then the memory map that GRUB got from the firmware is
        read. All this runs on the boot directory, which lets the kernel write everywhere, even to its own code. cpu_init()
        turns on what the final tables will use: global pages (CR4.PGE), and, where the processor has them, SMEP and SMAP, which
        keep ring 0 from executing or accessing pages of ring 3 by accident."""

    def source(self):
        return function_source(self.name, 14)

    def views(self):
        return [view("the kernel's text", TEXT), view("ordinary memory", ordinary_memory())]

    def checker(self):
        def check():
            expect(memory.register("cr4") & 1 << 7, "global pages are on")
            expect(paging.loaded_directory() == kernel.boot_directory(), "the boot directory is still loaded")
        return check


class LowmemMapInit(Function):
    name, lines, title = "lowmem_map_init", 10, "the kernel half is made, once and for good"
    text = """The master directory, swapper_pg_dir, is filled from a table of rows and loaded into CR3. Around the image it uses
        pages of 4 KiB, because text and data need different rights, and also at the end of RAM if less than 4 MiB is left
        there; everywhere else one entry of the directory maps 4 MiB. All RAM that fits into lowmem is now mapped at its
        physical address plus 0xC0000000. The vmalloc area gets all its page tables now, although they are empty: so no entry of
        the kernel half will ever have to change again, and each process can have a copy."""

    def views(self):
        return [view("the kernel's text", TEXT), view("ordinary memory", ordinary_memory()),
                view("the first page of the vmalloc area", kernel.variable("vmalloc_start"))]

    def checker(self):
        def check():
            master = kernel.master_directory()
            expect(paging.loaded_directory() == master, "the master directory is loaded")
            end, so_far = kernel.lowmem_end(), kernel.page_offset()
            for run in paging.runs(master, kernel.page_offset(), end - 1):
                expect(run.start == so_far and run.physical == run.start - kernel.page_offset(), "lowmem is one linear map")
                so_far = run.end
            expect(so_far == end, "lowmem is mapped up to its end")
            expect(all(kernel_half(master)[kernel.variable("vmalloc_start") // 0x400000 - 768:]),
                   "the vmalloc area has all its tables")
        return check


class PageAllocInit(Function):
    name, lines, title = "page_alloc_init", 12, "frames get an owner and a count"
    text = """From here on the kernel knows the owner and the reference count of every frame of RAM: mem_map is an array with
        one struct page for each frame, and its own frames are reserved. So are the frames that the image and the boot have
        taken, and the rest is handed to the buddy allocator. The tables do not change: whether a frame is free does not depend
        on whether it is mapped, as all of lowmem is mapped all the time."""

    def views(self):
        return [view("the kernel's text", TEXT), view("ordinary memory", ordinary_memory())]

    def facts(self):
        if not kernel.variable("mem_map"):
            return ["mem_map: none"]
        mem_map = kernel.variable("mem_map")
        free = next(pfn for pfn in range(kernel.max_pfn()) if is_free(pfn))
        return ["mem_map: %s" % number(mem_map), "the text's " + frame_line(TEXT - kernel.page_offset()),
                "mem_map's " + frame_line(mem_map - kernel.page_offset()), "the first free frame: " + number(free << memory.PAGE_SHIFT)]

    def checker(self):
        before = unchanged_views(self, "the tables do not change")

        def check():
            before()
            expect(kernel.variable("mem_map"), "there are struct pages")
        return check


class VmallocInit(Function):
    name, lines, title = "vmalloc_init", 6, "the vmalloc area is one gap"
    text = """A tree of areas and gaps records which addresses of the vmalloc area are taken; now it is one gap. The page-table
        entries hold a part of this record: if an entry is not present, the processor ignores all its other bits, so the kernel
        may store a value there. The first entry of a gap holds the address of its descriptor, a boundary tag, by which a
        neighbour that becomes free finds it without a search."""

    def views(self):
        return [view("the first page of the vmalloc area", kernel.variable("vmalloc_start"))]

    def checker(self):
        def check():
            walk = self.views()[0].walks()[0]
            expect(not walk.mapped and walk.pte.value == kernel.address_of("vmap_top"), "the entry is the gap's tag")
        return check


class Seal(Function):
    name, lines, title = "mm_seal", 7, "the boot is over: read-only applies to ring 0, too"
    text = """The text has been mapped without RW since the master directory was made, but as long as CR0.WP is 0, ring 0 can
        write to such pages anyway. Now that bit is set, without a change to any entry. From here on the master directory, the
        tables of lowmem and all data that only the start writes are read-only for ring 0, too, and mm_audit() compares each
        entry with the value that follows from the address map, the image and the ranges of RAM. The frames of the boot code and
        its directory are given to the page allocator."""

    def views(self):
        return [view("the kernel's text", TEXT), view("the boot code", IMAGE)]

    def facts(self):
        return [frame_line(kernel.address_of("__boot_start"))]

    def checker(self):
        before = unchanged_views(self, "no entry changes")

        def check():
            before()
            expect(memory.register("cr0") & paging.CR0_WP, "CR0.WP is on")
            expect(kernel.page(kernel.address_of("__boot_start") >> 12).refcount == 0, "the boot code's frames are free")
        return check


class FirstProcess(Stage):
    """The two stops at which a process begins share the data that the first one finds."""

    regs = directory = None
    command = tour_program.COMMAND  # any program will do

    def views(self):
        return [view("the program's first page", FirstProcess.regs.eip & 0xFFFFF000), view("the kernel's text", TEXT)]

    def can_go_on(self):
        return any(task.mm for task in kernel.tasks())


class ReturnToUser(FirstProcess):
    name, title = "return_to_user", "out of the kernel, for the first time"
    text = """A process is ready: CR3 holds its own directory, whose upper quarter is a copy of the master's 256 entries. On its
        kernel stack lies a struct pt_regs, as if the process had been interrupted just before its first instruction, and iretd
        takes EIP, CS, EFLAGS, ESP and SS from there. CS has 3 in its lowest bits, so ring 3 begins. Nothing of the program's
        text is mapped yet: there is not even an entry for its first page."""

    def place(self):
        return at(self.name, when=self.is_new)

    def is_new(self):
        """Whether the program has not started yet: a child of fork() passes here, too, but has the pages of its parent."""
        eip = kernel.Object("struct pt_regs", memory.register("eax")).eip
        return not paging.walk(paging.loaded_directory(), eip).mapped

    def source(self):
        return label_source(kernel.address_of(self.name), 2, 3)

    def arrive(self):
        # It is passed in EAX.
        FirstProcess.regs = kernel.Object("struct pt_regs", memory.register("eax"))
        FirstProcess.directory = paging.loaded_directory()
        expect(kernel_half(paging.loaded_directory()) == kernel_half(kernel.master_directory()),
               "the kernel half is a copy of the master's")

    def moments(self):
        regs, before = FirstProcess.regs, unchanged_views(self, "the way out changes no entry")

        def check():
            expect(ring() == 3, "ring 3 is reached")
            before()
        return [Moment("After, at the first instruction in ring 3", Place(regs.eip, lambda: ring() == 3), check)]


class Ring3(FirstProcess):
    name, word, title = "ring 3", "ring_3", "the first instruction of the first process"
    text = """The processor is about to fetch from a page that is not mapped. exec has only recorded which part of the file
        belongs to which addresses; the fetch becomes a page fault, and the kernel finds that record, maps the page and returns
        to the same instruction. This is demand paging: what is never used is never loaded. The directory gets an entry, too,
        which happens only in user halves; both levels let ring 3 use the page (US), but not write to it."""

    def place(self):
        return FirstProcess.regs and Place(FirstProcess.regs.eip, self.is_first)

    def is_first(self):
        return ring() == 3 and paging.loaded_directory() == FirstProcess.directory

    def source(self):
        return ["%s: the program's first instruction, which is still to be fetched" % number(memory.eip())]

    def facts(self):
        walk = self.views()[0].walks()[0]
        return [frame_line(walk.physical)] if walk.mapped else []

    def moments(self):
        def check():
            walk = self.views()[0].walks()[0]
            expect(walk.mapped and walk.rights & tables.US and not walk.rights & tables.RW, "the page is there, to be read")

        return [Moment("After the page fault, at the same instruction", self.place(), check)]


STOPS = (Start, PagingOn, High, IdentityGone, KernelMain, LowmemMapInit, PageAllocInit, VmallocInit, Seal, ReturnToUser, Ring3)
