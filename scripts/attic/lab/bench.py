"""The machine that checks look at: a kernel with a student's files, and what its memory says. What it prints is no evidence.

A check is a function of a lab's checks.py; it gets a Bench and returns the reason why it does not hold, or None, or a list with one or the
other for each of several things.
"""
import json
import random
import re
import struct
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from string import ascii_lowercase
from typing import NamedTuple

from attic.build import ROOT, make_initramfs, ran, symbols, user_programs
from attic.debugger import commands, program
from attic.machine import EOF, PROMPT, TIMEOUT, Machine
from attic.symbols import PAGE_OFFSET
from attic.tables import PAGE_SHIFT, PDE_SHIFT, Tables

SECONDS = 60   # for a machine
DETACHED = '[Inferior 1 (process 1) detached]'  # gdb's last words if it leaves a machine that runs
PATIENCE = 60  # seconds: gdb repeats what is not answered in time, and a busy QEMU would do it twice


class Bench:
    """`build` is the folder of the kernel, `texts` what the student has handed in, `number` the student's."""

    def __init__(self, build: Path, name: str, texts: dict[str, str] | None = None, number: str = ''):
        self.build, self.name, self.texts, self.number = build, name, texts or {}, number
        self.names = symbols(build / 'attic.debug')
        self.random = random.SystemRandom()
        self.logs = []
        self.cmdline = ''  # of all machines, besides their own
        self.mem = ''      # of machines that name none
        self.end = ''      # how the last followed() ended

    def word(self, machine: Machine, name: str) -> int:
        """The value of a variable of 32 bits."""
        return machine.tables.word(self.names.physical(name))

    @cache
    def static(self, file: str, name: str) -> int:
        """The address of a static variable: a student's file may have one of the same name."""
        what = f"printf \"%u\\n\", &'{file}'::{name}"
        return int(ran(program(), '-q', '-nx', '-batch', *commands(what), self.build / 'attic.debug').stdout)

    @cache
    def offsets(self, struct: str, *members: str) -> dict[str, int]:
        """Of members of a structure, from the debug information; its size as `sizeof struct NAME`."""
        wanted = [f'(int)&(({struct} *)0)->{name}' for name in members] + [f'(int)sizeof({struct})']
        said = ran(program(), '-q', '-nx', '-batch', *commands(*(f'printf "%d\\n", {what}' for what in wanted)), self.build / 'attic.debug').stdout
        return dict(zip([*members, f'sizeof {struct}'], map(int, said.split())))

    @contextmanager
    def machine(self, what: str, **options):
        cmdline = f'{self.cmdline} {options.pop("cmdline", "")}'.strip()
        options = {'timeout': SECONDS, 'cmdline': cmdline} | ({'mem': self.mem} if self.mem else {}) | options
        with Machine(f'{self.name}-{what}', build=self.build, **options) as machine:
            self.logs.append(machine.log_path)
            yield machine

    def under_a_drawn_name(self, known: str) -> tuple[str, Path]:
        """A name, and an initramfs in which a program has it: what is right for a program that the grader is known to run may not be right
        for others."""
        name, programs = ''.join(self.random.choices(ascii_lowercase, k=8)), user_programs(self.build)
        programs[name] = programs.pop(known)
        return name, make_initramfs('drawn', build=self.build, programs=programs)[0]

    @contextmanager
    def at_prompt(self, what: str, **options):
        """A machine at its prompt, or None if it does not get there."""
        with self.machine(what, **options) as machine:
            yield machine if machine.saw(PROMPT) else None

    def followed(self, script: Path, wanted: int, what: str, cmdline: str = '', call: str = '', **options) -> list[dict]:
        """What a script for gdb, attached to a stopped machine, writes down about its start with this command line: a dictionary for each
        line. `call` is the function that the script follows, if it can follow several. `end` then says what the machine and gdb did last."""
        with self.machine(what, cmdline=cmdline, gdb=True, stopped=True, **options) as machine:
            judged = machine.log_path.with_suffix('.judged')
            judged.unlink(missing_ok=True)
            said = self.attach(machine, '-x', str(script), str(self.build / 'attic.debug'), JUDGED=str(judged), WANTED=str(wanted),
                               SEED=str(self.random.randrange(1 << 30)), CALL=call)
            self.end = self.ended(machine, said.splitlines())
            machine.kill()
            return [json.loads(line) for line in judged.read_text().splitlines()] if judged.exists() else []

    def ended(self, machine: Machine, said: list[str]) -> str:
        """How a machine ended that gdb was attached to; if gdb has left it before, what it said last."""
        if said[-1:] == [DETACHED] and machine.status != 'timeout':
            return f'gdb has left the machine: {" ".join(said[-2:-1])}'
        machine.finish()
        return machine.text

    def attach(self, machine: Machine, *arguments: str, **environment: str) -> str:
        """Attach gdb to a machine, and give it these arguments; its scripts can import this package. Returns what it prints."""
        to_it = commands(f'set remotetimeout {PATIENCE}', f'target remote {machine.gdb_target}', "python import sys; sys.path.insert(0, 'scripts')")
        return machine.beside(program(), '-q', '-nx', '-batch', *to_it, *arguments, env=environment)


