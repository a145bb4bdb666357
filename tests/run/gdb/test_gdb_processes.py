"""gdb's commands `attic ...` while processes run: the monitor's own tables, every address of a frame, directory entries that were changed,
a fork, a switch. Their output is compared with the tables in physical memory and with the monitor."""
import re
from collections import namedtuple
from types import SimpleNamespace

import pytest

from attic.machine import PROMPT, Machine
from attic.symbols import PAGE_OFFSET, Symbols
from attic.tables import FRAME
from in_gdb import (DEBUG, KERNEL_HALF, USER_HALF, Dump, State, addresses_of, check_map, check_pgd, check_walk, check_walker, kernel,
                    session, wait_for_sleep, walks_of_qemu)
from machines import unfolded, wide

RAM = 16 << 20

Task = namedtuple('Task', 'pid state directory stack where')


def prompt_and_nap(machine, timeout=30):
    machine.expect(PROMPT, timeout)
    machine.run('run nap 900000000 1 &', 10)
    assert machine.wait_until(lambda: re.search('sleeping .* nap$', machine.run('ps', 10), re.M)), machine
    return machine


@pytest.fixture(scope='module')
def booted():
    with Machine('gdb-processes', build=DEBUG, gdb=True, mem='16M') as machine:
        yield SimpleNamespace(machine=prompt_and_nap(machine), scene=None)


@pytest.fixture
def scene(booted, check):
    booted.scene = booted.scene or Scene(booted.machine, check)
    return booted.scene


class Scene:
    """Two programs run and one sleeps. Then gdb stops the machine, which stays stopped when gdb leaves."""

    def __init__(self, machine, check):
        self.machine = machine
        for line in 'run spin until-told &', 'run forever &':
            machine.run(line, 10)
        wait_for_sleep(check, machine)
        self.ps, *self.backtraces = session(check, machine, 'attic ps', *(f'attic bt {pid}' for pid in range(1, 5)), 'disconnect')
        self.tasks = {name: Task(pid, state, None if directory == '-' else int(directory, 16), int(stack, 16), where)
                      for pid, state, directory, stack, name, where in
                      re.findall(r'^ +(\d+) (\w+) +(-|0x\w+) +0x(\w+) +(\S+) *(.*)$', self.ps, re.M)}
        self.processes = {name: task for name, task in sorted(self.tasks.items()) if task.directory}
        self.state = State(machine.physical(0, RAM), machine.monitor('info registers'))
        self.master = kernel().physical('swapper_pg_dir')
        self.spaces = [(self.master, KERNEL_HALF), *((task.directory, USER_HALF) for task in self.processes.values())]
        nap = self.tasks['nap'].directory
        self.frames = {'directory': nap, 'image': kernel().physical('__text_start'),
                       'stack': self.frame(self.master, self.tasks['idle'].stack), 'text': self.frame(nap, 0x08048000)}

    def frame(self, directory, address):
        return self.state.tables.walk(directory, address).last.frame

    def pid(self, name):
        return self.tasks[name].pid

    def ask(self, check, *commands):
        """The output of gdb's commands; the machine stays stopped."""
        return session(check, self.machine, *commands, 'disconnect')[:-1]


# ---- at the prompt: the same as the monitor's own tables ----

