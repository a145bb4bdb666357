"""The program that the tour follows, user/tour.c: where its functions lie, and which line an address belongs to.

Each is looked up once, with the program's symbols (program.py), and cached.
"""
import gdb

from attic.gdb import kernel, program

NAME = "tour"
COMMAND = "run " + NAME  # the monitor's command that starts it
_labels = {}
_lines = {}


def lives():
    """Whether it has been started and has not ended."""
    return any(task.comm == NAME for task in kernel.tasks())


def _with_symbols(look):
    return program.with_symbols(program.of_build(NAME), look)


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
