"""gdb commands that know Attic: `help attic` lists them.

The floors of this package, each of which uses those under it:

    commands, explain, tour, printers    what is shown, in words
    cli                                  a gdb command: arguments, completion, one sentence for what goes wrong
    kernel                               the kernel's structures by symbol and type, as the debug information has them
    paging                               directories, tables, entries: what the processor would do with an address
    memory                               bytes of physical memory, registers

Everything is read over the remote protocol, as it is at this moment; nothing is written, and no function of the kernel is
called, so that a look changes nothing and is possible at every stage: with paging off, in ring 3, in a panic.
"""