def compare_with_monitor(machine, name, check):
    monitor = {command: machine.run(command, 20) for command in ('vmallocinfo', 'frames', 'ps')}
    areas, frames, ps, _ = session(check, machine, 'attic areas', 'attic frames', 'attic ps', 'detach')
    check.equal(frames, monitor['frames'], f"{name}: frames is the monitor's table")
    theirs = [f'{int(start, 16):08x}..{int(end, 16) - 4097:08x} {kind} by {by}' for start, end, by, kind in re.findall(
        r'^0x(\w+)-0x(\w+) +\d+ (\S+) (?:pages=|phys=\S+ )?(?:\d+ )?(\w+)$', monitor['vmallocinfo'], re.M)]
    ours = [f'{start}..{end} {what}' for start, end, what in re.findall(r'^0x(\w+)\.\.0x(\w+)  \d+ pages? +(\w+ by [^,\n]*)', areas, re.M)]
    check.equal(ours, theirs, f'{name}: areas are those of vmallocinfo')
    check.equal(len(theirs), len(re.findall('^0x', monitor['vmallocinfo'], re.M)), f'{name}: each line of vmallocinfo is one')
    check.equal(re.findall('^ .*', areas, re.M), re.findall('^ .*', monitor['vmallocinfo'], re.M), f'{name}: and so are the frames')
    # The monitor runs when it prints, and sleeps when gdb stops the machine; for idle it is the other way round.
    theirs = tasks_in(r'^ *(\d+) +\d+ (\w+) .* (\S+)$', monitor['ps'])
    ours = tasks_in(r'^ *(\d+) (\w+) +(?:-|0x\w+) +0x\w+ +(\S+)', ps)
    check.equal(len(ours), 3, f'{name}: ps has three')
    check.equal(ours, theirs, f"{name}: ps has the monitor's tasks and states")


def tasks_in(pattern, text):
    return [(pid, state if int(pid) > 1 else '', name) for pid, state, name in re.findall(pattern, text, re.M)]


def test_same_as_the_monitor(booted, check):
    compare_with_monitor(booted.machine, '16M', check)


def test_4_gib(boot, check):
    """Tables of 16 MiB, pages in highmem."""
    machine = prompt_and_nap(boot('gdb-processes-4G', build=DEBUG, gdb=True, mem='4G'), 60)
    compare_with_monitor(machine, '4G', check)
    machine.run('run forever &', 10)
    area, ps, _ = session(check, machine, 'attic map 3', 'attic ps', 'disconnect')
    highmem = re.search(r'^  0xbf\w+\.\.0xbf\w+ .* -> (0x\w+)  rw-p \[stack\]$', area, re.M)
    check.true(highmem and int(highmem[1], 16) > 1 << 30, '4G: the stack is in highmem', area)
    directory = int(re.search(r'^ +3 \w+ +(0x\w+) .* forever', ps, re.M)[1], 16)
    check.equal(f'{machine.tables.walk(directory, 0xBFFFD000).last.frame:#010x}', highmem[1], '4G: where the tables say')
    who, _ = session(check, machine, f'attic who {highmem[1]}', 'disconnect')
    check.like(who, rf'^frame {highmem[1]}: used: user pages; reference count 1\n'
               r'  0xbf\w+ rw/rw  forever\[3\]: rw-p \[stack\]\n\Z', '4G: it is mapped there only')


# ---- who runs ----

def test_tasks_and_backtraces(scene, check):
    check.equal(' '.join(sorted(scene.tasks)), 'forever idle init nap spin', 'ps: all tasks', scene.ps)
    check.equal(scene.tasks['init'].where, 'tty_getc', 'ps: init waits for a key')
    check.like(scene.tasks['nap'].where, 'nanosleep|sleep', 'ps: nap sleeps')
    init, *_ = scene.backtraces
    check.like(init, r'^init\[1\], sleeping; kernel stack 0x\w+\.\.0x\w+\n  #0 .* (?:switch_tasks|schedule)\+.* kernel/sched\.c:\d+\n',
               'bt: from the switch')
    check.like(init, r' wait_queue_sleep\+.*\n(?:.*\n)*.* readline\+0x\w+/0x\w+ +kernel/monitor/readline\.c:\d+\n.* monitor_main\+',
               'bt: to the prompt')
    check.like(init, r' thread_start\+.*\n\Z', 'bt: down to where the thread began')
    check.like(scene.backtraces[int(scene.pid('nap')) - 1],
               r'^in the program: \w+, user/\S+:\d+\n'
               r'in ring 3: EIP 0x0804\w+ \(/nap\), ESP 0xbf\w+; entered the kernel by the system call nanosleep$',
               'bt: the side of ring 3')
    running = next((said for said in scene.backtraces if re.match(r'\w+\[\d+\], running', said)), '')
    check.like(running, r"it runs in ring 3, so this is gdb's own backtrace \(`bt`\):\n#0 |it runs; the processor is here:\n  #0 ",
               'bt: of the one that runs')


