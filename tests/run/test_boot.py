"""Every supported size of memory boots to the prompt, uses the memory that it was given, and powers off. So does a machine whose loader
leaves other values in the registers than GRUB on a PC: multiboot2 promises only PE and PG of CR0."""
import re

import pytest

from attic.build import build_dir, image_with_grub_cfg, made, make_initramfs
from attic.machine import PROMPT
from machines import run

HOLDS = re.compile(r'^attic> audit\naudit: .*\naudit: all invariants hold$', re.M)

# The options that change the map.
BENDING = ('mem=16M', 'lowmem=32M', 'lowmem=33333333', 'vmalloc=512M', 'vmalloc=8M', 'mem=3M', 'lowmem=x', 'vmalloc=99999999999G', 'init=',
           'nonsense ==', 'x' * 400)

# CR0.CD, NW, AM, NE, TS, EM and MP, and CR4.VME to OSXMMEXCPT without PSE: bits that firmware may have set, each separately and all
# together; EFLAGS.IF is off, as multiboot2 promises; EFER.LME is set by 64-bit firmware, and PAE would be wrong without it.
LEFT = {
    'CR0.WP': ['$cr0 = 0x10011'], 'CR0': ['$cr0 = 0x6005003f'], 'CR4.PAE': ['$cr4 = 0x20'], 'CR4': ['$cr4 = 0x66f'],
    'EFER.LME': ['$efer = 0x100'], 'flags': ['$eflags = 0x44402'],
    'all': ['$cr0 = 0x6005003f', '$cr4 = 0x66f', '$efer = 0x100', '$eflags = 0x44402'],
}

# Ranges that are removed from the memory map, and how the map of the kernel shows it: the boot code's pages, the tables of pages at both
# ends of lowmem, a hole with parts of pages, the initramfs, and RAM at the very start.
CUT = {
    '0x100000 0x200000': 'rw memory$',
    '0x100000 0x101000': 'rw memory$',
    '0x2000000 0x2345678': r'\.\.0xc1ffffff -> \w+ rw memory\n.*0xc2346000\.\..* rw memory$',
    '0x200000 0x2000000': 'rw memory$',
    '0x7f00000 0x8000000': r'\.\.0xc7efffff -> ',
    '0 0x80000': 'rw memory$',
}


@pytest.mark.parametrize('mem', '8M 16M 64M 128M 512M 1G 2G 3584M 4G'.split())
def test_memory(mem, boot, check):
    machine = boot(f'boot-{mem}', mem=mem, input='audit\npoweroff\n')
    check.true(machine.saw(PROMPT, 60), f'{mem}: the prompt', machine)
    check.equal(machine.finish(), 'pass', f'{mem}: powers off', machine)
    check.like(machine.output, HOLDS, f'{mem}: the audit finds nothing', machine)


@pytest.mark.parametrize('cmdline', BENDING, ids=lambda cmdline: cmdline[:40])
def test_option(cmdline, check):
    """Each boots, and none of them breaks an invariant."""
    label = cmdline if len(cmdline) <= 40 else f'{cmdline[:10]}...'
    machine = run(f'boot-{label}', cmdline=cmdline, input='audit\npoweroff\n')
    check.equal(machine.status, 'pass', f'{label}: boots and powers off', machine)
    check.like(machine.output, HOLDS, f'{label}: the audit finds nothing', machine)


def test_said_of_options(check):
    machine = run('boot-init', cmdline='init=', input='poweroff\n')
    check.like(machine.output, '^init= names no program', 'init=: a line', machine)
    check.unlike(machine.output, '^:', 'init=: no line about a program without a name')
    machine = run('boot-lowmem-8M', mem='8M', cmdline='lowmem=8M', input='poweroff\n')
    check.like(machine.output, '^lowmem=8M: this machine has too little RAM', '8M has nothing to leave out', machine)


def number(pattern, machine):
    found = re.search(pattern, machine.output, re.M)
    assert found, f'no {pattern}\n{machine}'
    return int(found[1])


def test_least_lowmem(check):
    """The minimum that an error line names is accepted as a value."""
    def boots(label, size):
        machine = run(f'boot-lowmem-{label}', mem='4G', cmdline=f'lowmem={size}', input='meminfo\nframes\npoweroff\n')
        check.equal(machine.status, 'pass', f'4G, lowmem={label}: boots and powers off', machine)
        return machine
    least = number(r'^lowmem=1K is not between (\d+) and', boots('1K', '1K'))
    machine = boots('least', f'{least}K')
    check.unlike(machine.output, 'is not between', f'lowmem={least}K: taken', machine)
    total = number(r'^MemTotal: +(\d+) kB$', machine)
    check.equal(total, 4 * number(r'^ *sum\D+(\d+)', machine), 'and meminfo still counts all of RAM')


