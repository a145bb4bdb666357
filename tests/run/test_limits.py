"""The costs that Attic promises: boot in instructions and in time, size of the image, RAM in use at the prompt."""
import re
import struct
import subprocess

import pytest

from attic.build import ROOT, build_dir, made, own_initramfs
from attic.machine import PROMPT, Machine
from machines import kilobytes, run

BOOT_INSTRUCTIONS = 20_000_000  # GRUB's hand-over to the prompt, at 512 MiB
BOOT_RATIO = 2.5                # processor time from QEMU's start to the prompt, relative to a kernel that does nothing
IMAGE_BYTES = 512 << 10
TESTED_BYTES = 1 << 20
USED_BYTES = 4 << 20            # at the prompt, at 128 MiB

# With this option the time-stamp counter counts instructions, the same in every run.
COUNTING = ['-icount', 'shift=0,sleep=off']


@pytest.fixture(scope='module')
def programs():
    return own_initramfs('limits')


def instructions(machine):
    """The cost of the boot; 0 if it is not printed."""
    found = re.search(r'^BootTsc: +(\d+) .*instructions under -icount', machine.output, re.M)
    return int(found[1]) if found else 0


@pytest.fixture(scope='module')
def counts(programs):
    """Instructions of two boots."""
    return [instructions(run(f'limits-icount-{number}', mem='512M', initramfs=programs, input='meminfo\npoweroff\n', extra=COUNTING))
            for number in (1, 2)]


def test_instructions(counts, check):
    one, other = counts
    check.true(one > 0, 'meminfo tells the cost of the boot')
    check.true(one < BOOT_INSTRUCTIONS, f'boot at 512 MiB: {one} instructions')
    check.true(abs(one - other) <= one / 100, 'and the same again within 1 %', counts)


def nothing_image():
    """An ISO whose kernel writes `>` to the serial port: a multiboot2 header with the tags for its address and entry, and four
    instructions."""
    at, magic, length = 0x100000, 0xe85250d6, 64
    header = struct.pack('<4I', magic, 0, length, -(magic + length) & 0xffffffff)
    header += struct.pack('<2H5I', 2, 0, 24, at, at, 0, 0)
    header += struct.pack('<2H2I4x', 3, 0, 12, at + length)
    header += struct.pack('<2HI', 0, 0, 8)
    code = b'\xba\xf8\x03\0\0' b'\xb0>' b'\xee' b'\xf4\xeb\xfd'  # mov edx, 0x3f8; mov al, '>'; out dx, al; hlt, for ever
    kernel, empty, iso = (made(build_dir() / 'test-images') / f'nothing.{kind}' for kind in ('bin', 'cpio', 'iso'))
    kernel.write_bytes(header + code)
    empty.write_bytes(b'')
    subprocess.run([ROOT / 'scripts/mkiso', iso, kernel, empty, ''], check=True)
    return iso


def seconds_to(pattern, **options):
    with Machine('limits-seconds', **options) as machine:
        machine.expect(pattern)
        return machine.used()


def test_seconds(programs, check):
    """Seconds depend on the machine, so the start is compared with that of a kernel that does nothing: the time of QEMU, the BIOS and GRUB
    is in both. Processor time, because it leaves out waiting, which depends on the load of the host (the test of instructions above shows
    that the boot does not wait); alternately, and the best of several runs, because noise can only add time."""
    nothing, best, idle = nothing_image(), 99.0, 99.0
    for count in range(1, 13):
        idle = min(idle, seconds_to('>', iso=nothing))
        best = min(best, seconds_to(PROMPT, initramfs=programs))
        if count >= 4 and best / idle < BOOT_RATIO:
            break
    ratio = best / idle
    check.true(ratio < BOOT_RATIO, f"QEMU's start to the prompt: {best:.2f} s of a processor, {ratio:.2f} times that of a kernel that does "
               f'nothing ({idle:.2f} s)')


# ---- an archive costs near linear in its size, whatever its names are: long ones of many parts, and files that have more to come ----

def cpio_entry(name, mode, inode, links):
    numbers = (inode, mode, 0, 0, links, 0, 0, 0, 0, 0, 0, len(name) + 1, 0)
    entry = '070701' + ''.join(f'{number:08X}' for number in numbers) + f'{name}\0'
    return entry + '\0' * (-len(entry) % 4)


HOSTILE = {
    'deep': lambda size: [cpio_entry(f'x{number}/' + 'd/' * 2000, 0o040755, 1, 1) for number in range(1, size + 1)],
    'links': lambda size: [cpio_entry(f'l{number}', 0o100644, number, 2) for number in range(1, 400 * size + 1)],
}


def boot_cost(kind, name, size, least, check):
    """How many more instructions a boot needs with such an archive, and the archive's size."""
    archive = made(build_dir() / 'test-images') / f'limits-{kind}-{name}.cpio'
    archive.write_text(''.join(HOSTILE[kind](size)) + cpio_entry('TRAILER!!!', 0, 0, 1))
    machine = run(f'limits-{kind}-{name}', mem='512M', initramfs=archive, input='meminfo\naudit\npoweroff\n', extra=COUNTING)
    check.like(machine.output, '^audit: all invariants hold', f'{kind}-{name}: the audit holds', machine)
    return (instructions(machine) or 1e12) - least, archive.stat().st_size


@pytest.mark.parametrize('kind', HOSTILE)
def test_archive(kind, counts, check):
    small, _ = boot_cost(kind, 'small', 5, counts[0], check)
    large, size = boot_cost(kind, 'large', 20, counts[0], check)
    check.true(large < 6 * small, f'an archive of {kind} four times as large: {large} instructions against {small}')
    check.true(large < 1500 * size, f'{kind}: instructions for each byte', f'{large} for {size}')


def test_sizes(programs, check):
    lean, whole = ((build_dir() / name).stat().st_size for name in ('attic-lean.elf', 'attic.elf'))
    check.true(lean < IMAGE_BYTES, f'kernel image without the self-tests: {lean} bytes')
    check.true(whole < TESTED_BYTES, f'with them: {whole} bytes')
    machine = run('limits-used', mem='128M', initramfs=programs, input='meminfo\npoweroff\n')
    used = kilobytes(machine.output).get('MemUsed', -1)
    check.true(used > 0, 'meminfo tells the RAM in use', machine)
    check.true(used << 10 < USED_BYTES, f'RAM in use at the prompt: {used} kB')
