"""gdb commands for Attic: `help attic` lists them.

The floors of this package, each of which uses those under it:

    commands                            the list of all commands
    walks, maps, pgdiff, areas, frames, who, tasks, console, printers, explain/, tour/
                                        what is shown, in words
    cli, spaces, owners, stacks         arguments, completion; the directory; what lies at an address; which task runs
    frame_runs                          the frames behind an area, in the kernel's words
    explain/explain_walk, _places, _frame, _words
                                        the facts of an explanation, and the kernel's words for them
    program                             a program's own symbols, for one look
    kernel, objects, symbols            the kernel's structures by symbol and type, as its debug information has them
    paging, attic/tables                directories, tables, entries: what the processor would do with an address
    memory                              bytes of physical memory, registers

Everything is read over the remote protocol, as it is at this moment; nothing is written, and no function of the kernel is called, so that
the commands change nothing and work at every stage: with paging off, in ring 3, in a panic.
"""


class Sorry(Exception):
    """Why a command cannot answer: one sentence for the reader."""