def test_switch(boot, check):
    """In the middle of a switch, ESP decides which task runs."""
    machine = boot('gdb-processes-switch', build=DEBUG, gdb=True, stopped=True, mem='16M', input='run forever\n')
    who_runs = ('attic ps', 'attic bt 1', 'attic bt 2')
    said = session(check, machine, 'hbreak mm_switch', 'continue', *who_runs, 'delete', 'hbreak *switch_to', 'continue', 'stepi 2',
                   *who_runs, 'detach')
    for name, (ps, old, new) in (('mm_switch', said[2:5]), ('switch_to', said[9:12])):
        check.like(ps, rf'^ +1 \w+ .* init +in {name}, and a switch to forever\[2\] is under way\n +2 ready .* forever\n', f'{name}: ps')
        check.like(old, rf'^it runs, and a switch to forever\[2\] is under way; .*\n  #0 .* {name}\+.*\n'
                   r'  #1 .* (?:switch_tasks|schedule)\+(?:.*\n)*  #\d+ .* thread_start\+.*\n\Z', f'{name}: bt of the one that still runs')
        check.like(new, r'^forever\[2\], ready; .*\n  #0 .* thread_start\+0x0.*\nin ring 3: .*; the program has not begun yet\n\Z',
                   f'{name}: bt of the next one')


# ---- the tables of every process ----

def test_walker(scene, check):
    """Our walk of the tables compared with QEMU's, in each process: its directory is loaded for a moment."""
    addresses = (0x08048000, 0x0804A123, 0xBFFFDABC, 0xBFFFE000, 0xC0100000, 0xC0400123, 0xC07FEDCB, 0xF7C00000, 0xF7C02000, 0xFFC00000)
    commands = ['set $kept = $cr3']
    for task in scene.processes.values():
        commands += [f'set var $cr3 = {task.directory:#x}', *walks_of_qemu(*addresses)]
    answers = iter(scene.ask(check, *commands, 'set var $cr3 = $kept'))
    next(answers)
    for name, task in scene.processes.items():
        next(answers)
        check_walker(check, f'process {name}', scene.state, task.directory, addresses, [next(answers) for _ in walks_of_qemu(*addresses)])
    # The frames of all pages. In gdb it would take a minute.
    found = {int(start, 16): int(frame, 16) for start, frame in
             re.findall('^([0-9a-f]{16}): ([0-9a-f]{16}) ', scene.machine.monitor('info tlb'), re.M)}
    check.equal({page.start: page.physical for page in scene.state.tables.pages(scene.state.directory)}, found,
                'the walker finds the frames that QEMU finds')


def check_who(check, name, said, state, frame, spaces):
    """Every address at which a frame is mapped: the kernel half once, then the processes."""
    check.equal(sorted(re.findall(r'^  (0x\w{8}) ', said, re.M)), [f'{address:#010x}' for address in addresses_of(state, frame, spaces)],
                f'who: every address of a frame ({name})', said)


