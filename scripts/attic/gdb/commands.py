"""The list of all commands: `attic walk` and the others.

Each command is a class in one of the modules imported here (cli.py describes how it is made); those in ALL are registered in gdb under the
prefix `attic`, and `attic` alone prints the first line of the help of each. A new command needs its name here, a line in docs/gdb.md, and a
test: tests/run/gdb/test_gdb_processes.py checks the help of every command.

Loading this module has no effect: scripts/gdb/load.py calls register() once.

Neighbours: printers.py has what gdb's own `print` uses; console.py is opened here when `make gdb` has one.
"""
import os

import gdb

from attic.gdb import areas, console, frames, maps, pgdiff, printers, tasks, walks, who
from attic.gdb.explain import explain
from attic.gdb.tour import tour

ALL = (walks.Walk, explain.Explain, maps.Map, maps.Pgd, pgdiff.Pgdiff, areas.Areas, frames.Frames, who.Who, tasks.Ps, tasks.Bt,
       console.Paging, console.Type, tour.Tour)


class Attic(gdb.Command):
    """Attic's page tables, frames, areas and tasks, as they lie in memory now.

VA is a number or any gdb expression; PID is a process, or one of `master`,
`boot`, `loaded` (what CR3 holds: the default)."""

    def __init__(self):
        super().__init__("attic", gdb.COMMAND_DATA, gdb.COMPLETE_NONE, True)

    def invoke(self, argument, from_tty):
        if argument:
            raise gdb.GdbError("attic: there is no command `%s`: `help attic` lists them" % argument.split()[0])
        for command in ALL:
            print("%-27s %s" % (command.synopsis(), command.__doc__.split("\n")[0]))


def register():
    """Register all commands and the pretty-printers in gdb; under `make gdb` show Attic's console."""
    Attic()
    for command in ALL:
        command()
    printers.register()
    if os.environ.get("ATTIC_CONSOLE"):
        console.Console.open(os.environ["ATTIC_CONSOLE"])
