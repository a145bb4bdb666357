"""Every kind of failed run is reported correctly. (test_judge.py tests the judge with faked logs.)"""
import os
import re
from subprocess import PIPE

import pytest

from attic import ktap
from attic.build import ROOT, boot_image, build_dir, symbols
from attic.machine import PROMPT
from machines import unfolded, wide
from programs import run

PAGE = 4096
REGISTERS = ', CR0 0x8[0-9a-f]{7}, CR2 0x[0-9a-f]{8}, CR3 0x[0-9a-f]{5}000$'  # with paging

# What `crash HOW` reports, by point. `null` puts a mark into each register.
REPORTS = {
    'panic': {
        'file and line': r'^PANIC at \S+\.c:\d+', 'control registers': '^CR0: [0-9a-f]{8} CR2: ',
        'backtrace with names': r'^Call trace:\n(?:  \[<[0-9a-f]{8}>\] \w+\+0x[0-9a-f]+/0x[0-9a-f]+\n){3,}',
        'down to the thread that did it': r'\] monitor_main\+'},
    'assert': {'text and operands': r'^PANIC at .*\n?.*assertion failed: two \+ two == 5 \(0x0*4, 0x0*5\)'},
    'null': {
        'place, kind, address, cause': r'^PANIC at crash_null\+\S+: page fault: write to 0x00000000 in ring 0, no page is mapped there',
        'EIP and error code': '^EIP: 0060:[0-9a-f]{8} EFLAGS: [0-9a-f]{8} error: 00000002$',
        'registers': '^EAX: 00000000 EBX: 0b0b0b0b ECX: 0c0c0c0c EDX: 0d0d0d0d\nESI: 05050505 EDI: d1d1d1d1 ',
        'segments': '^DS: 0068 ES: 0068 SS: 0068$', 'the address': 'CR2: 00000000',
        'the place, and the bit that decides': '^Address 0x00000000: null; PDE 0: P=0$',
        'backtrace': r'^Call trace:\n  \[<\w+>\] crash_null\+.*\n  \[<\w+>\] monitor_crash\+'},
    'text': {
        'the bits that decide': r"^PANIC at crash_text\+\S+: page fault: write to 0x(c\w{7}) in ring 0, the page's rights forbid it .*\n"
                                r'Address 0x\1: lowmem, text; PTE \d+: RW=0, CR0\.WP=1$'},
    'guard': {
        'of which area, made by whom':
            r'^PANIC at crash_guard\+\S+: page fault: write to 0x(f\w{7}) in ring 0, no page is mapped there .*\n'
            r'Address 0x\1: vmalloc, guard of 0xf\w{7}\.\.0xf\w{7} by crash_guard\+\S+; PTE \d+: P=0$'},
    'phys': {
        'the address, the function, and the reason':
            r'^PANIC at mm/layout\.c:\d+ .*virt_to_phys\(0xf7c\w{5}\) by crash_phys\+\S+: only lowmem, 0xc0000000\.\.',
        'the caller': r'\] crash_phys\+'},
    'double-free': {
        'what, and of which cache': r'^PANIC at mm/frame/slab\.c:.* freed.*free already.*kmalloc-64', 'and who': r'\] crash_double_free\+'},
    'foreign-free': {
        'what': r'^PANIC at mm/frame/slab\.c:.* freed.*not the start of an object.*kmalloc-64', 'and who': r'\] crash_foreign_free\+'},
}


@pytest.fixture
def crash(boot):
    """Boot a machine, type `crash HOW`, and wait for its end."""
    def crashed(how, more=''):
        machine = boot(f'crash-{how}', timeout=60, input=f'crash {how}\n{more}')
        machine.finish()
        return machine
    return crashed


def check_stack_pointer(check, machine, name, below):
    """ESP is within the stack that the report names, or at most `below` bytes below it."""
    found = re.search(r'ESP: (\w{8})', machine.output)
    stack = re.search(r'kernel stack 0x(\w{8})-0x(\w{8})', machine.output)
    good = False
    if found and stack:
        esp, bottom, top = (int(text, 16) for text in (found[1], stack[1], stack[2]))
        good = bottom - below <= esp < top
    check.true(good, f'{name}: ESP', machine)


