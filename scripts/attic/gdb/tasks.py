"""`attic ps` and `attic bt`: the tasks, and where each of them is.

A task that does not run has its registers on its kernel stack; the running one has them in the processor, or, in the double-fault task, in
main_tss. stacks.py finds the frames from there. At the end of a process's stack lies the frame from its entry from ring 3.

Limits: for a task that runs in ring 3 the frames are gdb's own. The program's symbols are loaded meanwhile if it belongs to the build.

Neighbours: kernel.py lists tasks, stacks.py follows frames, symbols.py names the functions, program.py those of a program.
"""
import itertools

import gdb

from attic.gdb import cli, kernel, memory, program, spaces, stacks, symbols

SYSCALL_VECTOR = 0x80  # of Linux's system-call ABI
NOT_BEGUN = "the program has not begun yet"


# ---- where a task is ----

def is_current(task):
    running = stacks.running()
    return running is not None and running.address == task.address


def state_text(task):
    """The state as the monitor's ps prints it."""
    if task.state == "TASK_RUNNING":
        return "running" if is_current(task) else "ready"
    return task.state.replace("TASK_", "").lower()


def source_text(addr):
    """file:line of an address, or nothing."""
    line = gdb.find_pc_line(addr)
    return "%s:%d" % (line.symtab.filename, line.line) if line.symtab and line.line else ""


def is_scheduler(addr):
    """Functions on the way into a switch, which are the same for all tasks."""
    block, file = gdb.block_for_pc(addr), ""
    while block and not block.is_static:
        if block.function:
            file = block.function.symtab.filename  # the last one is that of the outermost function: inlined ones may be from a header
        block = block.superblock
    return file.endswith("kernel/sched.c") or symbols.function(addr) == "switch_to"


def waits_in(task):
    """The function in which a task sleeps; for the running one, where it is."""
    if is_current(task):
        if stacks.in_ring3():
            return "in ring 3, at 0x%08x" % memory.eip()
        return "in " + (symbols.function(memory.eip()) or "0x%08x" % memory.eip()) + switch_text()
    if task.state != "TASK_SLEEPING":
        return ""
    outside = (addr for addr in (frame.place for frame in stacks.saved_frames(task)) if not is_scheduler(addr))
    return symbols.function(next(outside, 0)) or "?"


def switch_text():
    """A clause for the running task while the kernel switches to another one."""
    to = stacks.switching_to()
    return ", and a switch to %s is under way" % kernel.task_text(to) if to else ""


class Ps(cli.Command):
    """List the tasks.

A line shows pid, state, page directory, kernel stack, name, and the function
that the task is in: where it waits, or where the processor is. A kernel thread
has no directory (-)."""

    name = "ps"

    def run(self, arguments):
        if not kernel.has_tasks():
            raise kernel.NotYet("there are no tasks yet: the scheduler has not started")
        print("  PID STATE    DIRECTORY  KERNEL STACK NAME             WHERE")
        for task in kernel.tasks():
            mm = task.deref("mm")
            print(("%5d %-8s %-10s 0x%08x   %-16s %s" % (
                task.pid, state_text(task), "0x%08x" % mm.pgd_phys if mm else "-", task.stack, task.comm,
                waits_in(task))).rstrip())


# ---- backtraces ----

class Bt(cli.Command):
    """Print a task's backtrace, by frame pointers.

Each line is a return address with function, offset and size as the kernel
prints them, and the source line of the call; #0 of the running task is where
the processor is. Where an exception or an interrupt came from ring 0, the
frames continue with what it interrupted. For a process, the last lines say
where it was in ring 3 when it entered the kernel; if it runs in ring 3, they
are gdb's own backtrace."""

    name, usage, at_least, at_most = "bt", "PID", 1, 1

    def complete(self, text, word):
        return cli.matching([one for one in cli.space_words() if one.isdecimal()], word)

    def run(self, arguments):
        task = spaces.find_task(arguments[0])
        print("%s, %s; kernel stack 0x%08x..0x%08x" % (
            kernel.task_text(task), state_text(task), task.stack, kernel.stack_end(task) - 1))
        if not is_current(task):
            show_frames(stacks.saved_frames(task))
        elif stacks.in_ring3():
            print("it runs in ring 3, so this is gdb's own backtrace (`bt`):")
            self.show_program_frames(task)
            return
        else:
            if stacks.in_double_fault():
                print("interrupted by a double fault, whose task is what runs (gdb's `bt` shows it); it was here:")
            else:
                print("it runs%s; the processor is here:" % switch_text())
            show_frames(stacks.running_frames(task))
        self.show_user_side(task)

    def show_program_frames(self, task):
        path = program.file_of(task, memory.eip())
        print(program.with_symbols(path, lambda objfile: gdb.execute("bt 30", to_string=True)) if path
              else gdb.execute("bt 30", to_string=True), end="")

    def show_user_side(self, task):
        mm = task.deref("mm")
        if mm is None:
            return
        regs = kernel.pt_regs(task)
        area = next((area for area in kernel.vm_areas(mm) if area.start <= regs.eip < area.end), None)
        entry = entry_text(regs)
        place = "" if entry == NOT_BEGUN else program.place_text(task, regs.eip)
        if place:
            print("in the program: " + place)
        print("in ring 3: EIP 0x%08x (%s), ESP 0x%08x; %s" % (
            regs.eip, kernel.area_text(area) if area else "in no area", regs.esp, entry))


def entry_text(regs):
    """How a process entered the kernel, from its registers. A program begins with all of them 0 (regs_init_user)."""
    if not any((regs.vector, regs.eax, regs.ebx, regs.ecx, regs.edx, regs.esi, regs.edi, regs.ebp)):
        return NOT_BEGUN
    if regs.vector == SYSCALL_VECTOR:
        return "entered the kernel by the system call " + kernel.system_call(regs.error)
    return "entered the kernel by %s %d" % (vector_text(regs.vector), regs.vector)


def show_frames(found):
    """A line for each; an address that repeats (a recursion) is shown once, with the count."""
    number = 0
    for frame, group in itertools.groupby(found):
        same = len(list(group))
        print(("  #%-2d 0x%08x  %-40s %s" % (number, frame.addr, frame_text(frame), source_text(frame.place))).rstrip())
        if same > 1:
            print("  ... and %d more of the same" % (same - 1))
        if frame.trap is not None:
            print("  %s %d came here, in ring 0:" % (vector_text(frame.trap), frame.trap))
        number += same


def vector_text(vector):
    return "exception" if vector < 32 else "interrupt"


def frame_text(frame):
    """function+offset/size for an address, in the function that contains its place."""
    function = symbols.table().find(frame.place)
    return "%s+0x%x/0x%x" % (function[2], frame.addr - function[0], function[1] - function[0]) if function else ""
