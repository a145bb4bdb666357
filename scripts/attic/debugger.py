"""The words of a gdb that has Attic's commands: for scripts/debug, for tests, and for the examples in documents.

They are to be run in the root of the repository. Environment: GDB, another gdb.
"""
import os


def gdb(elf, *options):
    """gdb with Attic's commands, on this kernel; or on none."""
    return [program(), '-q', '-nx', '-x', 'scripts/gdb/attic.gdb', *options, *([str(elf)] if elf else [])]


def program():
    return os.environ.get('GDB') or 'gdb'


def commands(*lines):
    """Options that make gdb run these lines."""
    return [word for line in lines for word in ('-ex', line)]


def to_start(target):
    """Options that attach it to a stopped machine and go on to _start."""
    return commands(f'target remote {target}', 'thbreak *_start', 'continue')


def gdb_command(target, elf):
    """What `make gdb` starts."""
    return gdb(elf, *to_start(target))