@pytest.mark.parametrize('how', REPORTS)
def test_report(how, crash, check):
    machine = crash(how)
    check.equal(machine.status, 'panic', f'crash {how}: status', machine)
    for name, pattern in REPORTS[how].items():
        check.like(unfolded(machine.output), pattern, f'crash {how}: {name}')
    check.equal(wide(machine.output), [], f'crash {how}: in 80 columns')
    if how == 'panic':
        check.unlike(re.split('^PANIC', machine.output, maxsplit=1, flags=re.M)[-1], PROMPT, 'crash panic: nothing runs afterwards')
    if how == 'null':
        check_stack_pointer(check, machine, 'crash null', 0)


def test_stack(boot, check):
    """A double fault, while a process runs: the directory in the report is that process's, not that of the double-fault task. The process
    has run when it has printed something."""
    machine = boot('crash-stack', timeout=60)
    machine.expect(PROMPT)
    machine.send('run forever &\n')
    machine.expect(r'^(?:attic> )?forever\[\d+\]: runs ')
    check.equal(machine.finish('crash stack'), 'panic', 'crash stack: status', machine)
    said = unfolded(machine.output)
    check.like(said, r'^PANIC at crash_recurse\+\S+: kernel stack overflow: task init \(pid 1\): .*guard page',
               'crash stack: place, kind, whose')
    check.like(said, '^EIP: 0060:[0-9a-f]{8} EFLAGS: .*\nEAX: [0-9a-f]{8} EBX: .*\nESI: .* EBP: f[0-9a-f]{7} ESP: f[0-9a-f]{7}$',
               'crash stack: registers')
    ebp, bottom, cr3 = (int(re.search(pattern, said)[1], 16) for pattern in (r'EBP: (\w{8})', r'kernel stack 0x(\w{8})-', r'CR3: (\w{8})'))
    check.true(ebp - bottom < 256, 'crash stack: the innermost frame is at the end of the stack', f'{ebp:#x}, {bottom:#x}')
    check_stack_pointer(check, machine, 'crash stack', PAGE)
    check.true(cr3 != symbols().physical('swapper_pg_dir'), 'crash stack: CR3 is that of the interrupted task', f'{cr3:#x}')
    check.like(said, r'^Call trace:\n(?:.*\n)*?.*\] crash_recurse\+', 'crash stack: backtrace')


def test_no_harm(crash, check):
    """These take a build with DEBUG=1 (test_debug.py); here they must do no harm, and print that."""
    machine = crash('overrun', 'crash use-after-free\naudit\npoweroff\n')
    check.equal(machine.status, 'pass', 'crash overrun, use-after-free: no harm in the default build', machine)
    noticed = re.findall(r'^crash \S+: nothing noticed it.*DEBUG=1', machine.output, re.M)
    check.equal(len(noticed), 2, 'and both say that nothing noticed')
    check.like(machine.output, 'all invariants hold', 'and the audit finds nothing')


# ---- a trap in start-up ----

WRITE_TO_NULL = r'\APANIC at 0xc\w{7}, before the kernel has an IDT:\n  trap 14, error 0x0002, CR2 0x00000000: null\.\n\Z'
CRASH_NULL = 'set $eip = crash_null'

