"""A command of `attic`: how it gets its arguments, and how it reports errors.

A command is a class with a name, a usage, a doc string that `help` shows, and run(). It prints, or raises Sorry with one
sentence; so do the functions that it calls, when they fail. No exception of Python reaches the reader: an unexpected one means that a
structure has changed, and is reported as that.

Arguments are words; where a command takes an address, everything before a last word that can name an address space belongs to the address,
so that `attic walk &jiffies + 4 7` works as expected.

Neighbours: spaces.py knows the words for address spaces; the commands' files are listed in __init__.py.
"""
import os
import textwrap

import gdb

from attic.gdb import Sorry, kernel, memory, program, spaces, symbols

COLUMNS = 79


class Command(gdb.Command):
    name = None       # after `attic `
    usage = ""        # the arguments
    at_least = 0      # the minimum number of them
    at_most = 0
    expression = False   # the first one is an address, as an expression of gdb's
    needs_kernel = True  # it works only once the kernel is loaded

    def __init__(self):
        summary, *more = self.__doc__.split("\n")
        self.__doc__ = "\n".join([summary, "usage: " + self.synopsis(), *more])  # what `help` prints
        super().__init__("attic " + self.name, gdb.COMMAND_DATA)

    @classmethod
    def synopsis(cls):
        return ("attic %s %s" % (cls.name, cls.usage)).rstrip()

    def invoke(self, argument, from_tty):
        memory.forget()
        try:
            self.check_machine()
            arguments = self.split(argument)
            if not self.at_least <= len(arguments) <= self.at_most:
                raise gdb.GdbError("usage: " + self.synopsis())
            self.run(arguments)
        except gdb.GdbError:
            raise
        except (Sorry, gdb.error) as error:
            raise gdb.GdbError(folded("attic %s: %s" % (self.name, error)))
        except Exception as error:  # pylint: disable=broad-except
            raise gdb.GdbError(folded("attic %s: this kernel's structures are not those that the command knows: %s: %s"
                                      % (self.name, type(error).__name__, error)))

    def check_machine(self):
        if not memory.machine_is_there():
            raise Sorry("no machine is connected: start with `make gdb`, or `target remote :1234` while `make qemu-gdb` runs")
        if not self.needs_kernel:
            return
        symbols.table()  # gdb.error if there is none
        if not kernel.is_loaded():
            raise Sorry("the kernel does not run yet: `hbreak *_start` and `continue` lead to its first instruction")
        if not kernel.is_of_symbols():
            raise Sorry("the machine runs another build than gdb's symbols are of (%s): `file` loads those of its build"
                        % symbols.path())

    def split(self, argument):
        return split_arguments(argument, self.expression)

    def run(self, arguments):
        raise NotImplementedError

    def complete(self, text, word):
        """Completes names of variables for an address, and after it the words for PID."""
        if self.expression and " " not in text.lstrip():
            return gdb.COMPLETE_EXPRESSION
        return matching(space_words(), word) if "PID" in self.usage else gdb.COMPLETE_NONE


def folded(text, indent=""):
    """A sentence in lines that fit a terminal of 80 columns."""
    return textwrap.fill(text, COLUMNS, initial_indent=indent, subsequent_indent=indent + "  ", break_long_words=False, break_on_hyphens=False)


def say(text, indent=""):
    print(folded(text, indent))


def matching(words, word):
    return [one for one in words if word is None or one.startswith(word)]


def count_text(number, what):
    """"1 page", "2 pages"."""
    return "%d %s%s" % (number, what, "" if number == 1 else "s")


def space_words():
    try:
        return spaces.words() if memory.machine_is_there() else list(spaces.WORDS)
    except (gdb.error, Sorry, LookupError):
        return list(spaces.WORDS)


def split_arguments(text, expression=False):
    """Split into words; an expression may contain blanks: only a last word that can be an address space is split off."""
    words = text.split()
    if not expression or len(words) < 2:
        return words
    front, last = " ".join(words[:-1]), words[-1]
    if (last.isdecimal() or last in spaces.WORDS) and _is_expression(front):
        return [front, last]
    return [front, last] if last.isidentifier() and not _is_expression(text) else [text.strip()]


def _is_expression(text):
    try:
        gdb.parse_and_eval("(%s)" % text)
        return True
    except gdb.error as error:
        return "syntax error" not in str(error)


def address(text):
    """A number or any gdb expression, as an address: the address of a function, a label, an array or a structure."""
    number = _as_number(_evaluate(text), text)
    if not -(1 << 31) <= number < 1 << 32:
        raise Sorry("`%s` is 0x%x, and addresses have 32 bits" % (text, number))
    return number & 0xFFFFFFFF


def place(arguments):
    """The address that `VA [PID]` means. A name that the kernel does not have is looked up in that process's program; PROGRAM:NAME
    is looked up in the program, as in the monitor."""
    name, colon, symbol = arguments[0].partition(":")
    if colon and os.path.exists(program.of_build(name)):
        return program.with_symbols(program.of_build(name), lambda objfile: address(symbol))
    try:
        return address(arguments[0])
    except Sorry:
        path = program.of_process(spaces.find_task(arguments[1])) if arguments[1:] and arguments[1].isdecimal() else None
        if not path:
            raise
    return program.with_symbols(path, lambda objfile: address(arguments[0]))


def _evaluate(text):
    try:
        return gdb.parse_and_eval(text)
    except gdb.error as error:
        if "has unknown type" in str(error):  # a variable of assembly code
            return gdb.parse_and_eval("&" + text)
        raise Sorry("`%s` is not an address: %s" % (text, str(error).rstrip(".")))


def _as_number(value, text):
    kind = value.type.strip_typedefs()
    try:
        if kind.code in (gdb.TYPE_CODE_FUNC, gdb.TYPE_CODE_ARRAY, gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION):
            return int(value.address)
        if kind.code == gdb.TYPE_CODE_FLAGS:  # a control register
            return int(value.cast(gdb.lookup_type("unsigned long"))) & 0xFFFFFFFF
        if kind.code == gdb.TYPE_CODE_FLT:
            raise TypeError
        return int(value)
    except (gdb.error, TypeError, OverflowError):
        raise Sorry("`%s` is not an address, but of the type %s" % (text, value.type))
