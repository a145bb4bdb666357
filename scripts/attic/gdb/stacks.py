"""Kernel stacks: which task really runs, and the frames of a task, from the innermost one outwards.

All of the kernel is built with frame pointers, and kernel/panic_report.c follows them the same way. Where they reach the stubs of
arch/x86/entry.asm, which make no frame, lies the struct pt_regs of the interrupted code; its EIP and EBP continue the chain. gdb's own
unwinder does not know the stubs and shows wrong frames there.

During a switch cpu->current is already the next task while the stack is still that of the previous one (kernel/sched.c), so ESP decides
which task runs. The current C function may have no frame yet: gdb finds its caller by debug information.

Limits: frames of ring 3 are not followed; a program need not keep frame pointers. A stop between the instructions of a stub
shows what the stub interrupted without its innermost function.

Neighbours: tasks.py prints the frames, kernel.py lists tasks.
"""
from collections import namedtuple

import gdb

from attic.gdb import kernel, memory, objects, symbols

FRAMES_MAX = 512          # as in kernel/panic_report.c: a stack of frames of 16 bytes
EFLAGS_VM = 1 << 17       # virtual 8086 mode, which is ring 3 whatever its CS says
SWITCH_PUSHES = 4         # registers that switch_to() pushes, each by an instruction of one byte

# An address of code, and one inside its source line: for a call that is before the return address, which may be the first byte of the next
# function. `trap`: for a stub's frame, the vector by which it was entered from ring 0.
Frame = namedtuple("Frame", "addr place trap")


# ---- who runs ----

def running():
    """The running task, or None. In ring 0 it is the one whose kernel stack contains ESP."""
    named = kernel.current()
    if named is None or in_ring3():
        return named
    esp = interrupted_tss().esp if in_double_fault() else memory.register("esp")
    if holds(named, esp):
        return named
    if kernel.page_offset() <= esp < kernel.lowmem_end():
        return None  # the stack of the boot, on which sched_start() names the first task
    return next((task for task in kernel.tasks() if holds(task, esp)), named)


def switching_to():
    """The task to which the kernel is switching: it is cpu->current, but another stack is in use. None at other times."""
    named, runs = kernel.current(), running()
    return None if named is None or runs is not None and runs.address == named.address else named


def holds(task, esp):
    """Whether ESP is in a task's stack, or in the guard page below, where an overflow ends."""
    return task.stack - memory.PAGE_SIZE < esp <= kernel.stack_end(task)


def in_ring3():
    return bool(memory.register("cs") & 3 or memory.register("eflags") & EFLAGS_VM)


def interrupted_tss():
    """Where the processor saved the registers of the code that a double fault interrupted."""
    return objects.Object("struct tss", objects.address_of("main_tss"))


def in_double_fault():
    """Whether the processor uses the stack of the double-fault task."""
    top = objects.Object("struct tss", objects.address_of("double_fault_tss")).esp0
    area = next((area for area in kernel.vmap_areas() if area.start < top < area.end), None)
    return area is not None and area.start <= memory.register("esp") <= top


# ---- frames ----

def saved_frames(task):
    """The frames of a task that does not run, starting from what switch_to() pushed."""
    saved = objects.Object("struct switch_frame", task.thread.esp)
    return [_returned_to(saved.eip)] + _follow(saved.ebp) if saved.eip else []


def running_frames(task):
    """The frames of the running task, in ring 0."""
    if in_double_fault():
        tss = interrupted_tss()
        return _interrupted(tss.eip, tss.ebp, tss.esp)
    eip, esp, ebp = memory.eip(), memory.register("esp"), memory.register("ebp")
    if symbols.function(eip) == "switch_to":
        if kernel.current().address == task.address:  # after the change of stacks: what was pushed is still there
            return [Frame(eip, eip, None)] + saved_frames(task)
        pushed = min(eip - symbols.address("switch_to"), SWITCH_PUSHES)
        return [Frame(eip, eip, None), _returned_to(_word(esp + 4 * pushed))] + _follow(ebp)
    return _from_debug_information() or _interrupted(eip, ebp, esp)


def _from_debug_information():
    """The processor's place, the first caller as gdb finds it, and from there by frame pointers. Empty if gdb finds no C function."""
    frame = gdb.newest_frame()
    if frame.function() is None:
        return []
    while frame.type() == gdb.INLINE_FRAME:
        frame = frame.older()
    caller = frame.older()
    if caller is None or not symbols.function((caller.pc() & 0xFFFFFFFF) - 1):
        return []
    eip, ebp = memory.eip(), int(caller.read_register("ebp")) & 0xFFFFFFFF
    first = _returned_to(caller.pc() & 0xFFFFFFFF)
    if _is_stub(first.addr):
        regs = objects.Object("struct pt_regs", int(caller.read_register("esp")) & 0xFFFFFFFF)
        return [Frame(eip, eip, None)] + _through_trap(first, regs)
    return [Frame(eip, eip, None), first] + _follow(ebp)


def _interrupted(eip, ebp, esp):
    """The frames from registers that may be at any instruction of the kernel. At the first instruction of a function, and after a call to
    an address without code, the return address is still on top of the stack."""
    found = symbols.table().find(eip)
    frames = [Frame(eip, eip, None)]
    if found is None or found[0] == eip:
        back = _word(esp)
        frames += [_returned_to(back)] if back and symbols.function(back - 1) else []
    return frames + _follow(ebp)


def _follow(ebp):
    """The frames from a frame pointer on, up to the first bad one; where a trap came from ring 0, the saved registers continue the
    chain."""
    found = []
    while kernel.page_offset() <= ebp <= 0xFFFFFFF8 and ebp % 4 == 0 and len(found) < FRAMES_MAX:
        above, back = _word(ebp), _word(ebp + 4)
        if not back:
            break
        frame = _returned_to(back)
        if _is_stub(back):
            return found + _through_trap(frame, objects.Object("struct pt_regs", ebp + 8))
        found.append(frame)
        if above <= ebp:
            break
        ebp = above
    return found


def _through_trap(stub, regs):
    """A stub's frame and, when it was entered from ring 0, those of the code that it interrupted. The registers lie where it called C."""
    if regs.cs & 3 or regs.eflags & EFLAGS_VM:
        return [stub]
    return [stub._replace(trap=regs.vector)] + _interrupted(regs.eip, regs.ebp, regs.member_address("esp"))


def _is_stub(addr):
    """Whether a return address is that of a stub's call, with the registers on top of the stack. sysenter's stub is entered from ring 3."""
    return symbols.function(addr - 1) in ("trap_common", "sysenter_entry")


def _returned_to(addr):
    """The function of a return address. A thread that has not run yet has none."""
    return Frame(addr, addr - (addr != symbols.address("thread_start")), None)


def _word(addr):
    """32 bits of a stack; 0 where none can be read."""
    try:
        return int.from_bytes(objects.read(addr, 4), "little")
    except gdb.MemoryError:
        return 0
