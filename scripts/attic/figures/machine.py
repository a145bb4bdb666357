"""What the figures are drawn from: one machine of 128 MiB, as `make run` boots it, from its first page directory to a fork.

    seen = look(iso)
    seen.snapshots['prompt']['regions']

The order of the commands is fixed, and no random number decides about an address in Attic, so that two runs give the same frames and
addresses. What the timer counts (ticks, uptime) may differ: the figures do not show it.

Places before the prompt have no snapshot. There gdb stops the machine and leaves, and the raw memory is read from outside.

Neighbours: ../machine.py is the machine, ../tables.py walks its page tables, ../snapshot.py compares snapshots.
"""
import json
import re
import struct
import tempfile
from collections import namedtuple
from dataclasses import dataclass, field
from pathlib import Path

from attic.machine import PROMPT, Machine
from attic.symbols import Symbols, debug_file
from attic.tables import FRAME, Tables

SECONDS = 120
MIB = 128     # of RAM
BOOT_STAGES = ('boot_paging_on', 'boot_identity_gone')
STUB = 'trap_stub_128'  # where `int 0x80` leads
INT_80 = bytes.fromhex('cd80')
STEPS = ('mmap', 'touch', 'fork', 'write')  # of the program `steps`
AREAS = ('16K', '12K')  # made with `vmalloc -s`

Row = namedtuple('Row', 'start end physical rights name')  # of lowmem, as the boot log has it; `end` is not included


@dataclass
class Entry:
    """The machine behind the gate: the program has executed `int 0x80`, and the stub its first instruction not yet."""
    directory: int
    esp: int
    pushed: tuple      # EIP, CS, EFLAGS, ESP, SS of the program
    idt: int           # base of the table
    gdt: int
    task_register: int
    gate: int          # 64 bits
    esp0: int
    walks: dict = field(default_factory=dict)  # by name: a Walk through the program's directory


@dataclass
class Seen:
    """Everything that is drawn. `tables` walks the memory of the moment of the last snapshot."""
    symbols: Symbols
    boot: dict = field(default_factory=dict)       # words of the boot page directory, by stage
    rows: list = field(default_factory=list)
    snapshots: dict = field(default_factory=dict)  # documents by name: prompt, areas, written
    entry: Entry | None = None
    blocks: dict = field(default_factory=dict)     # zone: free blocks of each order, at the prompt
    audit: str = ''
    tables: Tables | None = None


def look(iso):
    """Run the machine once, and return what was seen."""
    elf = debug_file(iso)
    if not elf:
        raise FileNotFoundError(f'{iso}: attic.debug is not beside it, nor one folder above')
    seen = Seen(Symbols(elf))
    with tempfile.TemporaryDirectory(prefix='attic-figures-') as folder:
        file = Path(folder) / 'snapshots'
        with Machine('figures', iso=iso, mem=f'{MIB}M', medium='cd', timeout=SECONDS, snapshots=file, gdb=True, stopped=True) as machine:
            look_at_boot(machine, elf, seen)
            look_at_prompt(machine, seen)
            look_at_entry(machine, elf, seen)
            look_at_fork(machine, seen)
            machine.finish('poweroff')
        documents = map(json.loads, file.read_text().splitlines())
        seen.snapshots = {document['name']: document for document in documents}
    return seen


def stop_at(machine, elf, symbol):
    """Let the machine run to a symbol, and leave it stopped there."""
    machine.gdb(elf, f'hbreak *&{symbol}', 'continue', 'disconnect')
    wanted, found = Symbols(elf)[symbol], machine.register('EIP')
    if found != wanted:
        raise RuntimeError(f'the machine stopped at {found:#x}, not at {symbol}, {wanted:#x}')


def look_at_boot(machine, elf, seen):
    for stage in BOOT_STAGES:
        stop_at(machine, elf, stage)
        seen.boot[stage] = machine.tables.words(seen.symbols['boot_page_directory'], 1024)
    machine.monitor('cont')


def look_at_prompt(machine, seen):
    machine.expect(PROMPT)
    found = re.findall(r'^map: 0x(\w+)\.\.0x(\w+) -> 0x(\w+) (\S+) (.+)$', machine.output, re.M)
    seen.rows = [Row(int(start, 16), int(last, 16) + 1, int(physical, 16), rights, name) for start, last, physical, rights, name in found]
    machine.run('snapshot prompt')
    for zone, counts in re.findall(r'zone +(\w+) +([\d ]+)$', machine.run('buddyinfo'), re.M):
        seen.blocks[zone] = [int(count) for count in counts.split()]
    for size in AREAS:
        machine.run(f'vmalloc -s {size}')
    machine.run('snapshot areas')


def look_at_entry(machine, elf, seen):
    """Stop at the first system call of `steps`. The line is typed while the machine stands still, so that gdb does not come too late."""
    machine.monitor('stop')
    machine.send('run steps &\n')
    stop_at(machine, elf, STUB)
    seen.entry = entry_now(machine, seen.symbols)
    machine.monitor('cont')
    machine.expect(r'takes the next step\n')


def entry_now(machine, symbols):
    directory, esp = machine.register('CR3') & FRAME, machine.register('ESP')
    tables = {name: int(base, 16) for name, base in re.findall(r'^(GDT|IDT)= +(\w+)', machine.monitor('info registers'), re.M)}

    def words(address, count):
        return machine.tables.words(machine.walk(address).physical, count)

    gate = struct.unpack('<Q', struct.pack('<2I', *words(tables['IDT'] + 8 * 0x80, 2)))[0]
    pushed = tuple(words(esp, 5))
    tss = symbols['main_tss']
    entry = Entry(directory, esp, pushed, tables['IDT'], tables['GDT'], tss, gate, words(tss + 4, 1)[0])
    places = {'program': pushed[0] - 2, 'idt': tables['IDT'] + 8 * 0x80, 'gdt': tables['GDT'] + (gate >> 16 & 0xFFF8), 'tss': tss,
              'stack': esp, 'guard': entry.esp0 - 2 * 4096 - 1, 'stub': machine.register('EIP')}
    entry.walks = {name: machine.walk(address) for name, address in places.items()}
    code = machine.physical(entry.walks['program'].physical, 2)
    if code != INT_80:
        raise RuntimeError(f'the program came here by {code.hex()}, not by int 0x80')
    return entry


def look_at_fork(machine, seen):
    for step in STEPS:
        machine.send('run steps 2\n')
        for line in (rf'^steps\[2\]: {step}: ', r'^steps\[\d\]: exit status 0', PROMPT):
            machine.expect(line)
    machine.run('snapshot written')
    seen.audit = machine.run('audit').strip()
    memory = machine.physical(0, MIB << 20)
    seen.tables = Tables(lambda address, size: memory[address:address + size])
