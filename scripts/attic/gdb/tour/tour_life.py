"""The stops of the tour in the life of a process: what user/tour.c does, from the child's kernel stack to its end.

The program forks once. Everything that follows happens in a fixed order, whatever the timer does: the child touches, writes,
asks and ends, while the parent sleeps. A breakpoint is passed by others, too, so each place looks who comes: a process of that
name, the parent or its child.
"""
from attic import tables
from attic.gdb import kernel, memory, paging
from attic.gdb.tour import tour_program
from attic.gdb.tour.tour_stop import (KERNEL_FIRST, Moment, Place, Stop, at, directory_words, expect, kernel_half, ring, stack_word,
                             when_returned)
from attic.gdb.tour.tour_text import frame_line, function_source, index_ranges, label_source, number, relative, source, view

WRITTEN, UNTOUCHED = 0x40000000, 0x50000000  # as user/tour.c has them
PROGRAM_TEXT = 0x08048000
THREAD_PAGES = 2
FAULT_BITS = (("not present", "a right is missing"), ("a read", "a write"), ("from ring 0", "from ring 3"))


# ---- who is there ----

def process():
    """The task that runs, if it is the tour's."""
    task = kernel.current()
    return task if task and task.mm and task.comm == tour_program.NAME else None


def is_child(task):
    parent = task and task.deref("parent")
    return bool(parent and parent.comm == tour_program.NAME)


def child_runs():
    return is_child(process())


def parent_runs():
    return bool(process()) and not child_runs()


def user_source(addr, before=1, after=1):
    file, line = tour_program.line(addr)
    return source(relative(file), line - before, before + 1 + after, line)


def page_of(addr):
    return addr & 0xFFFFF000


# ---- vmalloc ----

def lowest_gap(pages):
    """Where the next vmalloc area of so many pages will lie, its guard included: the lowest gap that is large enough."""
    end = kernel.variable("vmalloc_start")
    for area in kernel.vmap_areas():
        if area.start - end >= (pages + 1) * memory.PAGE_SIZE:
            break
        end = area.end
    return end


def all_directories():
    return [kernel.master_directory()] + [mm.pgd_phys for mm in kernel.mms()]


class KernelStack(Stop):
    """What vmalloc and vfree show: the two pages of the child's kernel stack, between the guard of the area below and its own."""

    start = None
    frames = others = None

    def pages(self):
        return [KernelStack.start + memory.PAGE_SIZE * i for i in range(-1, THREAD_PAGES + 1)]

    def views(self):
        return [view("the child's kernel stack, with the page below and its guard above", *self.pages())]

    def mapped(self):
        """Physical addresses of the pages that are mapped."""
        return [walk.physical for walk in self.views()[0].walks() if walk.mapped]

    def facts(self):
        return [frame_line(addr) for addr in self.frames or self.mapped()]

    def remember_directories(self):
        self.others = [directory_words(directory) for directory in all_directories()]

    def no_directory_changed(self):
        expect([directory_words(directory) for directory in all_directories()] == self.others, "no directory changes")

    def everybody_sees_the_same(self):
        seen = {tuple(paging.walk(directory, addr).last.value for addr in self.pages()) for directory in all_directories()}
        expect(len(seen) == 1, "all address spaces have the same pages there")


class Vmalloc(KernelStack):
    name, title = "a vmalloc", "entries appear in a page table, and no directory changes"
    text = """The program calls fork(), and the first thing that the new task needs is a kernel stack: vmalloc makes it of
        frames that may lie anywhere, side by side in the lowest gap that holds them and one page more. Both pages get an
        entry in a page table that exists since the boot, so the PDE keeps its value, and as every address space has a copy of
        that PDE, the stack is there in all of them at once. The first entry notes in AVL, bits that the processor leaves to
        software, that an area begins here. The page behind it is its guard, never present; the page below is the guard of the
        area before, so a stack that grows too far meets a fault and not a neighbour."""

    def place(self):
        return at("vmalloc_aligned", when=parent_runs)

    def source(self):
        return function_source("vmalloc_aligned", 17)

    def arrive(self):
        expect(memory.register("eax") == THREAD_PAGES * memory.PAGE_SIZE, "a kernel stack has two pages")
        KernelStack.start = lowest_gap(THREAD_PAGES)
        self.remember_directories()

    def moments(self):
        return [Moment("After, when `vmalloc_aligned()` has returned", when_returned(), self.check)]

    def check(self):
        expect(memory.register("eax") == KernelStack.start, "the area begins at the lowest gap that is large enough")
        walks = self.views()[0].walks()
        expect([walk.mapped for walk in walks] == [False] + [True] * THREAD_PAGES + [False],
               "two pages are mapped, and none beside them")
        self.no_directory_changed()
        self.everybody_sees_the_same()


