"""A machine or loader that cannot run Attic gets one clear line on the serial port and on the screen, and a separate status. And the image
uses only instructions of features that the processor is checked for."""
import os
import re
import subprocess
from collections import Counter

import pytest

from attic.build import ROOT, build_dir, source_files
from attic.machine import PROMPT
from machines import read_port, shows

# By label: the line, and the machine. Every feature that the compiler may use by itself, or that the kernel uses, is checked before its
# first use. If only the second serial port exists, it is the console.
REFUSED = {
    **{f'no-{name}': (name.upper(), {'cpu': f'qemu32,-{name}'}) for name in ('cmov', 'cx8', 'msr', 'tsc', 'pse', 'pge')},
    'com2': ('CMOV', {'cpu': 'qemu32,-cmov', 'serial': 'none', 'extra': ['-serial', 'stdio']}),
    '7M': ('8 MiB', {'mem': '7M'}),
    'long-cmdline': ('command line is too long', {'cmdline': 'x' * 2000}),
}
NOT_ALONE = ('7M', 'long-cmdline')  # the kernel has printed something before


def refusals(machine):
    return [line for line in machine.output.splitlines() if 'Attic cannot' in line]


@pytest.mark.parametrize('label', REFUSED)
def test_refused(label, boot, check):
    """The kernel ends QEMU through isa-debug-exit, and the screen is lost. Without that device the kernel halts, and the screen can be read
    from outside; so each machine is started twice."""
    why, options = REFUSED[label]
    pattern = f'Attic cannot .*{why}'
    machine = boot(f'refuse-{label}', timeout=30, **options)
    check.equal(machine.finish(), 'refuse', f'{label}: status', machine)
    lines = refusals(machine)
    check.equal(len(lines), 1, f'{label}: one line on the serial port', machine)
    check.like('\n'.join(lines), pattern, f'{label}: it says why')
    check.unlike(machine.output, PROMPT, f'{label}: no prompt')

    halted = boot(f'refuse-{label}-screen', timeout=30, exit_device=False, **options)
    halted.saw(pattern, 20)
    shows(check, halted, pattern, f'{label}: the same on the screen')
    if label not in NOT_ALONE:
        check.equal(halted.screen.text().replace('\n', ''), '\n'.join(lines), f'{label}: and nothing else there')


def test_no_serial_port(boot, check):
    machine = boot('refuse-screen', timeout=60, silence=60, exit_device=False, cpu='qemu32,-cmov', serial='none')
    shows(check, machine, r'\AAttic cannot .*CMOV', 'no serial port: the line is on the screen')


# A port with 5 bits and another speed, and a screen that does not begin at the start of its memory. GRUB's screen is read before.
LEAVE = ('monitor xp /4000bx 0xb8000', 'monitor o /b 0x3fb 0x80', 'monitor o /b 0x3f8 0x0c', 'monitor o /b 0x3fb 0',
         'monitor o /w 0x3d4 0x500c')


def test_what_firmware_left(boot, check):
    """The first line needs a port that is set up, and a screen that is shown from its start. GRUB has printed nothing before."""
    machine = boot('refuse-left', timeout=60, stopped=True, gdb=True, exit_device=False, cpu='qemu32,-cmov')
    said = machine.gdb(build_dir() / 'attic.debug', 'thbreak *_start', 'continue', *LEAVE, 'detach')
    screen = bytes(int(byte, 16) for byte in re.findall(r'\b0x([0-9a-f]{2})\b', said))
    check.equal(len(screen), 4000, "GRUB's screen can be read", said)
    check.unlike(screen[::2].decode('latin-1'), 'error|not found', 'GRUB complains of nothing')
    check.true(machine.saw('^Attic cannot .*CMOV', 20), 'a port that was not set up: the line', machine)
    check.true(machine.wait_until(lambda: read_port(machine, 0x3fd) & 0x40), 'all is sent')
    check.equal(read_port(machine, 0x3fb), 3, 'the port has 8 bits, no parity')
    machine.monitor('o /b 0x3fb 0x83')
    check.equal(read_port(machine, 0x3f8), 1, 'and 115200 baud')
    machine.monitor('o /b 0x3d4 0x0c')
    check.equal(read_port(machine, 0x3d5), 0, 'the screen is shown from its start')


