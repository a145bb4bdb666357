"""The debug information of a user program, loaded for one use and removed again.

gdb must know only the kernel's symbols: a program has names like `_start` and `memcpy` too, and a breakpoint of the reader must not be set
in both. So a program's symbols are loaded only while a function that needs them runs. They are next to the kernel's, in the folder of the
build; the copy that Attic runs has none. A file is used only if its code at the place in question is the same as in memory, as a program
may come from elsewhere.

Neighbours: tasks.py and cli.py ask about a process; tour_program.py about the tour's program.
"""
import os

import gdb

from attic.gdb import kernel, memory, paging, symbols

SAME = 16  # bytes that are compared
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))


def of_build(name):
    """Path of a program of this build, by its name."""
    return os.path.join(os.path.dirname(symbols.path()), "user", name)


def with_symbols(path, look):
    """Returns the result of look(objfile), called while gdb has the symbols of this file."""
    before = set(gdb.objfiles())
    quoted = path.replace(" ", "\\ ")
    gdb.execute("add-symbol-file " + quoted, to_string=True)
    try:
        return look(next(objfile for objfile in gdb.objfiles() if objfile not in before))
    finally:
        gdb.execute("remove-symbol-file " + quoted, to_string=True)


def file_of(task, addr):
    """The file with the symbols of the program that a process runs, or None; `addr`: an address of its code."""
    if not task.mm or not task.exe:
        return None
    path = of_build(os.path.basename(kernel.path_of(kernel.Object("struct inode", task.exe))))
    return path if os.path.exists(path) and _is_same(path, task, addr) else None


def of_process(task):
    """The same, by the address at which the process is."""
    runs = kernel.current()
    in_ring3 = runs and runs.address == task.address and memory.register("cs") & 3
    return file_of(task, memory.eip() if in_ring3 else kernel.pt_regs(task).eip) if task.mm else None


def _is_same(path, task, addr):
    code = symbols.code(path, addr, addr + SAME)
    walk = paging.walk(task.deref("mm").pgd_phys, addr)
    size = min(len(code), memory.PAGE_SIZE - addr % memory.PAGE_SIZE)
    return bool(size and walk.mapped) and memory.physical(walk.physical, size) == code[:size]


def place_text(task, addr):
    """Function and line of a process's code, or nothing."""
    path = file_of(task, addr)
    return with_symbols(path, lambda objfile: _place(addr)) if path else ""


def _place(addr):
    block, line = gdb.block_for_pc(addr), gdb.find_pc_line(addr)
    while block and not block.function:
        block = block.superblock
    where = "%s:%d" % (relative(line.symtab.filename), line.line) if line.symtab and line.line else ""
    return ", ".join(filter(None, (block.function.name if block else "", where)))


def relative(file):
    """A source file as seen from the root of the repository."""
    return os.path.relpath(file, ROOT) if os.path.isabs(file) else os.path.normpath(file)
