"""The program that the tour follows, user/tour.c: where its functions lie, and which line an address belongs to.

gdb knows the kernel alone, and is to know nothing else: a program has names like `_start` and `memcpy` too, and a breakpoint of
the reader's must not land in both. So the program's debug information is loaded for one look and let go again. It lies beside
the kernel's, in the folder of the build; the copy that Attic runs has none.
"""
import os

import gdb

from attic.gdb import kernel

NAME = "tour"
COMMAND = "run " + NAME  # of the monitor, which starts it
_labels = {}
_lines = {}


def lives():
    """Whether it has been started and has not ended."""
    return any(task.comm == NAME for task in kernel.tasks())


def _path():
    image = gdb.lookup_global_symbol("kernel_main").symtab.objfile.filename
    return os.path.join(os.path.dirname(image), "user", NAME)


def _with_symbols(look):
    before = set(gdb.objfiles())
    gdb.execute("add-symbol-file " + _path().replace(" ", "\\ "), to_string=True)
    try:
        return look(next(objfile for objfile in gdb.objfiles() if objfile not in before))
    finally:
        gdb.execute("remove-symbol-file " + _path().replace(" ", "\\ "), to_string=True)


def label(name):
    """Address of a label of the program; all of them are global names that the kernel does not have."""
    if name not in _labels:
        _labels[name] = _with_symbols(lambda objfile: int(gdb.parse_and_eval("(unsigned long)&'%s'" % name)) & 0xFFFFFFFF)
    return _labels[name]


def line(addr):
    """The file and the line of an instruction."""
    def look(objfile):
        found = gdb.find_pc_line(addr)
        return found.symtab.filename, found.line

    if addr not in _lines:
        _lines[addr] = _with_symbols(look)
    return _lines[addr]