@pytest.mark.parametrize('mem', ['2G', '4G'])
def test_too_little_lowmem(mem, check):
    """On a machine with much RAM, 8 MiB do not hold the struct pages: lowmem then gets the minimum size."""
    machine = run(f'boot-{mem}-lowmem', mem=mem, cmdline='lowmem=8M', input='audit\nmeminfo\npoweroff\n')
    used = number(r'^lowmem=8M is too small .* of RAM: using (\d+) KiB\.$', machine)
    check.true(used < 32 << 10, f'{mem}, lowmem=8M: says what is used instead', f'{used} KiB')
    low = number(r'^LowTotal: +(\d+) kB$', machine)
    check.true(low <= used, f'{mem}, lowmem=8M: and uses it', f'{low} kB of {used}')
    check.like(machine.output, HOLDS, f'{mem}, lowmem=8M: the audit finds nothing')


@pytest.mark.parametrize('what', LEFT)
def test_left_behind(what, boot, check):
    """gdb plays the loader at the first instruction."""
    machine = boot(f'boot-left-{what}', cpu='max', stopped=True, gdb=True, timeout=60)
    sets = [f'set {change}' for change in LEFT[what]]
    said = machine.gdb(build_dir() / 'attic.debug', 'thbreak *_start', 'continue', *sets, 'info registers cr0 cr4 efer', 'detach')
    check.like(said, '^cr4 ', f'{what} left behind: gdb has done it')
    check.true(machine.saw(PROMPT), f'{what} left behind: the prompt', machine)
    check.equal(machine.finish('audit\npoweroff'), 'pass', f'{what} left behind: powers off', machine)
    check.like(machine.output, HOLDS, f'{what} left behind: the audit finds nothing', machine)


# ---- a loader that does something else with memory, modules and options: GRUB, told so ----

def grub_does(label, pattern='', instead='', *, initramfs=None, cmdline='', input='audit\n', mem='128M'):
    """Run a machine with the first match of the pattern in grub.cfg replaced."""
    iso = made(build_dir() / 'test-images') / ('boot-' + re.sub(r'\W+', '-', label) + '.iso')
    image_with_grub_cfg(iso, pattern, instead, initramfs=initramfs, cmdline=cmdline)
    return run(f'boot-{label}', iso=iso, input=f'{input}poweroff\n', mem=mem)


def cut(label, *ranges, **options):
    """cutmem takes RAM out of the memory map."""
    return grub_does(label, r'^set timeout.*\n', r'\g<0>' + ''.join(f'cutmem {words}\n' for words in ranges), **options)


@pytest.mark.parametrize('words', CUT)
def test_cutmem(words, check):
    label = f'cutmem {words}'
    machine = cut(label, words, input='run hello\naudit\n')
    check.equal(machine.status, 'pass', f'{label}: boots and powers off', machine)
    check.like(machine.output, CUT[words], f'{label}: the map')
    check.like(machine.output, HOLDS, f'{label}: the audit finds nothing', machine)
    check.like(machine.output, r'^hello\[2\]: exit status 0', f'{label}: a program runs', machine)


def test_holes(check):
    machine = cut('cutmem and the self-tests', '0x100000 0x200000', '0x2000000 0x2345678', cmdline='ktest=lowmem.*')
    check.equal(machine.status, 'pass', 'RAM with holes: lowmem is mapped where there is RAM, and nowhere else', machine)


def test_two_modules(check):
    machine = grub_does('two modules', r'^( *)if (module2 .*); then\n', r'\g<0>\1    \2\n')
    check.like(machine.output, r'^There are 2 modules: the first is the initramfs, the others are ignored\.$', 'two modules: a line',
               machine)


def test_long_module(check):
    """A module that leaves no space for tables between the image and 4 MiB."""
    long, _ = make_initramfs('boot-long', files={'long': 'x' * (6 << 20)})
    machine = grub_does('long module', initramfs=long, mem='64M', cmdline='ktest=lowmem.*')
    check.equal(machine.status, 'pass', 'no room beside the image: the tables of lowmem are sealed elsewhere', machine)


def test_no_initramfs(check):
    large, _ = make_initramfs('boot-large', files={'large': 'x' * (16 << 20)})
    for label, machine in (('no initramfs to load', grub_does('no module', r'if module2 \S+', 'if module2 /boot/none.cpio')),
                           ('an initramfs larger than RAM', grub_does('large module', initramfs=large, mem='16M'))):
        check.equal(machine.status, 'refuse', f'{label}: refused', machine)
        check.like(machine.output, r'^Attic cannot start: .*initramfs.*\n\Z', f'{label}: the last line', machine)
