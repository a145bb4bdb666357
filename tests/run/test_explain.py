"""`explain` at the prompt: its lines, and its entries, compared with physical memory as QEMU's monitor shows it; wrong arguments; and the
short form on lines about faults."""
import re
from collections import namedtuple

import pytest

from attic.build import symbols
from attic.machine import PROMPT, Machine
from attic.symbols import PAGE_OFFSET
from attic.tables import FRAME
from machines import run_forever, unfolded, wide

NAMES = symbols()
MASTER = NAMES.physical('swapper_pg_dir')
ADDRESS, PHYSICAL = f'{NAMES["kernel_main"]:#010x}', f'{NAMES.physical("kernel_main"):#010x}'
HOLES = ('0x00000000', '0xffffffff', '0xffbff000', '0xffc00000', '0xf7bfffff')
EIP = r'at eip 0x0804\w{4}:'

# Wrong commands, and the right usage; one line each.
WRONG = {
    'explain': r'^usage: explain ADDR \[PID\]; "help explain" shows an example$', 'explain 1 2 3': r'^usage: explain ADDR \[PID\];',
    'explain kernel_main+': r'^explain: kernel_main\+ is not an address', 'explain kernel_main+4/': 'is not an address',
    'explain kernel_main+4x': 'is not an address', 'explain 0xffffffff+2': 'is not an address',
    'explain zork': r'^explain: zork is not an address \(0x1234abcd\), kernel symbol or PROGRAM:NAME$',
    'explain vmaloc': '^explain: vmaloc is not an address, .*; the nearest symbol is vmalloc$',
    'explain c0100000': '^explain: c0100000 is not an address .*0x', 'explain 0x100000000': 'is not an address',
    'explain -1': 'is not an address', 'explain 0x': 'is not an address',
    'explain 0 x': r'^explain: x is not a pid; "ps" lists the processes$',
    'explain 0 4000000': '^explain: no task has the pid 4000000; "ps" lists them$',
    'explain 0 1': r'^explain: init\[1\] has no address space of its own$',
}


@pytest.fixture(scope='module')
def machine():
    with Machine('explain', timeout=90) as machine:
        machine.expect(PROMPT)
        yield machine


@pytest.fixture
def explain(machine, check):
    return lambda what: Answer(machine, what, check)


class Answer(dict):
    """The lines of the output by label; those without a label belong to the one above."""

    def __init__(self, machine, what, check):
        super().__init__()
        self.machine, self.check = machine, check
        self.text, label = machine.run(f'explain {what}'), ''
        for line in self.text.splitlines():
            if found := re.fullmatch(r'(\S.*?) +', line[:10]):
                label = found[1]
            self.setdefault(label, []).append(line[10:])
        check.equal([line for line in self.text.splitlines() if len(line) > 80], [], f'explain {what}: 80 columns')

    def line(self, label, number=0):
        """One line of those of a label, '' if it does not exist."""
        return ''.join(self.get(label, [])[number:number + 1])

    def check_entries(self, what, directory):
        """Each entry is at the address in the line, and has that value. Returns whether there are any."""
        entries = re.findall(r'^(PDE|PTE) (\d+) +0x(\w{8}) at 0x(\w{8}), physical 0x(\w{8})$', self.text, re.M)
        check, table = self.check, directory
        for level, index, *numbers in entries:
            name, (value, virtual, physical) = f'explain {what}: {level} {index}', (int(number, 16) for number in numbers)
            check.equal(physical, table + 4 * int(index), f'{name}: its place')
            check.equal(virtual, physical + PAGE_OFFSET, f'{name}: its address')
            check.equal(value, self.machine.tables.word(physical), f'{name}: its value')
            check.like(self.text, rf'^{level} {index} .*\n.*\n {{10}}P={value & 1} ', f'{name}: P')
            table = value & FRAME
        return bool(entries)


# ---- addresses of the kernel ----


