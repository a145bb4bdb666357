"""The costs that Attic promises: boot in instructions, size of the image, RAM in use at the prompt."""
import re

import pytest

from attic.build import build_dir, made
from machines import kilobytes, run

BOOT_INSTRUCTIONS = 20_000_000  # GRUB's hand-over to the prompt, at 512 MiB
IMAGE_BYTES = 512 << 10
TESTED_BYTES = 1 << 20
USED_BYTES = 4 << 20            # at the prompt, at 128 MiB

# With this option the time-stamp counter counts instructions, the same in every run.
COUNTING = ['-icount', 'shift=0,sleep=off']


def instructions(machine):
    """The cost of the boot; 0 if it is not printed."""
    found = re.search(r'^BootTsc: +(\d+) .*instructions under -icount', machine.output, re.M)
    return int(found[1]) if found else 0


@pytest.fixture(scope='module')
def counts():
    """Instructions of two boots."""
    return [instructions(run(f'limits-icount-{number}', mem='512M', input='meminfo\npoweroff\n', extra=COUNTING))
            for number in (1, 2)]


def test_instructions(counts, check):
    one, other = counts
    check.true(one > 0, 'meminfo tells the cost of the boot')
    check.true(one < BOOT_INSTRUCTIONS, f'boot at 512 MiB: {one} instructions')
    check.true(abs(one - other) <= one / 100, 'and the same again within 1 %', counts)


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


def test_sizes(check):
    lean, whole = ((build_dir() / name).stat().st_size for name in ('attic-lean.elf', 'attic.elf'))
    check.true(lean < IMAGE_BYTES, f'kernel image without the self-tests: {lean} bytes')
    check.true(whole < TESTED_BYTES, f'with them: {whole} bytes')
    machine = run('limits-used', mem='128M', input='meminfo\npoweroff\n')
    used = kilobytes(machine.output).get('MemUsed', -1)
    check.true(used > 0, 'meminfo tells the RAM in use', machine)
    check.true(used << 10 < USED_BYTES, f'RAM in use at the prompt: {used} kB')
