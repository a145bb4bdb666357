"""gdb's commands compared with the page tables in memory, and the walker that both use (scripts/attic/tables.py) with QEMU's own walk.

    said = session(check, machine, 'attic map', 'attic ps', 'detach')   # or 'disconnect': then the machine stays stopped
    check_map(check, 'the name of it', said[0], State(machine.physical(0, 16 << 20)), directory)

Directories are physical addresses.
"""
import functools
import re

from attic.build import build_dir, symbols
from attic.symbols import PAGE_OFFSET
from attic.tables import FRAME, PAGE_SIZE, RW, US, Tables
from machines import unfolded, wide

DEBUG = build_dir() / 'debug'  # the build for gdb
ELF = DEBUG / 'attic.debug'
# The stages of the boot, and the first instruction in ring 3.
STAGES = ('_start', 'boot_paging_on', 'boot_high', 'boot_identity_gone', 'kernel_main', 'lowmem_map_init', 'page_alloc_init',
          'vmalloc_init', 'mm_seal', 'return_to_user', 'ring3')
CR0_PG, CR4_SMAP, EFL_AC = 1 << 31, 1 << 21, 1 << 18
PYTHON = 'Python|Traceback|Error occurred|structures are not'
KERNEL_HALF, USER_HALF, ALL = (PAGE_OFFSET, 0xFFFFFFFF), (0, PAGE_OFFSET - 1), (0, 0xFFFFFFFF)


@functools.cache
def kernel():
    """The kernel's names."""
    return symbols(ELF)


# ---- a gdb session ----

def session(check, machine, *commands, build=DEBUG):
    """Run commands of gdb, with the names of a build. Returns the output of each. No Python exception may appear in it."""
    marked = [word for command in commands for word in ('echo @@@\\n', command)]
    said = machine.gdb(build / 'attic.debug', 'set width 0', 'set height 0', *marked)
    answers = re.split('^@@@\n', said, flags=re.M)[1:]
    bad = [f'{command}: {answer}' for command, answer in zip(commands, answers) if re.search(PYTHON, answer)]
    check.equal('\n'.join(bad), '', 'no exception of Python')
    check.equal(len(answers), len(commands), 'gdb ran all commands', said)
    return answers


def wait_for_sleep(check, machine, build=DEBUG):
    """Wait until the monitor sleeps: it prints its prompt a moment before that. The machine stays stopped then."""
    def sleeps():
        if re.search('^ +1 sleeping', session(check, machine, 'attic ps', 'disconnect', build=build)[0], re.M):
            return True
        session(check, machine, 'detach', build=build)
        return False
    check.true(machine.wait_until(sleeps), 'the monitor sleeps at last')


# ---- a state of the machine ----

class State:
    """A machine's memory from physical 0 on, and its registers as QEMU's monitor names them."""

    def __init__(self, memory, registers=''):
        self.tables = Tables(lambda address, size: memory[address:address + size])
        self.registers = {name: int(value, 16) for name, value in re.findall(r'\b([A-Z]\w+)=([0-9a-f]{8})\b', registers)}

    @property
    def directory(self):
        return self.registers['CR3'] & FRAME

    def __getitem__(self, name):
        return self.registers[name]


class Dump:
    """A state that is saved within a session of gdb: `commands` save it, and take() reads it from their output. QEMU walks to the
    addresses, which are numbers or registers ($eip)."""

    def __init__(self, file, mib, *addresses):
        self.file, self.addresses = file, addresses
        self.commands = [f'monitor pmemsave 0 {mib << 20:#x} "{file}"', 'monitor info registers', *walks_of_qemu(*addresses)]

    def take(self, answers, check, name):
        """From an iterator over answers; the walker is checked."""
        _, registers, *walks = (answer for _, answer in zip(self.commands, answers))
        state = State(self.file.read_bytes(), registers)
        self.file.unlink()
        if state['CR0'] & CR0_PG:
            addresses = [state[address[1:].upper()] if isinstance(address, str) else address for address in self.addresses]
            check_walker(check, name, state, state.directory, addresses, walks)
        return state


def at_stages(check, machine, folder, commands, *addresses):
    """Start a machine of 8 MiB, stop it at each stage, and run the same commands there. Returns (stage, output by command, state); the
    first is (None, output before the start, None). The walker is checked at the addresses."""
    dumps, steps = {}, []
    for stage in STAGES:
        dumps[stage] = Dump(folder / stage, 8, *addresses)
        place = '((struct pt_regs *)$eax)->eip' if stage == 'ring3' else f'&{stage}'
        steps += [f'hbreak *{place}', 'continue', *commands, *dumps[stage].commands]
    answers = iter(session(check, machine, *commands, *steps, 'detach'))
    yield None, dict(zip(commands, answers)), None
    for stage, dump in dumps.items():
        next(answers), next(answers)
        said = dict(zip(commands, answers))
        yield stage, said, dump.take(answers, check, stage)


# ---- the walker ----

def walks_of_qemu(*addresses):
    """Commands of gdb that make QEMU walk the loaded tables."""
    return ['monitor info mem', *(f'monitor gva2gpa {address}' for address in addresses)]