def test_function(explain, check):
    answer = explain('kernel_main')
    check.true(answer.check_entries('kernel_main', MASTER), 'explain kernel_main: entries')
    check.like(answer.line('address'), rf'^{ADDRESS} kernel_main\+0x0/0x[0-9a-f]+$', 'a function by its name')
    check.like(answer.line('region'), r'^0xc0000000\.\.0xc7fd\wfff lowmem: virt X -> phys X - 0xc0000000$', 'its region')
    check.like(answer.line('area'), r'^0xc01\w{5}\.\.0xc01\w{5} lowmem: text$', 'its row')
    check.equal(answer.line('walk'), f'ends at physical {PHYSICAL}', 'where the walk ends')
    pte = f'PTE {NAMES["kernel_main"] >> 12 & 1023}'
    check.equal(answer.get('ring 0'), ['may read, execute', f'may not write ({pte}: RW=0, CR0.WP=1)'], 'what ring 0 may')
    check.equal(answer.get('ring 3'), ['may not read, write, execute (PDE 768: US=0)'], 'what ring 3 may')
    check.equal(answer.line(pte, 1), f'frame at physical {PHYSICAL[:7]}000', 'what the entry points to')
    check.equal(answer.line(pte, 2), 'P=1 present, RW=0 read-only, US=0 ring 0 only, PWT=0 write-back', 'bits in words')
    check.equal(answer.line(pte, 3), 'PCD=0 cached, A=1 accessed, D=1 dirty, PAT=0 type by PWT, PCD', 'four more')
    check.equal(answer.line(pte, 4), 'G=1 global, AVL=0 not used', 'and the last two')
    check.like(answer.line('frame'), f'^{PHYSICAL[:7]}000 kernel image, reserved at start-up; references: 0$', 'its frame')
    check.equal(answer.get('also at'), ['no other address'], 'and nobody else sees it')
    check.equal(answer.get('device'), [f'may read it at physical {PHYSICAL}', 'may not write it: -EACCES',
                                       'the kernel itself may only read this memory'], 'a device may read it only')
    check.equal(explain(str(NAMES['kernel_main'])), answer, 'the same by a decimal number')
    for word in 'kernel_main+4', 'kernel_main+0x4', f'{ADDRESS}+4', 'kernel_main+0x4/0xe0':
        check.like(explain(word).line('address'), rf'^{NAMES["kernel_main"] + 4:#010x} kernel_main\+0x4/0x', word)


Stack = namedtuple('Stack', 'start guard range')


@pytest.fixture
def stack(machine):
    """A kernel stack, the guard behind it, and its range as a pattern."""
    start = int(re.search(r'^0x(\w{8})-0x\w{8} +12288 kthread_create\+', machine.run('vmallocinfo'), re.M)[1], 16)
    return Stack(start, start + 0x2000, rf'{start:#010x}\.\.{start + 0x1fff:#010x}')


def test_stack_and_guard(explain, stack, check):
    answer = explain(f'{stack.start:#010x}')
    answer.check_entries('a kernel stack', MASTER)
    check.like(answer.line('area'), rf'^{stack.range} vmalloc, kernel stack of \w+\[\d\]$', 'a kernel stack, whose')
    check.like(answer.line('area', 1), r'^made by kthread_create\+0x\w+/0x\w+$', 'and who made it')
    check.like(answer.line('frames'), r'^2 in [12] runs?: 0x\w{5}000\b', 'all its frames')
    check.like(answer.line('also at'), r'^0xc\w{7} lowmem$', 'its page is in lowmem too')
    check.equal(answer.get('device'), ['may not have it: -EADDRNOTAVAIL',
                                       'a vmalloc address: its frames may be scattered; use dma_map_sg'], 'no device may have it')
    answer = explain(f'{stack.guard:#010x}')
    answer.check_entries('a guard', MASTER)
    check.like(answer.line('below'), rf'^{stack.range} vmalloc, kernel stack of \w+\[\d\]$', 'what is below')
    check.equal(answer.line('below', 1), 'its guard is here', 'its guard')
    check.like(answer.line('below', 2), r'^made by kthread_create\+', 'and who made what it guards')
    check.like(answer.line('walk'), r'^stops at PTE \d+: P=0$', 'where the walk stops')
    check.true('area' not in answer and 'frame' not in answer, 'nobody has it, and there is no frame', answer.text)


def test_holes(explain, check):
    for hole in HOLES:
        answer = explain(hole)
        answer.check_entries(hole, MASTER)
        check.like(answer.line('walk'), r'^stops at P[DT]E \d+: P=0$', f'explain {hole}: where the walk stops')
        check.true('above' in answer and 'below' in answer, f'explain {hole}: what is on both sides', answer.text)
    check.equal(explain('0x08048000').line('try'), 'explain ADDR PID; but no process has an area there', 'a user address, and no process')


# ---- addresses of processes ----

@pytest.fixture(scope='module')
def pids(machine):
    """The pids of two processes of the same program."""
    return run_forever(machine, 2)


