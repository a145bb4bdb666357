"""A command of `attic`: how it gets its arguments, and how it says what is wrong.

A command is a class with a name, a usage, a doc string that `help` shows, and run(). It prints, or raises Sorry with one
sentence; so does everything it calls when something cannot be had. No exception of Python reaches the reader.
"""
import gdb

from attic import kernel, memory, paging


class Sorry(Exception):
    """Why a command cannot answer: one sentence."""


class Command(gdb.Command):
    name = None   # after `attic `
    usage = ""    # the arguments
    at_least = 0  # how many of them there must be
    at_most = 0

    def __init__(self):
        super().__init__("attic " + self.name, gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        memory.forget()
        try:
            self.check_machine()
            arguments = split_arguments(argument)
            if not self.at_least <= len(arguments) <= self.at_most:
                raise Sorry("usage: attic %s %s" % (self.name, self.usage))
            self.run(arguments)
        except (Sorry, kernel.NotYet) as sorry:
            raise gdb.GdbError("attic %s: %s" % (self.name, sorry) if not str(sorry).startswith("usage") else str(sorry))
        except gdb.error as error:
            raise gdb.GdbError("attic %s: %s" % (self.name, error))

    def check_machine(self):
        if not memory.machine_is_there():
            raise Sorry("no machine is connected: start with `make gdb`, or `target remote :1234` while `make qemu-gdb` runs")
        if not kernel.is_loaded():
            raise Sorry("the kernel is not in memory yet: `hbreak *_start` and `continue` run to its first instruction")

    def run(self, arguments):
        raise NotImplementedError

    def complete(self, text, word):
        return gdb.COMPLETE_NONE


def split_arguments(text):
    """Words, where blanks within parentheses do not count: `attic walk (char *)&jiffies + 4` is none of our business, `walk
    (u32)x 7` is two."""
    return gdb.string_to_argv(text)


def address(text):
    """A number or any expression of gdb's, as an address."""
    try:
        return int(gdb.parse_and_eval("(unsigned long)(%s)" % text)) & 0xFFFFFFFF
    except gdb.error as error:
        raise Sorry("`%s` is no address: %s" % (text, error))


def task(text):
    """The task of a pid."""
    if not text.isdigit():
        raise Sorry("`%s` is no pid" % text)
    for found in kernel.tasks():
        if found.pid == int(text):
            return found
    raise Sorry("there is no process %s: `attic ps` lists them" % text)


def directory(pid=None):
    """Physical address of a directory, and what it is: that of a process, or the one that is loaded."""
    if pid is not None:
        found = task(pid)
        mm = found.deref("mm")
        if mm is None:
            return kernel.master_directory(), "the master directory, as %s is a kernel thread" % found.comm
        return mm.pgd_phys, "the directory of %d (%s)" % (found.pid, found.comm)
    if not paging.paging_is_on():
        raise Sorry("paging is off: addresses are physical, and there is no directory to walk")
    return paging.loaded_directory(), "the loaded directory"


def pids():
    """For completion: what may stand for PID."""
    memory.forget()
    try:
        return [str(found.pid) for found in kernel.tasks()] if memory.machine_is_there() and kernel.is_loaded() else []
    except (gdb.error, kernel.NotYet):
        return []
