"""The shared kernel half, seen from outside: QEMU's monitor stops the machine while processes run, and the page tables are walked in
physical memory, without Attic's help."""
import re
from collections import Counter

import pytest

from attic.build import build_dir, symbols
from attic.machine import PROMPT, Machine
from attic.symbols import PAGE_OFFSET
from attic.tables import FRAME, P, PDE_SHIFT, RW, US

NAMES = symbols()
MASTER = NAMES.physical('swapper_pg_dir')
KERNEL_PDE_FIRST = PAGE_OFFSET >> PDE_SHIFT
LARGE = 1 << PDE_SHIFT

# QEMU's processor, its features according to QEMU's documentation, and the resulting bits of CR4.
CR4_ALWAYS = 1 << 4 | 1 << 7 | 1 << 9 | 1 << 10
UMIP, SMEP, SMAP = 1 << 11, 1 << 20, 1 << 21
PROCESSORS = {
    'max': (UMIP | SMEP | SMAP, 'rdrand smap smep umip'),
    'max,-smep,-rdrand': (UMIP | SMAP, 'smap umip'),
    'max,-smap,-umip': (SMEP, 'rdrand smep'),
    'qemu32': (0, ''),
}


class Stopped:
    """A machine with two processes, stopped, and the directories that were loaded at several moments, by their addresses."""

    def __init__(self, machine):
        self.machine, self.tables = machine, machine.tables
        self.loaded, self.in_ring3 = {}, Counter()
        machine.wait_until(self.look)
        self.master = self.tables.words(MASTER, 1024)
        self.directories = {address: entries for address, entries in sorted(self.loaded.items()) if address != MASTER}
        self.lowmem = self.tables.word(NAMES.physical('lowmem_size'))

    def look(self):
        """Whether both processes have been seen in ring 3; if not, the machine continues."""
        self.machine.monitor('stop')
        directory = self.machine.register('CR3') & FRAME
        self.loaded.setdefault(directory, self.tables.words(directory, 1024))
        self.in_ring3[directory] += self.machine.register('EIP') < PAGE_OFFSET
        if len(+self.in_ring3) >= 2:
            return True
        self.machine.monitor('cont')
        return False

    def entry(self, address):
        """The page-table entry of a kernel address, or its directory entry if that maps 4 MiB."""
        return self.tables.walk(MASTER, address).last.value

    def qemus_walk(self, address):
        """The physical address that QEMU's emulated processor finds, in the loaded address space."""
        found = re.search('gpa: (?:0x)?([0-9a-f]+)', self.machine.monitor(f'gva2gpa {address:#x}'))
        return int(found[1], 16) if found else None


@pytest.fixture(scope='module')
def stopped():
    with Machine('outside', timeout=90) as machine:
        machine.expect(PROMPT)
        machine.send('run forever & forever &\n')
        machine.saw(PROMPT, 10)
        yield Stopped(machine)


def in_hex(addresses):
    return ' '.join(f'{address:08x}' for address in addresses)


def count(bits, entries):
    """How many entries have all of these bits."""
    return sum(entry & bits == bits for entry in entries)


def test_directories(stopped, check):
    check.true(len(stopped.directories) >= 2, 'the directories of two processes were seen', stopped.machine)
    check.true(len(+stopped.in_ring3) >= 2, 'both of them in ring 3')
    for address, entries in stopped.directories.items():
        name, kernel_half = f'directory {address:#010x}', entries[KERNEL_PDE_FIRST:]
        check.equal(kernel_half, stopped.master[KERNEL_PDE_FIRST:], f"{name}: entries 768..1023 are the master's")
        check.equal(count(P | US, kernel_half), 0, f'{name}: none of them has the user bit')
        check.true(count(P, entries[:KERNEL_PDE_FIRST]) > 0, f'{name}: the user half has mappings')
    check.equal(count(P, stopped.master[:KERNEL_PDE_FIRST]), 0, 'the master maps nothing below C')
    one, other, *_ = stopped.directories.values()
    check.true(one[:KERNEL_PDE_FIRST] != other[:KERNEL_PDE_FIRST], 'two processes have different user halves')


def kernel_mappings(tables):
    """(address, size, entry) of each page of the kernel half."""
    for pde in tables.directory_entries(MASTER)[KERNEL_PDE_FIRST:]:
        base = pde.index << PDE_SHIFT
        if pde.large:
            yield base, LARGE, pde
        elif pde.present:
            yield from ((base + (pte.index << 12), 4096, pte) for pte in tables.table_entries(pde) if pte.present)


def test_mappings(stopped, check):
    pages = list(kernel_mappings(stopped.tables))
    lowmem = [page for page in pages if page[0] - PAGE_OFFSET < stopped.lowmem or page[2].large]
    wrong = [address for address, _, entry in lowmem if entry.frame != address - PAGE_OFFSET]
    check.equal(in_hex(wrong), '', 'lowmem: every mapping is X -> X - C')
    check.equal(sum(size for _, size, _ in lowmem), stopped.lowmem, 'lowmem: all of it is mapped')
    for_users = [address for address, _, entry in pages if entry.level == 'PTE' and entry.value & US]
    check.equal(in_hex(for_users), '', 'no kernel page-table entry has the user bit')
    check.equal(stopped.entry(0xFFFFF000) & P, 0, 'the last page is not mapped')
    addresses = range(PAGE_OFFSET + 0x123, PAGE_OFFSET + (stopped.lowmem & -LARGE), LARGE)
    disagree = [address for address in addresses if stopped.qemus_walk(address) != address - PAGE_OFFSET]
    check.equal(in_hex(disagree), '', "lowmem: QEMU's gva2gpa agrees in each 4 MiB")


def test_read_only_and_end(stopped, check):
    """Text and read-only data cannot be written through any mapping of the kernel half."""
    pages = range(NAMES['__text_start'], NAMES['__rodata_end'], 4096)
    check.equal(in_hex(page for page in pages if stopped.entry(page) & RW), '', 'no page of text and rodata is writable')
    check.equal(stopped.entry(NAMES['swapper_pg_dir']) & RW, 0, 'the master directory is read-only')
    stopped.machine.monitor('cont')
    check.equal(stopped.machine.finish('poweroff'), 'pass', 'Attic did not notice', stopped.machine)


@pytest.mark.parametrize('cpu', PROCESSORS)
def test_processor(cpu, boot, check):
    cr4, features = PROCESSORS[cpu]
    debug = build_dir() / 'debug'
    machine = boot('outside-cpu', build=debug, cpu=cpu, gdb=True)
    machine.expect(PROMPT)
    check.equal(f'{machine.register("CR4"):x}', f'{CR4_ALWAYS | cr4:x}', f'{cpu}: CR4')
    said = machine.gdb(debug / 'attic.debug', 'print cpu_features')
    found = re.findall(r'\b(rdrand|smap|smep|umip) = true', said)
    check.equal(' '.join(sorted(found)), features, f'{cpu}: what Attic found', said)
    check.equal(machine.finish('poweroff'), 'pass', f'{cpu}: the end', machine)
