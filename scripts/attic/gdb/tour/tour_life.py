"""The stops of the tour in the life of a process: what user/tour.c does, from the child's kernel stack to its end.

The parent forks. Everything that follows happens in a fixed order, independent of the timer: the child touches a page, writes to one, makes
a system call, tries a forbidden access and ends, while the parent and the parent's own parent, the witness, sleep.

Neighbours: tour_family.py knows which process runs; tour_calls.py has the stops at the border of the rings.
"""
from attic import tables
from attic.gdb import kernel, memory, paging
from attic.gdb.tour import tour_program
from attic.gdb.tour.tour_family import child_runs, family, parent_runs, process, user_source
from attic.gdb.tour.tour_stop import (KERNEL_FIRST, Moment, Place, Stop, at, directory_words, expect, kernel_half, ring,
                                      when_returned)
from attic.gdb.tour.tour_text import frame_line, function_source, index_ranges, number, view

WRITTEN, UNTOUCHED = 0x40000000, 0x50000000  # as in user/tour.c
THREAD_PAGES = 2
FAULT_BITS = (("not present", "a right is missing"), ("a read", "a write"), ("from ring 0", "from ring 3"))


class LifeStop(Stop):
    command = tour_program.COMMAND

    def can_go_on(self):
        return tour_program.lives()


def page_of(addr):
    return addr & 0xFFFFF000


# ---- vmalloc ----

def lowest_gap(pages):
    """The address of the next vmalloc area of so many pages: the lowest gap that holds it and its guard."""
    end = kernel.variable("vmalloc_start")
    for area in kernel.vmap_areas():
        if area.start - end >= (pages + 1) * memory.PAGE_SIZE:
            break
        end = area.end
    return end


def all_directories():
    return [kernel.master_directory()] + [mm.pgd_phys for mm in kernel.mms()]


class KernelStack(LifeStop):
    """What vmalloc and vfree show: the two pages of the child's kernel stack, between the guard of the area below and its own,
    through the directories of the parent, which is loaded, and of the witness, which sleeps."""

    start = None
    frames = others = None

    def pages(self):
        return [KernelStack.start + memory.PAGE_SIZE * i for i in range(-1, THREAD_PAGES + 1)]

    def views(self):
        return [view("kernel stack, through the %s's CR3=%s" % (who, number(directory)), *self.pages(), directory=directory)
                for who, directory in family()]

    def mapped(self):
        """Physical addresses of the pages that are mapped."""
        return [walk.physical for walk in self.views()[0].walks() if walk.mapped]

    def facts(self):
        frames = self.frames or self.mapped()
        return [frame_line(addr) for addr in frames] + (
            ["the two frames begin 0x%08x bytes apart: they are not adjacent" % self.distance(frames)] if frames else [])

    def distance(self, frames):
        return max(frames) - min(frames)

    def remember_directories(self):
        self.others = [directory_words(directory) for directory in all_directories()]

    def no_directory_changed(self):
        expect([directory_words(directory) for directory in all_directories()] == self.others, "no directory changes")

    def everybody_sees_the_same(self):
        seen = {tuple(paging.walk(directory, addr).last.value for addr in self.pages()) for directory in all_directories()}
        expect(len(seen) == 1, "all address spaces have the same pages there")
        walks = [found.walks()[0] for found in self.views()]
        expect(len({walk.pde.at for walk in walks}) == len(walks) == 2 and len({walk.pde.value for walk in walks}) == 1,
               "two directories have the same PDE")


