"""The commands: `attic walk` and its like."""
import gdb

from attic import cli, paging


class Attic(gdb.Command):
    """Attic's page tables, frames, areas and tasks, as they lie in memory now."""

    def __init__(self):
        super().__init__("attic", gdb.COMMAND_DATA, gdb.COMPLETE_NONE, True)


class Walk(cli.Command):
    """attic walk VA [PID]: walk a page directory for an address, as the processor does.

Without PID it is the loaded directory."""

    name, usage, at_least, at_most = "walk", "VA [PID]", 1, 2

    def run(self, arguments):
        addr = cli.address(arguments[0])
        directory, text = cli.directory(*arguments[1:])
        found = paging.walk(directory, addr)
        print("0x%08x in %s at physical 0x%08x:" % (addr, text, directory))
        for entry in filter(None, (found.pde, found.pte)):
            print("  %s %4d at 0x%08x: 0x%08x  %s" % (entry.level, entry.index, entry.at, entry.value, entry.bits()))
        if found.mapped:
            print("  physical 0x%08x, %s page" % (found.physical, "4 MiB" if found.pde.large else "4 KiB"))
        else:
            print("  not mapped: the %s is not present" % found.last.level)


for command in (Attic, Walk):
    command()