def test_map_and_who(scene, check):
    frames, nap = scene.frames, scene.pid('nap')
    answers = iter(scene.ask(
        check, *(f'attic map {task.pid}' for task in scene.processes.values()), *(f'attic who {frame:#x}' for frame in frames.values()),
        f'attic who {frames["text"] + 0xabc:#x}', f'attic pgdiff {scene.pid("forever")} {nap}', f'attic pgdiff 1 {nap}', 'attic areas'))
    for name, task in scene.processes.items():
        check_map(check, f'process {name}', next(answers), scene.state, task.directory)
    who = {}
    for what, frame in frames.items():
        who[what] = next(answers)
        check_who(check, what, who[what], scene.state, frame, scene.spaces)
    within, same, kernel_thread, areas = answers
    check.like(who['stack'], r': used: vmalloc; reference count 1\n(?:.*\n)*'
               r'  0x\w+ rw/--  vmalloc: vmalloc by task_create\S*, kernel stack of idle\[0\]', 'who: a stack')
    check.like(who['image'], r': reserved since start-up: kernel image\n  0xc010\w+ r-/--  lowmem: text\n', 'who: the image')
    check.like(who['directory'], rf': used: process tables; .*\n  it is the directory of nap\[{nap}\]\n', 'who: a directory')
    check.like(who['text'], ': used: file pages of /nap, bytes from 0x0 on; reference count', 'who: a page of a file')
    check.equal(within, who['text'], 'who: any address in the frame will do')
    for what, frame in frames.items():
        check.like(who[what], rf'\Aframe {frame:#010x}: ', f'who: the frame by its physical address ({what})')
    check.like(same, r'^kernel half: A and B are the same\nuser half: A maps \d+ pages?, B maps \d+ pages?$',
               'pgdiff: the kernel half is the same')
    check.like(same, r'^the kernel half of all \d+ directories is as at the end of the boot$', 'pgdiff: in all directories')
    check.like(kernel_thread, r'^A: the master directory \(init\[1\] is a kernel thread\)', 'pgdiff: a kernel thread has the master')
    pasted = re.search(r', kernel stack of idle\[0\]\n  frames +\d+ in \d+ runs?: (\w+)', areas)
    assert pasted, areas
    check.equal(scene.ask(check, f'attic who {pasted[1]}'), [who['stack']], 'who: takes a frame as areas prints it')


def test_fork(boot, check):
    """Pages that parent and child share."""
    machine = boot('gdb-processes-fork', build=DEBUG, gdb=True, stopped=True, mem='16M', input='run fork_test\n')
    said = session(check, machine, 'hbreak mm_fork', 'continue', 'finish', 'print/x ((struct mm *)$eax)->pgd_phys', 'attic ps',
                   'disconnect')
    child, parent = int(re.search(r'(0x\w+)$', said[3], re.M)[1], 16), machine.register('CR3') & FRAME
    state = State(machine.physical(0, RAM))
    in_parent = {page.physical for page in state.tables.pages(parent, *USER_HALF)}
    shared = [page for page in state.tables.pages(child, *USER_HALF) if page.physical in in_parent]
    check.true(len(shared) >= 3, 'fork: pages are shared', shared)
    *who, area, _ = session(check, machine, *(f'attic who {page.physical:#x}' for page in shared), 'attic map', 'detach')
    spaces = [(kernel().physical('swapper_pg_dir'), KERNEL_HALF), (parent, USER_HALF), (child, USER_HALF)]
    for page, answer in zip(shared, who):
        check_who(check, f'shared by fork, 0x{page.start:08x}', answer, state, page.physical, spaces)
    check_map(check, 'after fork', area, state, parent)


# ---- entries that are changed by hand ----