class Vmalloc(KernelStack):
    name, word, title = "a vmalloc", "vmalloc", "entries in a page table, and no directory changes"
    text = """The parent calls fork(), and the first thing that the new task needs is a kernel stack: vmalloc puts two pages
        side by side into the lowest gap that holds them and one page more. Their frames are not neighbours, because the program
        has used some pages before and freed every second one: pages that are contiguous for the kernel lie in any free frames.
        Both pages get an entry in a page table that has existed since the boot, so the PDE keeps its value, and as every
        directory has a copy of that PDE, the stack is mapped in all address spaces at once: in the parent's, which is loaded,
        and in that of the witness, the parent's own parent, which sleeps. The first entry has AVL, bits that the processor
        leaves to software, set to show that an area begins here. The page behind the area is its guard, never present, and the
        page below is the guard of the area before, so a stack that grows too far causes a fault and does not overwrite its
        neighbour."""

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
        expect(self.distance(self.mapped()) > memory.PAGE_SIZE, "the two frames are not adjacent")
        self.no_directory_changed()
        self.everybody_sees_the_same()


class Vfree(KernelStack):
    name, word, title = "a vfree", "vfree", "entries are cleared, then the TLB, then frames are freed"
    text = """The child has ended and the parent has waited for it, so the stack is freed, in three steps whose order matters.
        First the entries become 0, in the one page table that all directories share, so that the witness, which sleeps, loses
        the stack at the same moment; then invlpg drops what the TLB still holds of each page, which a load of CR3 would not do,
        as the entries are global (G); only then do the frames go back to the page allocator. In another order, a new owner
        could get a frame that can still be accessed through the old address. The area has become a part of the gap behind it,
        whose tag is now in the first entry, and again no directory has changed."""

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
               "both pages are invalidated")
        expect(all(kernel.page(addr >> 12).refcount == 1 for addr in self.frames), "the frames are still taken")
        self.everybody_sees_the_same()

    def check(self):
        expect(all(kernel.page(addr >> 12).refcount == 0 for addr in self.frames), "the frames are free")
        self.no_directory_changed()
        self.everybody_sees_the_same()


# ---- a process switch ----

class Switch(LifeStop):
    name, word, title = "a process switch", "switch", "CR3 changes, and the kernel half does not"
    text = """fork() has given the child its own directory and tables, and copied no page; now the parent gives up the
        processor. One load of CR3 exchanges the lower 3 GiB of addresses. The next instruction is fetched through the new
        directory, and is the next one of the same function, because all 256 entries above 0xC0000000 are equal, the one of the
        stack included. The kernel's pages are global, so the TLB keeps them, while all entries of the old process are dropped.
        At 0x40000000 each process has its own table, but the same frame in it: fork() has copied the entry and removed RW from
        both."""

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

class Fault(LifeStop):
    """A page fault of the child: at page_fault(), and when the instruction is about to be executed again."""

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
        # Only now: after this fault CR2 may have changed, if the parent ran meanwhile.
        self.error = "CR2=%s, error code %d: %s" % (number(memory.register("cr2")), self.regs().error, ", ".join(words))

    def moments(self):
        again = Place(self.retry, lambda: child_runs() and ring() == 3)
        return [Moment("After, in ring 3 again, at the same instruction", again, self.check)]


class FirstTouch(Fault):
    name, word, title, address = "a first-touch fault", "first_touch", "a page is allocated when it is used", UNTOUCHED
    text = """The process has asked for this page by mmap(), and got only a promise: an area in a list, and not one bit in the
        tables. The first write finds no entry; the processor puts the address into CR2, saves where it was and enters the
        kernel, which calls page_fault(). It finds the area, takes a frame, fills it with zeros and maps it, with a new page
        table, because no page near it has been used either. Then the same instruction is executed again as if nothing had
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
    name, word, title, address = "a copy-on-write fault", "copy_on_write", "the first write after a fork", WRITTEN
    text = """Since the fork, parent and child have the same frame here, and neither may write: RW is off in both entries, and
        the frame has two references. The area says that the child may write, so this fault is not an error: it is the moment to
        make the copy that fork() saved. The child gets its own frame, with the same bytes and with RW; the old frame has one
        reference less. The parent's entry stays as it is, without RW: at the parent's next write the kernel sees that it is the
        only user of the frame, and sets RW again without a copy."""

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
