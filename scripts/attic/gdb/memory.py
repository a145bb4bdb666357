"""Physical memory and the registers that control paging.

QEMU's gdb stub shows memory as the processor sees it now: through the loaded page tables, or not at all where they map nothing. For reading
the tables themselves, and the memory of any process, it has a second mode in which addresses are physical (the packet Qqemu.PhyMemMode,
QEMU's documentation, "GDB usage"). It is switched on for one read and off again, so that gdb's own commands never use it.

What was read is kept until the command ends (forget()): a walk over all page tables reads each of them once. A megabyte
takes about a tenth of a second.

Registers are those of the processor, whichever frame of a backtrace is selected in gdb.

Limits: one processor. Where there is no RAM, QEMU answers as the bus would, without an error.
"""
import re
import struct

import gdb

PAGE_SHIFT, PAGE_SIZE = 12, 4096

_pages = {}  # bytes by frame number, while the machine is certainly stopped


def forget():
    """Called before a command: the machine may have run since the last one."""
    _pages.clear()


def _read(addr, size):
    if "OK" not in gdb.execute("maintenance packet Qqemu.PhyMemMode:1", to_string=True):
        raise gdb.error("this remote target has no mode for physical memory (QEMU has, from 4.1 on)")
    try:
        return bytes(gdb.selected_inferior().read_memory(addr, size))
    finally:
        gdb.execute("maintenance packet Qqemu.PhyMemMode:0", to_string=True)


def physical(addr, size):
    """Bytes of physical memory. gdb.MemoryError where there is none."""
    first, last = addr >> PAGE_SHIFT, (addr + size - 1) >> PAGE_SHIFT
    if any(pfn not in _pages for pfn in range(first, last + 1)):
        found = _read(first << PAGE_SHIFT, (last - first + 1) << PAGE_SHIFT)
        for pfn in range(first, last + 1):
            start = (pfn - first) << PAGE_SHIFT
            _pages[pfn] = found[start:start + PAGE_SIZE]
    joined = _pages[first] if first == last else b"".join(_pages[pfn] for pfn in range(first, last + 1))
    start = addr & (PAGE_SIZE - 1)
    return joined[start:start + size]


def physical_word(addr):
    """32 bits of physical memory."""
    return struct.unpack("<I", physical(addr, 4))[0]


def physical_words(addr, count):
    """Several adjacent words, as a tuple."""
    return struct.unpack("<%dI" % count, physical(addr, 4 * count))


def register(name):
    """A register of the processor as an unsigned number, also where gdb shows it as flags; whichever frame is selected."""
    value = gdb.newest_frame().read_register(name)
    return int(value.cast(gdb.lookup_type("unsigned long"))) & 0xFFFFFFFF


def ram_size():
    """Bytes of RAM that QEMU has given to the machine."""
    return int(re.search(r"base memory: (\d+)", gdb.execute("monitor info memory_size_summary", to_string=True)).group(1))


def eip():
    """The next instruction, whichever frame is selected."""
    return gdb.newest_frame().pc() & 0xFFFFFFFF


def machine_is_there():
    return gdb.selected_inferior().pid != 0