def test_changed_directory_entries(scene, check):
    """They are found, in any process."""
    forever, nap = scene.pid('forever'), scene.pid('nap')
    victim = f'((pde_t *){PAGE_OFFSET + scene.tasks["nap"].directory:#x})[900].val'
    changed = scene.ask(
        check, f'set var {victim} = 0x3', f'attic pgdiff {forever} {nap}', f'attic pgdiff {nap} master', 'attic pgdiff',
        f'set var {victim} = 0', 'set var swapper_pg_dir[801].val = 0x1067', f'attic pgdiff {forever} {nap}',
        f'attic pgdiff {forever} master', 'set var swapper_pg_dir[801].val = 0')
    directories = (scene.master, *(task.directory for task in scene.processes.values()))
    everywhere = [f'set var ((pde_t *){PAGE_OFFSET + directory:#x})[799].val ^= 2' for directory in directories]
    *_, all_changed = scene.ask(check, *everywhere, f'attic pgdiff {forever} {nap}')
    *_, well_again = scene.ask(check, *everywhere, 'attic pgdiff')
    of_nap, to_master, of_all = changed[1:4]
    differ = r'^kernel half: A and B differ\n  PDE 900  0xe1000000\.\.0xe13fffff  '
    check.like(of_nap, differ + r'A 0x00000000 \(none\)  B 0x00000003 \(P RW\)$', 'pgdiff: a PDE of a process was changed')
    check.like(to_master, differ + r'A 0x00000003 \(P RW\)  B 0x00000000 \(none\)$', 'pgdiff: against the master, too')
    for said in of_nap, to_master, of_all:
        check.like(said, r'^PDE 900  0xe1000000\.\.0xe13fffff  was 0x00000000 at the end of boot, '
                   rf'is 0x00000003 in the directory of nap\[{nap}\]$', 'pgdiff: and it says whose')
    check.like(changed[6], r'^kernel half: A and B are the same\n(?:.*\n)*'
               r'PDE 801 .* was 0x00000000 at the end of boot, is 0x00001067 in the master directory$',
               'pgdiff: a PDE of the master was changed, which neither of the two has')
    check.like(changed[7], r'^  PDE 801  0xc8400000\.\.0xc87fffff  A 0x00000000 \(none\)  B 0x00001067 \(P RW US A D\)$',
               'pgdiff: which differs from the master')
    check.like(all_changed, r'^PDE 799 .* is 0x00000002 in (?:all \d+ directories|the .*)$', 'pgdiff: changed in all directories alike')
    check.like(well_again, r'^the kernel half of all \d+ directories is as at the end of the boot$', 'pgdiff: and all is well again')


def test_entries_as_the_kernel_never_has_them(scene, check, tmp_path):
    """The rights of both levels count. QEMU walks these entries in nap's directory."""
    nap, directory = scene.pid('nap'), scene.tasks['nap'].directory
    pdes = f'((pde_t *){PAGE_OFFSET + directory:#x})'
    changes = [f'set var {change}' for change in
               (f'{pdes}[767].val ^= 2', f'{pdes}[769].val ^= 0x1004', 'lowmem_tables[0][256].val ^= 4')]
    odd = {'RW=0 in the PDE': 0xBFFFDABC, 'a large page with more bits': 0xC0412345, 'US=0 in the PDE alone': 0xC0100000}
    dump = Dump(tmp_path / 'dump', 16, *odd.values())
    said = scene.ask(check, *changes, 'set $kept = $cr3', *(f'attic walk {address:#x} {nap}' for address in odd.values()),
                     f'attic map {nap}', f'attic pgd {nap}', f'set var $cr3 = {directory:#x}', *dump.commands, 'set var $cr3 = $kept',
                     *changes)
    *walks, area, pgd = said[4:9]
    state = dump.take(iter(said[10:]), check, 'odd entries')
    check.equal(state.directory, directory, 'odd entries: QEMU has the directory')
    for (name, address), answer in zip(odd.items(), walks):
        check_walk(check, name, answer, state, directory, address)
    check_map(check, 'odd entries', area, state, directory)
    check_pgd(check, 'odd entries', pgd, state, directory)
    check.like(unfolded(walks[0]), r'writes are forbidden by RW=0 in the PDE \(CR0.WP is on\).*\n.*writes are forbidden by RW=0 in the PDE$',
               'walk names the level')
    check.like(walks[2], 'US=0 in the PDE$', 'and there')


# ---- printers, help, completion, complaints ----