class Vfree(KernelStack):
    name, title = "a vfree", "entries go, then the TLB's copies, then the frames"
    text = """The child has ended and the parent has waited for it, so the stack goes, in three steps whose order matters.
        First the entries become 0; then invlpg drops what the TLB still holds of each page, which a load of CR3 would not, as
        the entries are global (G); only then do the frames go back to the page allocator. In another order, somebody could
        get a frame which is still seen through the old address. The area has become a part of the gap behind it, whose tag is
        now in the first entry, and again no directory has changed."""

    def place(self):
        return at("vfree", when=self.is_the_stack)

    def is_the_stack(self):
        addr = memory.register("eax")
        return parent_runs() and addr == (KernelStack.start or addr)

    def source(self):
        return function_source("vfree", 17)

    def arrive(self):
        KernelStack.start = memory.register("eax")
        self.remember_directories()
        self.frames = self.mapped()
        expect(len(self.frames) == THREAD_PAGES, "a kernel stack has two pages")

    def moments(self):
        return [Moment("In between, at `tlb_flush_kernel_range()`", at("tlb_flush_kernel_range", when=parent_runs), self.cleared),
                Moment("After, when `vfree()` has returned", when_returned(), self.check)]

    def cleared(self):
        expect(not self.mapped(), "the entries are 0 before the TLB is flushed")
        expect(memory.register("eax") == KernelStack.start and memory.register("edx") - memory.register("eax") == 0x2000,
               "the TLB is told of both pages")
        expect(all(kernel.page(addr >> 12).refcount == 1 for addr in self.frames), "the frames are still taken")

    def check(self):
        expect(all(kernel.page(addr >> 12).refcount == 0 for addr in self.frames), "the frames are free")
        self.no_directory_changed()
        self.everybody_sees_the_same()


# ---- a process switch ----

class Switch(Stop):
    name, title = "a process switch", "CR3 changes, and the kernel half does not"
    text = """fork() has given the child a directory and tables of its own, and copied no page; now the parent gives up its
        turn. One load of CR3 exchanges the lower 3 GiB of addresses. The next instruction is fetched through the new
        directory, and is the next one of the same function, because all 256 entries above 0xC0000000 are equal, the stack's
        included. The kernel's pages are global, so the TLB keeps them, while everything of the old process is dropped. At
        0x40000000 each has a table of its own, but the same frame in it: fork() has copied the entry and taken RW from both."""

    def place(self):
        return at("mm_switch", when=lambda: child_runs() and memory.register("eax") == process().mm)

    def source(self):
        return function_source("mm_switch", 7)

    def arrive(self):
        self.old = paging.loaded_directory()
        expect(self.old == process().deref("parent").deref("mm").pgd_phys, "the parent's directory is loaded")

    def views(self):
        return [view("the kernel's text", 0xC0110000), view("this stack", page_of(memory.register("esp"))),
                view("the page that the parent has written", WRITTEN)]

    def facts(self):
        new = paging.loaded_directory()
        if new == self.old:
            return []
        equal = sum(a == b for a, b in zip(kernel_half(self.old), kernel_half(new)))
        differ = [index for index, (a, b) in enumerate(zip(directory_words(self.old), directory_words(new)))
                  if a != b and index < KERNEL_FIRST]
        return ["kernel half: %d of 256 entries are equal" % equal, "user half: these entries differ: %s" % index_ranges(differ)]

    def moments(self):
        return [Moment("After, when `mm_switch()` has returned", when_returned(), self.check)]

    def check(self):
        new = paging.loaded_directory()
        expect(new != self.old and new == process().deref("mm").pgd_phys, "CR3 has changed to the child's directory")
        expect(kernel_half(self.old) == kernel_half(new), "the kernel half is the same")
        both = [paging.walk(directory, WRITTEN) for directory in (self.old, new)]
        expect(both[0].physical == both[1].physical and both[0].pde.frame != both[1].pde.frame, "both have the frame, by two tables")
        expect(not any(walk.rights & tables.RW for walk in both), "neither may write to the frame that both have")