@pytest.mark.parametrize('exit_device', [True, False])
def test_loader(exit_device, boot, check):
    """No available boot loader gets this far without multiboot2, so gdb acts as one: it changes the magic number in EAX at the first
    instruction to that of multiboot version 1."""
    machine = boot(f'refuse-loader-{exit_device:d}', timeout=60, stopped=True, gdb=True, exit_device=exit_device)
    said = machine.gdb(build_dir() / 'attic.debug', 'thbreak *_start', 'continue', 'set $eax = 0x2badb002', 'detach')
    if exit_device:
        check.equal(machine.finish(), 'refuse', 'loader: status', f'{said}\n{machine}')
        lines = refusals(machine)
        check.equal(len(lines), 1, 'loader: one line on the serial port')
        check.like('\n'.join(lines), 'multiboot2', 'loader: it says why')
    else:
        machine.saw(r'multiboot2.*\n', 20)
        shows(check, machine, r'Attic cannot .*\n?.*multiboot2', 'loader: the same on the screen')


# ---- the instructions of the image ----

# Instructions of every processor with CPUID, as objdump names them; b, w and l after a name are sizes. The multi-byte no-ops, nopw and
# nopl, are not included, because not every processor with CMOV has them. What objdump calls tzcnt is bsf with a prefix that older
# processors ignore; clang 19 uses it where both give the same result.
I486 = """aa[adms] adc add and arpl bound bs[fr] bswap bt[crs]? l?call cbtw clc cld cli clts cltd cmc cmp cmps cmpxchg cpuid cs
    cwtd cwtl da[as] data16 dec div ds enter es fs gs hlt i?div i?mul in inc ins int3? into invlpg iret j[a-z]+ l?jmp la[hr]f? l[defgs]s lea
    leave lgdt lidt lldt lmsw lock lod[s] loop[a-z]* lret lsl ltr mov mov[sz][bw][wl] movs neg nop not or out outs pop popa popf push pusha
    pushf rcl rcr repn?z? ret rol ror sahf sar sbb scas set[a-z]+ sgdt shl shld shr shrd sidt sldt smsw ss stc std sti stos str sub test
    tzcnt ud2 ver[rw] wbinvd xadd xchg xlat xor""".split()
EVERYWHERE = re.compile(f'(?!nop[wl]$)(?:{"|".join(I486)})[bwl]?')
NEEDS = {'CMOV': 'cmov.*', 'CX8': 'cmpxchg8b', 'TSC': 'rdtsc', 'MSR': '(?:rd|wr)msr'}

# Instructions that are used only after a check of cpu_features, and the files with the check.
GUARDED = {
    'fn?init|fn?save|frstor|fldcw|fn?stcw|fnop|fxsave|fxrstor': r'(?:arch/x86/fpu|tests/kernel/process/fpu_test)\.c',
    'rdrand': r'arch/x86/cpu\.c',
}


def test_instructions(check):
    asked = set(re.findall(r'^ +dd CPUID_(\w+), text_', (ROOT / 'boot/boot.asm').read_text(), re.M))
    found = Counter(instructions())
    wrong = [f'{file}: {name}: {why}' for file, name in sorted(found) if (why := complaint(name, file, asked))]
    check.true(found.total() > 50_000, 'the image is taken to pieces', found.total())
    check.equal('\n'.join(wrong), '', 'each instruction is one that every processor has, or that the processor is asked for')


def instructions():
    """Pairs: the source file and the name of each instruction. -D: data of nasm's, an entry table, consists of instructions, too."""
    sources = [name for name in source_files() if re.match(r'(?:arch|boot|drivers|fs|kernel|lib|mm|tests)/[^.]+\.(?:c|asm)$', name)]
    objects = [object for name in sources if (object := build_dir() / f'{name}.o').exists()]
    sections = [f'--section={name}' for name in ('.text', '.text.unlikely', '.text.startup', '.text.fixup', '.boot.text')]
    said = subprocess.run([os.environ.get('CROSS', '') + 'objdump', '-D', '--no-show-raw-insn', *sections, *objects],
                          stdout=subprocess.PIPE, text=True, check=True).stdout
    file = None
    for found in re.finditer(r'^(?:(\S.*)\.o:\s+file format| *[0-9a-f]+:\t(\S+))', said, re.M):
        if found[1]:
            file = os.path.relpath(found[1], build_dir())
        else:
            yield file, found[2]


def complaint(name, file, asked):
    for feature, pattern in NEEDS.items():
        if re.fullmatch(pattern, name):
            return None if feature in asked else f'{feature} is not asked for'
    for pattern, files in GUARDED.items():
        if re.fullmatch(pattern, name):
            return None if re.fullmatch(files, file) else 'not here'
    return None if EVERYWHERE.fullmatch(name) else 'not an instruction that all have'