def test_program(explain, pids, check):
    pid, other = pids
    check.equal(explain('0x08048000').get('try'), [f'explain 0x08048000 {one}     (forever)' for one in pids], 'without a pid: who has it')
    answer = explain(f'0x08048123 {pid}')
    directory = re.search(r'^PDE 32 .* physical 0x(\w{8})$', answer.text, re.M)
    answer.check_entries('user text', int(directory[1], 16) - 4 * 32)
    check.equal(answer.line('address'), f'0x08048123 of forever[{pid}]', 'with one')
    check.like(explain(f'kernel_main {pid}').line('address'), rf' in the directory of forever\[{pid}\]$', 'a kernel address through its directory')
    check.equal(answer.line('area'), '0x08048000..0x08048fff r-xp, page 0 of /forever', 'its area, and the file')
    check.like(answer.line('area', 1), r'^made by elf_load\+', 'and who made it')
    check.equal(answer.get('ring 3'), ['may read, execute', 'may not write (PTE 72: RW=0)'], 'what ring 3 may')
    also = answer['also at']
    check.like(answer.line('frame'), rf'^0x\w{{8}} file pages; references: {1 + len(also)}$',
               'a page of a file: the file and each mapping')
    check.equal(also.count(f'0x08048123 of forever[{other}]'), 1, 'the other one sees it', also)
    check.equal(sum(bool(re.fullmatch(r'0xc\w{4}123 lowmem', line)) for line in also), 1, 'and the kernel', also)
    check.equal(answer.get('device'), ['may not have it: -EFAULT',
                                       'a user address, which means another frame, or none, in each process'], 'not for a device')


def test_other_addresses(explain, pids, check):
    pid = pids[0]
    answer = explain(f'0xbffdc000 {pid}')
    check.like(answer.line('above'), r'^0xbffdd000\.\.0xbfffdfff rw-p \[stack\]$', 'below the stack')
    check.equal(answer.line('above', 1), 'it may grow down to here, or keeps it free', 'which may grow')
    check.like(answer.line('below'), r'^0x0804\w{4}\.\.0x0804\w{4} rw-p', 'and above the data')
    check.like(explain(f'0xbf900000 {pid}').line('above', 1), '^it may grow down to here',
               'far below it, as a stack grows up to its limit')
    check.like(explain(f'0xbfffe000 {pid}').line('area'), r'^0xbfffe000\.\.0xbfffefff r-xp \[vdso\], page 0$', 'the vDSO')
    answer = explain(f'kernel_main {pid}')
    check.equal(answer.line('walk'), f'ends at physical {PHYSICAL}', 'the kernel is there in each process')
    check.equal(answer.get('also at'), ['no other address'], 'which is one address and not two')
    check.unlike(answer.text, f' at {NAMES["swapper_pg_dir"] + 4 * 768:#010x}', 'by an entry of its own directory')


def test_many_addresses(machine, explain, pids, check):
    """Text and data of ten programs, in one page of the file, and lowmem."""
    run_forever(machine, 8)
    also = explain(f'0x08048123 {pids[0]}').get('also at', [])
    check.equal(len(also), 17, 'of many addresses the first 16', also)
    check.equal(also[16:], ['and 4 more'], 'and how many others')


def test_wrong(machine, check):
    for command, answer in WRONG.items():
        said = unfolded(machine.run(command))
        check.like(said, answer, f'{command}: says what is right')
        check.equal(said.count('\n'), 1, f'{command}: in one line')
    check.like(machine.run('help explain'), r'^explain ADDR \[PID\]: .*\nexample: explain \w', 'help explain')


def test_lines_about_faults(machine, stack, check):
    def attack(words, pattern, name):
        said = machine.run(f'run attack {words}')
        check.equal(wide(said), [], f'{name}: in 80 columns')
        check.like(unfolded(said), rf'^attack\[\d+\]: {pattern}$', name)
    kernels, guards = 'the address belongs to the kernel', rf'{stack.range} by kthread_create\+\S+'
    attack(f'write {NAMES["kernel_main"]}', rf'SIGSEGV: write to {ADDRESS} {EIP} {kernels} \(lowmem, text; PDE 768: US=0\)',
           'a process that writes to the kernel')
    attack('read 0', rf'SIGSEGV: read from 0x00000000 {EIP} nothing is mapped there '
           r'\(null, below 0x08048000\.\.0x08048fff r-xp; PDE 0: P=0\)', 'to null')
    attack('write 134512640', rf'SIGSEGV: write to 0x08048000 {EIP} the page is read-only '
           r'\(user, 0x08048000\.\.0x08048fff r-xp; PTE 72: RW=0\)', 'to its own text')
    attack(f'read {stack.guard}', rf'.* belongs to the kernel \(vmalloc, guard of {guards}; PTE \d+: P=0\)', 'to a guard')
    attack(f'read {stack.start}', rf'.* belongs to the kernel \(vmalloc, {guards}; PDE 991: US=0\)', 'to a kernel stack')
    found = re.findall(rf'write to 0x00005000 {EIP} nothing is mapped there (.*)', unfolded(machine.run('run signal_test')))
    check.equal(sum(bool(re.match(r'\(null, below 0x08048000\.\..*; PDE 0: P=0\)$', place)) for place in found), 4,
                'when the signal is blocked, ignored, or caught and blocked', found)
    check.like(machine.run('audit'), 'hold', 'and nothing has changed')