# What happens; where gdb stops, and what it changes there; the report. NEXT is an instruction of the boot code.
EARLY = [
    ('an instruction that is none, without paging', 'NEXT', 'set {short} $pc = 0x0b0f',
     r'\APANIC at NEXT, before the kernel has an IDT:\n  trap 06, error 0x0000\.\n\Z'),
    ('an interrupt without paging', 'NEXT', 'set {short} $pc = 0x50cd', r'^PANIC at NEXT, .*:\n  trap 13, error 0x0282\.$'),
    ('a jump to nowhere with the identity mapping', '&boot_paging_on', 'set $eip = 0x80001000',
     r'\APANIC at 0x80001000, .*:\n  trap 14, error 0x0000, CR2 0x80001000: user\.\n\Z'),
    ('a jump to null without it', '&boot_identity_gone', 'set $eip = 0x20', r'\APANIC at 0x00000020, .*:\n.* CR2 0x00000020: null\.\n\Z'),
    ('a jump too high', '&boot_identity_gone', 'set $eip = 0xfffffff0', r'^PANIC at 0xfffffff0, .*:\n.* CR2 0xfffffff0: above lowmem\.$'),
    ('a write to null before there is a console', '&serial_init', CRASH_NULL, WRITE_TO_NULL),
    ('a write to null between the tables', '&idt_init', CRASH_NULL, WRITE_TO_NULL),
    ('a write to null before GRUB is asked', '&boot_info_init', CRASH_NULL,
     r'^PANIC at 0xc\w{7}: page fault: write to 0x00000000 in ring 0, .* \(before exceptions are handled\)\n'
     'Address 0x00000000: null; PDE 0: P=0$'),
    ('a write to null before there are frames', '&page_alloc_init', CRASH_NULL,
     r'^PANIC at crash_null\+\S+: page fault: write to .*\(before exceptions are handled\)\nAddress 0x00000000: null; PDE 0: P=0\n'),
    ('a jump too high before there are handlers', '&fault_init', 'set $eip = 0xfffffff0',
     r'^PANIC at 0xfffffff0: page fault: .*\nAddress 0xfffffff0: last page.*; PTE 1023: P=0$'),
]


@pytest.mark.parametrize('what, where, change, report', EARLY, ids=[re.sub(r'\W+', '-', case[0]) for case in EARLY])
def test_early(what, where, change, report, boot, check):
    """A fault before the kernel can handle it: gdb stops there, and continues with another instruction or at another address. Until the
    kernel has loaded its IDT, the boot code prints two lines; after that it is a normal panic."""
    first = f'0x{symbols()["_start.next_feature"]:08x}'
    machine = boot('crash-early', timeout=60, gdb=True, stopped=True)
    said = machine.gdb(build_dir() / 'attic.debug', f'hbreak *{where.replace("NEXT", first)}', 'continue', 'delete', change, 'detach')
    why = f'{said}\n{machine}'
    check.equal(machine.finish(), 'panic', f'{what}: status', why)
    check.like(unfolded(machine.output), report.replace('NEXT', first), f'{what}: what is said', why)


# ---- a machine that ends without a word ----

# The report is made outside: from QEMU's registers, and the kernel's own map in its memory.

def test_triple(crash, check):
    machine = crash('triple')
    check.equal(machine.status, 'triple-fault', 'crash triple: status', machine)
    said = '\n'.join(machine.watch.lines)
    check.like(said, rf'\AEIP 0xc0[0-9a-f]{{6}} triple_fault\+0x[0-9a-f]+{REGISTERS}', 'crash triple: where, and the registers')
    check.like(said, r'^paging is on; EIP: lowmem; PTE \d+: P=1$', 'crash triple: what EIP is')
    check.like(said, r'^the last page fault.* CR2: null; PDE 0: P=0$', 'crash triple: what CR2 is')
    check.like(said, '^the IDT is empty', 'crash triple: why nobody handled it')
    check.true(said in str(machine), 'crash triple: and the report has it', machine)


def until_idle(run_machine):
    """A waiting machine is sometimes stopped in the middle of a timer interrupt: such a run is useless and repeated."""
    for _ in range(3):
        ended = run_machine()
        if 'idle_main+' in str(ended):
            break
    return ended


def test_silence(boot, check):
    """A prompt without input is as silent as a kernel that hangs."""
    def silent():
        machine = boot('crash-silence', silence=3)
        machine.finish()
        return machine
    machine = until_idle(silent)
    check.equal(machine.status, 'timeout', 'silence: status', machine)
    said = str(machine)
    check.like(said, 'silent for 3 s', 'silence: ended by the silence limit')
    check.like(said, rf'^EIP 0xc0[0-9a-f]{{6}} idle_main\+0x[0-9a-f]+{REGISTERS}', 'silence: where it was')
    check.like(said, '^the processor has halted until the next interrupt$', 'silence: it waits')


def test_noise(boot, check):
    """The limit of the whole run."""
    machine = boot('crash-endless', timeout=4)
    machine.saw(PROMPT)
    while not machine.ended:
        machine.send('ps\n')
        machine.pump(0.1)
    check.equal(machine.status, 'timeout', 'noise without end: status', machine)
    check.like(str(machine), 'longer than 4 s', 'noise without end: ended by the limit of the whole run')


