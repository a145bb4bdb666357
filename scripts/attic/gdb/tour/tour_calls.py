"""The stops of the tour at the border of the rings: a system call in and out, and a forbidden access from ring 3.

The child of user/tour.c asks for its pid, and then reads an address of the kernel's half, for which it is killed; waitid() reports this to
its parent, while the child is a zombie.
"""
from attic import tables
from attic.gdb import kernel, memory, paging
from attic.gdb.tour import tour_program
from attic.gdb.tour.tour_family import child_runs, parent_runs, process, user_source
from attic.gdb.tour.tour_life import Fault, LifeStop
from attic.gdb.tour.tour_stop import Moment, Place, at, expect, ring, stack_word, unchanged_views
from attic.gdb.tour.tour_text import label_source, number, view

PROGRAM_TEXT = 0x08048000
KERNELS = 0xC0110000  # as user/tour.c has it
CLD_KILLED, SIGSEGV = 2, 11  # <asm/siginfo.h>, <asm/signal.h>


# ---- a system call ----

class SystemCall(LifeStop):
    """The way in and the way out: the contents of the kernel stack at the border."""

    extra = ("EAX", "ESP")
    directory = None

    def kernel_stack(self):
        return kernel.Object("struct tss", kernel.address_of("main_tss")).esp0

    def views(self):
        return [view("the program's text", PROGRAM_TEXT), view("the kernel stack", self.kernel_stack() - memory.PAGE_SIZE),
                view("the stub for vector 0x80", kernel.address_of("trap_stub_128"))]

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
    name, word, title = "a system call's way in", "call_in", "from ring 3 into ring 0, and CR3 stays"
    text = """The program asks for its pid: EAX holds the number of the call, and int 0x80 is a gate through which ring 3 may
        enter the kernel, at one address that the kernel has chosen. The processor takes the kernel stack from the TSS, where
        the last process switch put it, and pushes there what it needs to return; then CPL is 0. CR3 does not change. The stub
        and the stack were mapped all the time, but their entries have no US, so ring 3 could not use them; the kernel half in
        every address space is what makes a system call so cheap."""

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
        for shown in self.views()[1:]:
            walk = shown.walks()[0]
            expect(walk.mapped and not walk.rights & tables.US, "ring 3 cannot use the kernel stack or the stub")


class CallOut(SystemCall):
    name, word, title = "a system call's way out", "call_out", "back to ring 3, with the result in EAX"
    text = """The kernel has found getpid in its table of calls and written the result over the saved EAX, so that it has been
        popped like any other register. iretd pops the five words that int 0x80 pushed: EIP, CS, EFLAGS and, because CS says
        ring 3, ESP and SS. The kernel stack is empty again, ready for the next system call. No entry has changed from the way
        in to the way out, and nothing had to be dropped from the TLB."""

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


# ---- what ring 3 may not ----

class Refusal(Fault):
    name, word, title, address = "a refusal", "refusal", "ring 3 reads kernel memory", KERNELS
    text = """At last the child reads an address of the kernel's text. The entries for it are there, as the kernel half is
        mapped in every address space, also while ring 3 runs; but neither of them has US, so the processor refuses the access:
        a page fault whose error code says that the page is present and a right is missing. page_fault() looks for an area of
        the process that would allow the access, finds none, and sends SIGSEGV, which kills the child. No entry changes, and
        nothing else in the machine is affected. The parent learns from waitid() how its child has ended, which can still be
        read because the child is a zombie until wait4()."""

    def views(self):
        return [view("the kernel's text", KERNELS)]

    def arrive(self):
        super().arrive()
        walk = self.views()[0].walks()[0]
        expect(walk.mapped and not (walk.pde.value | walk.pte.value) & tables.US, "the page is mapped, and both entries lack US")
        expect(self.regs().error == 5, "the error code says: present, a read, from ring 3")

    def facts(self):
        if parent_runs():
            return ["waitid() says: CLD_KILLED (EAX=%d), by signal %d (EDX)" % (memory.register("eax"), memory.register("edx"))]
        if memory.eip() == kernel.address_of("task_exit"):
            return ["task_exit(0x%02x): ended by signal %d, SIGSEGV" % (memory.register("eax"), memory.register("eax") & 0x7f)]
        return [self.error]

    def moments(self):
        self.unchanged = unchanged_views(self, "no entry changes")
        return [Moment("After, at `task_exit()`, in the child", at("task_exit", when=child_runs), self.ended),
                Moment("After, in ring 3, in the parent", Place(tour_program.label("child_seen"), parent_runs), self.seen)]

    def ended(self):
        self.unchanged()
        expect(memory.register("eax") == SIGSEGV, "SIGSEGV ends the child")

    def seen(self):
        self.unchanged()
        expect(ring() == 3 and (memory.register("eax"), memory.register("edx")) == (CLD_KILLED, SIGSEGV),
               "the parent learns that SIGSEGV has killed the child")