def test_printers(scene, check):
    state, frame = scene.state, scene.frames['text']
    mapped = sum(1 for _ in state.tables.pages(state.directory, *USER_HALF))
    areas = 6 if state.directory == scene.tasks['spin'].directory else 5
    # The third entry of the vmalloc area: that of the guard behind the first area, which holds the area's address.
    guard = PAGE_OFFSET + (state.tables.word(scene.master + 991 * 4) & FRAME) + 8
    prints = {
        'swapper_pg_dir[768]': r'= 0x\w{8}: page table 0x\w{8}, P RW A$',
        'swapper_pg_dir[769]': '= 0x004001e3: 4 MiB page 0x00400000, P RW A D PS G$',
        'lowmem_tables[0][256]': '= 0x00100163: frame 0x00100000, P RW A D G$',
        'swapper_pg_dir[0]': '= 0x00000000: not present$',
        "'mm/kva/lowmem.c'::rows[1]": 'prot = P A D G$',
        f'mem_map[{frame >> 12}]': rf'= frame {frame:#010x}: file pages, block of order 0, reference count',
        'mem_map[17]': r'= frame 0x00011000: buddy, (?:behind 0x000\w{5} in a )?block of order \d+, reference count 0$',
        '*boot_cpu.idle': r'= idle\[0\], TASK_RUNNING = \{\n  pid = 0,\n(?:.*\n)*  comm = "idle",$',
        '*boot_cpu.current->mm': rf'= directory at physical {state.directory:#010x}, {areas} areas, {mapped} pages = \{{\n  pgd = ',
        '*(struct vm_area *)boot_cpu.current->mm->areas.rb_node': r'= 0x\w{8}\.\.0x\w{8}: VM_READ[ \w]*, (?:/\w+|anonymous|\[\w+\])$',
        f'**(struct vmap_area **){guard:#x}':
            r'= 0xf7c00000\.\.0xf7c02fff: 2 pages and a guard, VM_ALLOC by double_fault_report_init\+0x',
        '/r mem_map[1]': '^  refcount = 0,$',
        '*((struct mm *)0)': r'^Cannot access memory|\(Cannot access memory',
    }
    for (what, pattern), said in zip(prints.items(), scene.ask(check, *(f'print {what}' for what in prints))):
        check.like(said, pattern, f'print {what}')


# One sentence each: the text itself, or the beginning of it as a pattern.
COMPLAINTS = {
    'attic walk': 'usage: attic walk VA [PID]',
    'attic walk banana': 'attic walk: `banana` is not an address: No symbol "banana" in current context',
    'attic walk 1 +': re.compile(r'attic walk: `1 \+` is not an address: '),
    'attic walk 1.5': 'attic walk: `1.5` is not an address, but of the type double',
    'attic walk "banana"': 'attic walk: `"banana"` is not an address, but of the type char [7]',
    'attic walk 0x123456789': re.compile('attic walk: .* 32 bits$'),
    'attic walk 0 77': 'attic walk: there is no process 77: `attic ps` lists them',
    'attic walk 0 banana': 'attic walk: `banana` is neither a pid nor one of master, boot, loaded',
    'attic walk 0 boot': re.compile('attic walk: the boot directory is gone'),
    'attic map 1 2': 'usage: attic map [PID]',
    'attic map x': re.compile('attic map: `x` is neither a pid'),
    'attic pgd -1': re.compile('attic pgd: `-1` is neither a pid'),
    'attic pgdiff 1': re.compile('attic pgdiff: two directories are needed'),
    'attic pgdiff 1 2 3': 'usage: attic pgdiff [PID PID]',
    'attic areas 1': 'usage: attic areas',
    'attic frames 1': 'usage: attic frames',
    'attic who': 'usage: attic who FRAME',
    'attic who 32529': 'attic who: a frame is named by its physical address, in hexadecimal: 0x07f11000, and `32529` is decimal',
    'attic who 0xc0100000': 'attic who: it takes a physical address, and 0xc0100000 has no RAM; '
                            'as a virtual address it shows frame 0x00100000',
    'attic who banana': re.compile('attic who: `banana` is not an address'),
    'attic ps 1': 'usage: attic ps',
    'attic bt': 'usage: attic bt PID',
    'attic bt init': 'attic bt: `init` is not a pid',
    'attic bt master': 'attic bt: `master` is not a pid',
    'attic bt \u00b2': 'attic bt: `\u00b2` is not a pid',
    'attic who \u00b2': re.compile('attic who: `.*` is not an address: '),
    'attic bt 77': 'attic bt: there is no process 77: `attic ps` lists them',
    'attic paging 1': 'usage: attic paging',
    'attic type': 'usage: attic type LINE',
    'attic type ps': 'attic type: there is no console here: it is where QEMU was started',
    'attic banana': 'attic: there is no command `banana`: `help attic` lists them',
}


