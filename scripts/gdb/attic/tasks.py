"""`attic ps` and `attic bt`: the tasks, and where each of them is.

A task that does not run has left its registers on its kernel stack: thread.esp points to what switch_to() pushed, and from
there the frame pointers lead outward, as kernel/panic.c follows them (the whole kernel is built with them). At the end of a
process's stack lies the frame with which it came from ring 3. The task that runs has its registers in the processor, so gdb's
own backtrace is the right one, but for the double-fault task: the task that it interrupted has its registers in main_tss.

Limits: no frames of ring 3 are followed; a program need not keep frame pointers. Within a switch, between the choice of the
next task and the change of stacks, the next one is already said to run.

Neighbours: kernel.py lists tasks, symbols.py names the functions.
"""
import itertools

import gdb

from attic import cli, kernel, memory, objects, spaces, symbols

SYSCALL_VECTOR = 0x80  # of Linux's system-call ABI


# ---- where a task is ----

def is_current(task):
    running = kernel.current()
    return running is not None and running.address == task.address


def state_text(task):
    """As the monitor's ps calls it."""
    if task.state == "TASK_RUNNING":
        return "running" if is_current(task) else "ready"
    return task.state.replace("TASK_", "").lower()


def saved_frames(task):
    """Addresses of code, from the inside out, of a task that does not run."""
    saved = objects.Object("struct switch_frame", task.thread.esp)
    return follow(saved.eip, saved.ebp)


def follow(eip, ebp):
    """An address and the return addresses behind it, up to the first bad frame pointer."""
    found = [eip]
    while ebp >= kernel.page_offset() and ebp % 4 == 0 and len(found) < 512:
        try:
            data = objects.read(ebp, 8)
        except gdb.MemoryError:
            break
        above, back = int.from_bytes(data[:4], "little"), int.from_bytes(data[4:], "little")
        if not back:
            break
        found.append(back)
        if above <= ebp:
            break
        ebp = above
    return found


def call_site(addr):
    """In the function that made the call: a return address may be the first byte of the next one. A thread that has not run yet
    has none."""
    return addr if addr == symbols.address("thread_start") else addr - 1


def source_text(addr):
    """file:line of an address, or nothing."""
    line = gdb.find_pc_line(addr)
    return "%s:%d" % (line.symtab.filename, line.line) if line.symtab and line.line else ""


def is_scheduler(addr):
    """The way into a switch, which is the same for everybody."""
    block, file = gdb.block_for_pc(addr), ""
    while block and not block.is_static:
        if block.function:
            file = block.function.symtab.filename  # in the end that of the outermost: what is inlined may be from a header
        block = block.superblock
    return file.endswith("kernel/sched.c") or symbols.function(addr) == "switch_to"


def waits_in(task):
    """The function in which a task sleeps; where the running one is."""
    if is_current(task):
        if memory.register("cs") & 3:
            return "in ring 3, at 0x%08x" % memory.eip()
        return "in " + (symbols.function(memory.eip()) or "0x%08x" % memory.eip())
    if task.state != "TASK_SLEEPING":
        return ""
    outside = (addr for addr in map(call_site, saved_frames(task)) if not is_scheduler(addr))
    return symbols.function(next(outside, 0)) or "?"


class Ps(cli.Command):
    """attic ps: the tasks: pid, state, page directory, kernel stack, name, where it is.

A kernel thread has no directory of its own (-). Of a task that sleeps the function in which it
waits is told, of the one that runs where the processor is."""

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
    """attic bt PID: the backtrace of a task that does not run, by its saved frame pointers.

Each line is a return address with function, offset and size as the kernel writes them, and the
source line of the call. Of a process follows where it was in ring 3 when it entered the kernel. For
the task that runs, gdb's own backtrace is shown."""

    name, usage, at_least, at_most = "bt", "PID", 1, 1

    def complete(self, text, word):
        return cli.matching([one for one in cli.space_words() if one.isdecimal()], word)

    def run(self, arguments):
        task = spaces.find_task(arguments[0])
        print("%s, %s; kernel stack 0x%08x..0x%08x" % (
            kernel.task_text(task), state_text(task), task.stack, kernel.stack_end(task) - 1))
        if not is_current(task):
            show_frames(saved_frames(task))
            self.show_user_side(task)
        elif in_double_fault():
            tss = objects.Object("struct tss", objects.address_of("main_tss"))
            print("interrupted by a double fault, whose task is what runs (gdb's `bt` shows it); it was here:")
            show_frames(follow(tss.eip, tss.ebp), first_back=0)
        else:
            print("it runs, so this is gdb's own backtrace (`bt`):")
            gdb.execute("bt 30")
            if not memory.register("cs") & 3:
                self.show_user_side(task)

    def show_user_side(self, task):
        mm = task.deref("mm")
        if mm is None:
            return
        regs = kernel.pt_regs(task)
        area = next((area for area in kernel.vm_areas(mm) if area.start <= regs.eip < area.end), None)
        print("in ring 3: EIP 0x%08x (%s), ESP 0x%08x; %s" % (
            regs.eip, kernel.area_text(area) if area else "in no area", regs.esp, entry_text(regs)))


def entry_text(regs):
    """How a process came into the kernel, by its registers. Those with which a program begins are all 0 (regs_init_user)."""
    if not any((regs.vector, regs.eax, regs.ebx, regs.ecx, regs.edx, regs.esi, regs.edi, regs.ebp)):
        return "the program has not begun yet"
    if regs.vector == SYSCALL_VECTOR:
        return "entered the kernel by the system call " + kernel.system_call(regs.error)
    return "entered the kernel by %s %d" % ("exception" if regs.vector < 32 else "interrupt", regs.vector)


def in_double_fault():
    """Whether the processor uses the stack of the double-fault task."""
    top = objects.Object("struct tss", objects.address_of("double_fault_tss")).esp0
    area = next((area for area in kernel.vmap_areas() if area.start < top < area.end), None)
    return area is not None and area.start <= memory.register("esp") <= top


def show_frames(found, first_back=1):
    """A line for each; the same address many times over (a recursion) is told once, with how often."""
    number = 0
    for addr, group in itertools.groupby(found):
        same = len(list(group))
        place = call_site(addr) if number or first_back else addr
        print(("  #%-2d 0x%08x  %-40s %s" % (number, addr, frame_text(addr, place), source_text(place))).rstrip())
        if same > 1:
            print("  ... and %d more of the same" % (same - 1))
        number += same


def frame_text(addr, place):
    """function+offset/size for an address, in the function that `place` is in."""
    function = symbols.table().find(place)
    return "%s+0x%x/0x%x" % (function[2], addr - function[0], function[1] - function[0]) if function else ""