# ---- page faults ----

class Fault(Stop):
    """A page fault of the child: at page_fault(), and when the instruction is about to be made again."""

    address = None

    def place(self):
        return at("page_fault", "kernel/exception.c", when=lambda: child_runs() and memory.register("cr2") == self.address)

    def source(self):
        return user_source(self.regs().eip, 3, 1) + [""] + function_source("page_fault", 11, "kernel/exception.c")

    def regs(self):
        return kernel.Object("struct pt_regs", memory.register("eax"))

    def arrive(self):
        self.retry = self.regs().eip
        words = [pair[self.regs().error >> bit & 1] for bit, pair in enumerate(FAULT_BITS)]
        # Only now: when this fault is over, CR2 may have had others, if the parent had a turn meanwhile.
        self.error = "CR2=%s, error code %d: %s" % (number(memory.register("cr2")), self.regs().error, ", ".join(words))

    def moments(self):
        again = Place(self.retry, lambda: child_runs() and ring() == 3)
        return [Moment("After, in ring 3 again, at the same instruction", again, self.check)]


class FirstTouch(Fault):
    name, title, address = "a first-touch fault", "a page comes when it is used", UNTOUCHED
    text = """The process has asked for this page by mmap(), and got a promise: an area in a list, and not one bit in the
        tables. The first write finds no entry; the processor puts the address into CR2, saves where it was and enters the
        kernel, which comes to page_fault(). It finds the area, takes a frame, fills it with zeros and enters it, with a new
        page table, as nothing near by has been used either. Then the same instruction is made again as if nothing had
        happened. In the kernel half a PDE never changes; here it may, because no other directory has a copy of it."""

    def views(self):
        return [view("the page that was promised", UNTOUCHED)]

    def facts(self):
        walk = self.views()[0].walks()[0]
        return [frame_line(walk.physical)] if walk.mapped else [self.error]

    def check(self):
        walk = self.views()[0].walks()[0]
        expect(walk.mapped and walk.rights & tables.RW and walk.rights & tables.US, "ring 3 may write there now")
        expect(not any(memory.physical(walk.physical, memory.PAGE_SIZE)), "the new page is full of zeros")


class CopyOnWrite(Fault):
    name, title, address = "a copy-on-write fault", "the first write after a fork", WRITTEN
    text = """Since the fork, parent and child have the same frame here, and neither may write: RW is off in both entries, and
        the frame counts two references. The area says that the child may write, so this fault is no crime, but the moment to
        make the copy that fork() saved. The child gets a frame of its own, with the same bytes and with RW; the old one
        counts one reference less. The parent's entry stays as it is, without RW: at its own next write the kernel sees that
        it is alone and gives the right back without a copy."""

    def arrive(self):
        super().arrive()
        self.parent = process().deref("parent").deref("mm").pgd_phys
        self.child = paging.loaded_directory()
        self.shared = paging.walk(self.parent, WRITTEN).physical
        expect(paging.walk(self.child, WRITTEN).physical == self.shared, "both have the same frame")
        expect(kernel.page(self.shared >> 12).refcount == 2, "the frame counts two references")

    def views(self):
        return [view("in the child's directory", WRITTEN, directory=self.child),
                view("in the parent's directory", WRITTEN, directory=self.parent)]

    def facts(self):
        own = paging.walk(self.child, WRITTEN).physical
        if own == self.shared:
            return [self.error, frame_line(self.shared)]
        return ["the child's " + frame_line(own), "the parent's " + frame_line(self.shared)]

    def check(self):
        own, old = (paging.walk(directory, WRITTEN) for directory in (self.child, self.parent))
        expect(own.physical != self.shared and own.rights & tables.RW, "the child has a frame of its own, and may write")
        expect(old.physical == self.shared and not old.rights & tables.RW, "the parent's entry stays as it is")
        expect(kernel.page(self.shared >> 12).refcount == 1, "the old frame has one reference less")
        expect(memory.physical(own.physical, memory.PAGE_SIZE) == memory.physical(self.shared, memory.PAGE_SIZE),
               "both frames hold the same bytes")