def test_complaints(scene, check):
    for (command, wanted), said in zip(COMPLAINTS.items(), scene.ask(check, *COMPLAINTS)):
        check.equal(wide(said), [], f'{command}: 80 columns')
        said = unfolded(said)
        if isinstance(wanted, str):
            check.equal(said, f'{wanted}\n', command)
        else:
            check.true(wanted.match(said), command, said)
        check.equal(said.count('\n'), 1, f'{command}: one sentence', said)


def test_help(scene, check):
    commands = re.findall(r'^attic (\w+)$', scene.ask(check, 'complete attic ')[0], re.M)
    for command in ('areas', 'bt', 'frames', 'map', 'paging', 'pgd', 'pgdiff', 'ps', 'type', 'walk', 'who'):
        check.true(command in commands, f'there is attic {command}', commands)
    help, alone, *own = scene.ask(check, 'help attic', 'attic', *(f'help attic {command}' for command in commands))
    for command, said in zip(commands, own):
        check.like(said, rf'\A[A-Z][^\n]+\.\nusage: attic {command}\b[^\n]*\n', f'help attic {command}')
        check.equal([line for line in said.splitlines() if len(line) > 80], [], f'help attic {command}: 80 columns')
        check.like(help, f'^attic {command} -- ', f'help attic has {command}')
        check.like(alone, rf'^attic {command}\b', f'attic alone has {command}')
    check.equal([line for line in (help + alone).splitlines() if len(line) > 80], [], 'the lists: 80 columns')


def test_completion(scene, check):
    pids = sorted(task.pid for task in scene.tasks.values())
    completions = {
        'attic walk 0 ': ([*pids, 'boot', 'loaded', 'master'], 'completion of PID'),
        'attic walk kernel_mai': (['kernel_main'], 'completion of VA'),
        'attic bt ': (pids, 'completion of pids'),
        'attic map m': (['master'], 'completion of master'),
    }
    for (typed, (wanted, name)), said in zip(completions.items(), scene.ask(check, *(f'complete {typed}' for typed in completions))):
        check.equal(said, ''.join(f'{typed.rpartition(" ")[0]} {word}\n' for word in wanted), name)


def test_expressions(scene, check):
    function, blanks, label, structure, program, *_ = scene.ask(
        check, 'attic walk kernel_main', 'attic walk kernel_main + 4 master', 'attic walk boot_page_directory', 'attic walk *mem_map',
        'attic walk hello:main master', 'attic walk $cr3', 'set language asm', 'attic ps', 'attic walk 0xc0100000', 'attic bt 1')
    check.like(function, rf'^{kernel()["kernel_main"]:#010x} \(lowmem\) in the loaded', 'walk: a function')
    check.like(blanks, rf'^{kernel()["kernel_main"] + 4:#010x} \(lowmem\) in the master',
               'walk: an expression with blanks, and a directory')
    check.like(label, f'^{kernel()["boot_page_directory"]:#010x} ', 'walk: a label of assembly')
    check.like(structure, r'^0x\w{8} \(lowmem\) in ', 'walk: a structure')
    check.like(program, f"^{Symbols(DEBUG / 'user/hello')['main']:#010x} .* in the master", 'walk: PROGRAM:NAME')
