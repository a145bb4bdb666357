# For a gdb that debugs Attic in QEMU: `make gdb` loads it, an editor can (`source scripts/gdb/attic.gdb`, from the root of the
# repository). The commands are in scripts/attic/gdb/: `help attic`.
set architecture i386
set confirm off
set disassembly-flavor intel
set print pretty on
# What is typed and printed is UTF-8; without a locale gdb takes it for ASCII, and refuses the rest in words of Python's.
set host-charset UTF-8
# QEMU answers late on a busy host.
set remotetimeout 60
directory .
source scripts/gdb/load.py