# ---- a system call ----

class SystemCall(Stop):
    """The way in and the way out: what lies on the kernel stack at the border."""

    extra = ("EAX", "ESP")
    directory = None

    def kernel_stack(self):
        return kernel.Object("struct tss", kernel.address_of("main_tss")).esp0

    def views(self):
        return [view("the program's text", PROGRAM_TEXT), view("the kernel stack", self.kernel_stack() - memory.PAGE_SIZE)]

    def frame(self):
        """What the processor pushes when it leaves ring 3, and pops when it returns there."""
        names = ("EIP", "CS", "EFLAGS", "ESP", "SS")
        return ["on the kernel stack: " + " ".join("%s=%s" % (name, number(stack_word(i))) for i, name in enumerate(names))]

    def facts(self):
        return self.frame() if ring() == 0 else []

    def arrive(self):
        self.directory = paging.loaded_directory()

    def same_directory(self):
        expect(paging.loaded_directory() == self.directory, "CR3 stays the same")


class CallIn(SystemCall):
    name, title = "a system call's way in", "from ring 3 into ring 0, in the same address space"
    text = """The program asks for its pid: EAX holds the number of the call, and int 0x80 is a gate by which ring 3 may come
        in, to one address that the kernel chose. The processor takes the kernel stack from the TSS, where the last process
        switch put it, and pushes there what it needs to return; then CPL is 0. CR3 does not change. The stub and the stack
        were mapped all the time, but their entries have no US, so ring 3 could not use them; the kernel half in every address
        space is what makes a system call so cheap."""

    def place(self):
        return Place(tour_program.label("ask_kernel"), child_runs)

    def source(self):
        return user_source(memory.eip(), 4, 2) + [""] + label_source(kernel.address_of("trap_common"), 1, 10)

    def moments(self):
        stub = at("trap_stub_128", when=child_runs)
        return [Moment("After, at the kernel's stub for vector 0x80", stub, self.check)]

    def check(self):
        self.same_directory()
        expect(ring() == 0 and memory.register("esp") == self.kernel_stack() - 5 * 4, "five words lie on the stack of the TSS")
        expect(stack_word(0) == tour_program.label("ask_answered"), "the saved EIP is behind the int 0x80")
        walk = self.views()[1].walks()[0]
        expect(walk.mapped and not walk.rights & tables.US, "ring 3 cannot use the kernel stack")


class CallOut(SystemCall):
    name, title = "a system call's way out", "back to ring 3, with the result in EAX"
    text = """The kernel has found getpid in its table of calls and written the answer over the saved EAX, so that it has been
        popped like any other register. iretd pops the five words that int 0x80 pushed: EIP, CS, EFLAGS and, because CS says
        ring 3, ESP and SS. The kernel stack is empty again, ready for the next way in. Not one entry has changed on the whole
        way, and nothing had to be dropped from the TLB."""

    def place(self):
        answered = tour_program.label("ask_answered")
        return at("trap_return.iret", when=lambda: child_runs() and stack_word(0) == answered)

    def source(self):
        return label_source(memory.eip(), 13, 0)

    def moments(self):
        back = Place(tour_program.label("ask_answered"), child_runs)
        return [Moment("After, in ring 3", back, self.check)]

    def check(self):
        self.same_directory()
        expect(ring() == 3 and memory.register("eax") == process().pid, "EAX holds the pid")


STOPS = (Vmalloc, Switch, FirstTouch, CopyOnWrite, CallIn, CallOut, Vfree)
