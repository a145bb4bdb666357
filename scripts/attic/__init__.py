"""The host side of Attic: machines in QEMU, their output, and reading their memory from outside. Calls go down:

    machine.py        a machine that boots, is spoken to, read from outside and judged
    screen.py         its text screen and keyboard
    watch.py          what it was doing at its end
    qmp.py, qemu.py   QEMU's machine protocol; its command line and what its end means
    debugger.py       gdb's command line
    ktap.py           results of self-tests
    tables.py         page tables in physical memory
    build.py          the kernel under test: folders, make, images
    symbols.py        the kernel's names

    examples.py, document.py                      the examples in documents
    memdiff.py, memdiff_counts.py, snapshot.py    what changed between two snapshots
    changes.py, mutation.py                       kernels that differ in a few lines; tests that notice it
    coverage.py, turns.py, fuzzing.py             what tests execute; other orders; random input
    terminal.py                                   text as a terminal shows it
    packages.py                                   Debian packages, unpacked without installing
    gdb/                                          gdb's commands
"""
