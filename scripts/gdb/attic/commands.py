"""The list of all commands: `attic walk` and its like. Loading this module enters them into gdb."""
import os

import gdb

from attic import areas, console, explain, frames, maps, pgdiff, printers, tasks, tour, walks, who

ALL = (walks.Walk, explain.Explain, maps.Map, maps.Pgd, pgdiff.Pgdiff, areas.Areas, frames.Frames, who.Who, tasks.Ps, tasks.Bt,
       console.Paging, console.Type, tour.Tour)


class Attic(gdb.Command):
    """Attic's page tables, frames, areas and tasks, as they lie in memory now.

Everywhere: VA is a number or any expression of gdb's; PID is a process, or one of `master`,
`boot`, `loaded` (what CR3 holds, and what is meant without PID)."""

    def __init__(self):
        super().__init__("attic", gdb.COMMAND_DATA, gdb.COMPLETE_NONE, True)

    def invoke(self, argument, from_tty):
        if argument:
            raise gdb.GdbError("attic: there is no command `%s`: `help attic` lists them" % argument.split()[0])
        for command in ALL:
            print(command.__doc__.split("\n")[0])


Attic()
for command in ALL:
    command()
printers.register()
if os.environ.get("ATTIC_CONSOLE"):
    console.Console.open(os.environ["ATTIC_CONSOLE"])