def check_walker(check, name, state, directory, addresses, walks):
    """Compare with the output of walks_of_qemu() for this directory."""
    mem, *found = walks
    runs = re.findall('^([0-9a-f]+)-([0-9a-f]+) [0-9a-f]+ ([u-][r-][w-])', mem, re.M)
    check.equal(lines((page.start, page.start + page.size, f'{"u" if page.rights & US else "-"}r{"w" if page.rights & RW else "-"}')
                      for page in state.tables.pages(directory)),
                lines((int(start, 16), int(end, 16), rights) for start, end, rights in runs),
                f'{name}: the walker finds the pages and rights that QEMU finds')
    check.equal([f'{address:#x}: {where(state.tables.walk(directory, address).physical)}' for address in addresses],
                [f'{address:#x}: {gpa_in(said)}' for address, said in zip(addresses, found, strict=True)],
                f'{name}: the walker goes where QEMU goes')


def where(physical):
    return 'nowhere' if physical is None else f'{physical:#x}'


def gpa_in(said):
    """The address in the answer of `monitor gva2gpa`. Another answer is returned unchanged."""
    found = re.match('gpa: (?:0x)?([0-9a-f]+)\r?\n|Unmapped', said)
    return where(found[1] and int(found[1], 16)) if found else said


def lines(pieces):
    """(start, end, what) as text, joined where they touch and are the same."""
    joined = []
    for start, end, what in pieces:
        if joined and joined[-1][1:] == [start, what]:
            joined[-1][1] = end
        else:
            joined.append([start, end, what])
    return ''.join(f'{start:08x} {end:08x} {what}\n' for start, end, what in joined)


def addresses_of(state, physical, spaces):
    """Every address at which a byte of physical memory is mapped, in (directory, (first, last))..."""
    return sorted(page.start + physical - page.physical for directory, bounds in spaces for page in state.tables.pages(directory, *bounds)
                  if page.physical <= physical < page.physical + page.size)


# ---- what gdb's commands say ----

def check_walk(check, name, said, state, directory, address):
    walk = state.tables.walk(directory, address)
    check.equal(wide(said), [], f'{name}: walk in 80 columns')
    said = unfolded(said.partition('\n')[2])  # what follows the first line
    check.equal([' '.join(entry) for entry in re.findall(r'^  (P[DT]E) +(\d+) at (0x\w+): (0x\w+)', said, re.M)],
                [f'{entry.level} {entry.index} {entry.at:#010x} {entry.value:#010x}' for entry in walk.entries],
                f'{name}: walk finds the entries', said)
    if not walk.mapped:
        check.like(said, f'not mapped: the {walk.last.level} is not present', f'{name}: where it ends')
        return
    check.like(said, rf'-> physical {walk.physical:#010x}, in a 4 [KM]iB page$', f'{name}: and the physical address')
    user = walk.rights & US
    check.like(said, 'ring 3 may read' if user else 'ring 3 may not read, write or run code: US=0 in the', f'{name}: what ring 3 may')
    only_with_ac = user and state['CR4'] & CR4_SMAP and not state['EFL'] & EFL_AC
    ring0 = 'ring 0 may not touch it now: .*; between stac and clac it may read' if only_with_ac else 'ring 0 may read'
    check.like(said, ring0 + (' and write' if walk.rights & RW else '.* RW=0 in the'), f'{name}: what ring 0 may')


def check_map(check, name, said, state, directory):
    pages = {page.start: page for page in state.tables.pages(directory)}
    ranges = [(int(start, 16), int(end, 16) + 1, what, frame)
              for start, end, what, frame in re.findall(r'^  0x(\w{8})\.\.0x(\w{8}) +\d+ \w+ (\S+ 4[MK])(?: -> 0x(\w{8}))?', said, re.M)]
    check.equal(lines(piece[:3] for piece in ranges),
                lines((page.start, page.start + page.size, f'{rights_text(page.rights)} {"4M" if page.size > PAGE_SIZE else "4K"}')
                      for page in pages.values()), f"{name}: map's ranges are those of the tables", said)
    wrong = [f'{at:08x}' for start, end, _, frame in ranges if frame for at in range(start, end, PAGE_SIZE)
             if at in pages and pages[at].physical != int(frame, 16) + at - start]
    check.equal(wrong, [], f'{name}: and so are its frames')


def rights_text(rights):
    access = 'rw' if rights & RW else 'r-'
    return f'{access}/{access if rights & US else "--"}'


def check_pgd(check, name, said, state, directory):
    found = {}
    for first, last, value, what in re.findall(r'^  (\d+)(?:\.\.(\d+))? +0x\w{8}\.\.0x\w{8}  0x(\w{8})  (4 MiB|page table)', said, re.M):
        step = 0x400000 if what == '4 MiB' else PAGE_SIZE
        found |= {i: int(value, 16) + (i - int(first)) * step for i in range(int(first), int(last or first) + 1)}
    wanted = {entry.index: entry.value for entry in state.tables.directory_entries(directory) if entry.present}
    check.equal(found, wanted, f'{name}: pgd has every present entry', said)