def test_flood(boot, check):
    """The limit of what is printed."""
    machine = boot('crash-flood', input='test -l\n' * 400, timeout=300)
    check.equal(machine.finish(), 'timeout', 'a flood: status', machine)
    check.like(str(machine), 'more than 4 MiB of output', 'a flood: ended by the limit of what a machine prints')


def piped(text, seconds, *options, **environment):
    """What `make run` prints on standard error, and its exit status."""
    return run(ROOT / 'scripts/qemu', '--timeout', seconds, *options, boot_image(), input=text, env=os.environ | environment, stderr=PIPE,
               timeout=200)[1:]


def test_make_run(check):
    said, status = piped('crash triple\n', '60')
    check.like(said, rf'\Aqemu: triple fault.*\nqemu: EIP 0xc0\w+ triple_fault\+0x\w+{REGISTERS}\n(?:qemu: .+\n){{3}}\Z',
               'make run: a triple fault')
    check.equal(status, 4, 'make run: a triple fault: exit status')
    said, status = until_idle(lambda: piped('', '6', '--keep'))
    check.like(said, rf'\Aqemu: time-out.*\nqemu: EIP 0xc0\w+ idle_main\+0x\w+{REGISTERS}\n(?:qemu: .+\n){{3}}\Z', 'make run: a time-out')
    check.equal(status, 5, 'make run: a time-out: exit status')
    said, _ = piped('poweroff\n', '60')
    check.equal(said, '', 'make run: nothing about a machine that ended well')
    # The machine starts without the card that needs an APIC, and Attic itself reports what is missing.
    said, _ = piped('', '60', CPU='486')
    check.like(said, r'\Aqemu: the processor 486 has no APIC, which the edu card needs: .*without the card\n'
               r'qemu: Attic refused to run.*\n\Z', 'CPU=486: refused by Attic, not by QEMU')


def test_broken_ktest(boot, check):
    machine = boot('crash-in-tests', input='test list.*\ncrash panic\n')
    problems = '; '.join(ktap.judge(machine.output, machine.finish()).problems)
    check.like(problems, 'ended in panic', 'a panic after good results is a broken run', machine)
    machine = boot('crash-no-such-test', cmdline='ktest=no.such.test')
    check.equal(machine.finish(), 'fail', 'ktest= that matches nothing fails', machine)


def test_panic_in_a_panic(boot, check):
    """A fault while the sentence of a panic is formatted: what is there of it is printed."""
    machine = boot('crash-twice', stopped=True, gdb=True, input='crash panic\n')
    said = machine.gdb(build_dir() / 'attic.debug', 'hbreak vscnprintf if panic_depth == 1', 'continue', 'continue', 'delete', CRASH_NULL,
                       'detach')
    check.equal(machine.finish(), 'panic', 'a panic in a panic: status', said)
    check.like(machine.output, r'^PANIC at kernel/monitor/monitor_crash\.c:\d+ \(crash_panic\): *\n\nPANIC inside of a panic: ',
               'a panic in a panic: the place of the first one, and that there was a second one')


def test_nmi(boot, check):
    """An NMI is not the fault of the interrupted instruction, even if that one may fault: gdb stops at the instruction of a copy from user
    memory, and QEMU's monitor sends an NMI."""
    build = build_dir() / 'debug'
    machine = boot('crash-nmi', build=build, stopped=True, gdb=True, input='run hello\n')
    said = machine.gdb(
        build / 'attic.debug', 'thbreak kernel_main', 'continue',
        'python copy = gdb.execute("x/60i copy_from_user", to_string=True)',
        'python gdb.execute("hbreak *" + next(line for line in copy.splitlines() if "rep movs" in line).split()[0])',
        'continue', 'delete', 'monitor nmi', 'detach')
    check.like(said, '^Breakpoint 2, .*copy_from_user', 'crash nmi: stopped in the copy')
    check.equal(machine.finish(), 'panic', 'crash nmi: status', machine)
    check.like(unfolded(machine.output), r'^PANIC at copy_from_user\+\S+: non-maskable interrupt', 'crash nmi: kind and place')
