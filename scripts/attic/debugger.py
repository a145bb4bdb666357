"""The command line of a gdb that has Attic's commands: for scripts/debug, for tests, and for the examples in documents.

It is to be run in the root of the repository. Environment: GDB, another gdb.
"""
import os
from pathlib import Path


def gdb(elf: Path | str | None, *options: str) -> list[str]:
    """gdb with Attic's commands, on this kernel or without one."""
    return [program(), '-q', '-nx', '-x', 'scripts/gdb/attic.gdb', *options, *([str(elf)] if elf else [])]


def program() -> str:
    return os.environ.get('GDB') or 'gdb'


def commands(*lines: str) -> list[str]:
    """Options that make gdb run these lines."""
    return [word for line in lines for word in ('-ex', line)]


def to_start(target: str) -> list[str]:
    """Options that attach it to a stopped machine and continue to _start."""
    return commands(f'target remote {target}', 'thbreak *_start', 'continue')


def gdb_command(target: str, elf: Path | str) -> list[str]:
    """What `make gdb` starts."""
    return gdb(elf, *to_start(target))