# ---- looking ----

def defined(header: str, name: str) -> int:
    """A number that a header of the kernel defines."""
    return int(re.search(rf'^#define {name} +(\w+)', (ROOT / header).read_text(), re.M)[1], 0)


def enumerators(header: str, name: str) -> list[str]:
    """The names of an enumeration that counts from 0."""
    body = re.search(rf'enum {name} {{(.*?)}};', (ROOT / header).read_text(), re.S)[1]
    return re.findall(r'^\s*(\w+)', re.sub(r'/\*.*?\*/', '', body, flags=re.S), re.M)


@dataclass
class View:
    """The vmalloc area at one moment, and all frames, from memory: not from what the kernel says."""
    entries: dict[int, int]   # present entries by address: physical address and bits
    pages: list[tuple[int, int, int, int]]  # struct page of each frame: type, order, head, references

    @cached_property
    def types(self) -> list[str]:
        """The type of each frame."""
        return [kind for _, order, kind in blocks_of(self) for _ in range(1 << order)]

    @cached_property
    def counts(self) -> list[int]:
        return [count for *_, count in self.pages]


STRUCT_PAGE = 16  # bytes; the header asserts it


def view(bench: Bench, machine: Machine) -> View:
    machine.monitor('stop')
    try:
        names, tables = bench.names, machine.tables
        start, frames = tables.word(names.physical('vmalloc_start')), tables.word(names.physical('max_pfn'))
        end = defined('include/mm/layout.h', 'VMALLOC_END')
        entries = {page.start: page.physical | page.rights for page in tables.pages(names.physical('swapper_pg_dir'), start, end - 1)}
        pages = machine.physical(tables.word(names.physical('mem_map')) - PAGE_OFFSET, frames * STRUCT_PAGE)
    finally:
        machine.monitor('cont')
    return View(entries, list(struct.iter_unpack('<BxBBi8x', pages)))


class Process(NamedTuple):
    """A process: the pid of its parent, where its directory and its kernel stack lie, and the entries below PAGE_OFFSET that hold a page, by
    address."""
    parent: int
    directory: int
    entries: dict[int, int]
    stack: int


def processes(bench: Bench, machine: Machine) -> dict[int, Process]:
    """All processes by pid, from the list of tasks and the tables in memory. The machine must be stopped."""
    at = bench.offsets('struct task', 'all_link', 'pid', 'mm', 'parent', 'stack') | bench.offsets('struct mm', 'pgd_phys')
    word, found = (lambda address: machine.tables.word(address - PAGE_OFFSET)), {}
    head = link = bench.static('kernel/pid.c', 'all_tasks')
    while (link := word(link)) != head:
        task = link - at['all_link']
        if mm := word(task + at['mm']):
            directory, parent = word(mm + at['pgd_phys']), word(task + at['parent'])
            found[word(task + at['pid'])] = Process(parent and word(parent + at['pid']), directory, entries_of(machine.tables, directory),
                                                    word(task + at['stack']))
    return found


def entries_of(tables: Tables, directory: int) -> dict[int, int]:
    """The entries of the user half that are not 0, by address."""
    return {at: value for table in tables.directory_entries(directory)[:PAGE_OFFSET >> PDE_SHIFT] if table.present
            for at, value in ((table.index << PDE_SHIFT | entry.index << PAGE_SHIFT, entry.value) for entry in tables.table_entries(table))
            if value}


def blocks_of(view: View) -> list[tuple[int, int, str]]:
    """(first frame, order, type) of each block, and of each frame that is in none. Only the first page of a block has its type."""
    kinds, found, pfn = enumerators('include/mm/frame/page.h', 'page_type'), [], 0
    while pfn < len(view.pages):
        type, order, head, _ = view.pages[pfn]
        order = order if head and pfn + (1 << order) <= len(view.pages) else 0
        found.append((pfn, order, kinds[type] if type < len(kinds) else '?'))
        pfn += 1 << order
    return found


def typed(machine: Machine, line: str) -> bool:
    """Type a line at the prompt. False if no prompt follows."""
    try:
        machine.run(line, SECONDS)
    except (EOF, TIMEOUT):
        return False
    return True
