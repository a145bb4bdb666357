"""`attic paging` and `attic type`: the paging state of the processor, on one line, and Attic's console.

Under `make gdb` the serial port is a socket whose path scripts/debug passes in ATTIC_CONSOLE: Attic's output appears among gdb's lines, and
`attic type` writes to the socket. Otherwise the console is where QEMU was started, and `attic type` says so.

Typed text waits in QEMU and in the UART until the kernel reads it, so a command can be typed while the machine is still at its first
instruction.

Both commands work before the kernel is in memory: in the firmware, in GRUB.

Neighbours: scripts/debug starts QEMU and gdb; tour.py types with Console, too.
"""
import os
import socket
import sys
import threading

import gdb

from attic.gdb import Sorry, cli, memory, paging


def where():
    """CR0.PG, CR3, EIP, CS and the source line, on one line. Works at any time, even before the kernel is loaded."""
    line = gdb.newest_frame().find_sal()
    return "PG=%d CR3=0x%08x EIP=0x%08x CS=0x%02x %s" % (
        paging.paging_is_on(), memory.register("cr3"), memory.eip(), memory.register("cs"),
        "%s:%d" % (line.symtab.filename, line.line) if line.symtab else "no source")


class Paging(cli.Command):
    """Print CR0.PG, CR3, EIP, CS and the source line."""

    name, needs_kernel = "paging", False

    def run(self, arguments):
        print(where())


class Type(cli.Command):
    """Type a line on Attic's console (under `make gdb`)."""

    name, usage, at_least, at_most, needs_kernel = "type", "LINE", 1, 1, False

    def split(self, argument):
        return [argument] if argument else []

    def run(self, arguments):
        Console.send(arguments[0])


class Console:
    """The connection to the serial port, or none."""

    connection = None

    @classmethod
    def open(cls, path):
        """Show what Attic prints among gdb's own lines."""
        cls.connection = socket.socket(socket.AF_UNIX)
        cls.connection.connect(path)
        threading.Thread(target=cls._copy, daemon=True).start()

    @classmethod
    def _copy(cls):
        while True:
            text = cls.connection.recv(4096)
            if not text:
                return
            os.write(sys.__stdout__.fileno(), text.replace(b"\r", b""))

    @classmethod
    def send(cls, line):
        if cls.connection is None:
            raise Sorry("there is no console here: it is where QEMU was started")
        cls.connection.sendall(line.encode() + b"\n")
