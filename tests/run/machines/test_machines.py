"""The in-kernel tests on machines of all sizes and kinds: with little and with much memory, with another chipset and without PCI, with
32-bit and 64-bit UEFI, and with processors that lack something: SMEP and SMAP, floating point, or an APIC, without which there is no edu
card. Machines with `suites` run only those for which what is different there may matter.

Under UEFI there is no text screen; a line that GRUB left on the frame buffer says where the console is.
"""
import re

import pytest

from attic import qemu
from attic.build import CannotBeHad, log_dir
from attic.machine import PROMPT
from ktests import CHIPSET, MEMORY, PROCESSOR, check_ktests

SLOW_TOO = ('128M',)  # what the slow ones test does not depend on the machine

SCREEN_LINE = "Attic's console is on the first serial port: UEFI has no text screen."
GLYPH_WIDTH, GLYPH_HEIGHT = 8, 19  # of EDK II's console

# By label; the slowest first.
MACHINES = {
    '4G': {'mem': '4G'},
    '8M': {'mem': '8M'},
    '128M': {'mem': '128M'},  # as in `make run`
    '1G': {'mem': '1G', 'suites': MEMORY},  # more RAM than lowmem can map
    '128M, lowmem=8M': {'cmdline': 'lowmem=8M'},  # most of RAM is highmem
    '16M': {'mem': '16M', 'suites': f'{MEMORY} fs_fail usertests'},  # all RAM is in zone DMA
    'qemu32': {'cpu': 'qemu32', 'suites': f'{PROCESSOR} kpde'},  # no SMEP and SMAP
    '64M': {'mem': '64M', 'suites': MEMORY},
    '512M': {'mem': '512M', 'suites': MEMORY},
    '2G': {'mem': '2G', 'suites': MEMORY},
    '3.5G': {'mem': '3584M', 'suites': MEMORY},
    'q35': {'machine': 'q35', 'suites': CHIPSET},
    'isapc': {'machine': 'isapc', 'suites': CHIPSET},
    'no FPU': {'cpu': 'max,-fpu,-sse,-fxsr,-mmx', 'suites': PROCESSOR},
    'no APIC': {'cpu': 'max,-apic', 'suites': CHIPSET},
    'uefi32': {'firmware': 'uefi32', 'suites': CHIPSET},
    'uefi64': {'firmware': 'uefi64', 'suites': CHIPSET},
}
UEFI = ('uefi32', 'uefi64')


def firmware_is_there(name):
    missing = qemu.missing_firmware(name)
    if missing:
        raise CannotBeHad(f'{name}: no {missing}')


@pytest.mark.parametrize('label', MACHINES)
def test_ktest(label, check, can_be_had):
    options = {'mem': '128M'} | MACHINES[label]
    can_be_had(firmware_is_there, options.get('firmware', 'bios'))
    name = 'ktest-' + label.removeprefix('128M, ').replace(' ', '-')
    check_ktests(check, name, label, slow=label in SLOW_TOO, **options)


@pytest.mark.parametrize('firmware', [*UEFI, 'bios'])
def test_from_a_disk(firmware, boot, check, can_be_had):
    """The same image on a disk instead of a CD; and what is on the screen then."""
    can_be_had(firmware_is_there, firmware)
    machine = boot(f'stick-{firmware}', mem='128M', firmware=firmware, medium='disk')
    check.true(machine.saw(PROMPT), f'{firmware}: from a disk', machine)
    if firmware in UEFI:
        file = log_dir() / f'screen-{firmware}.ppm'
        machine.monitor(f'screendump "{file}"')
        check.true(shows(SCREEN_LINE, read_picture(file)), f'{firmware}: the screen says where the console is', f'{file} does not')
    check.equal(machine.finish('poweroff'), 'pass', f'{firmware}: powers off', machine)


def read_picture(file):
    """Rows of a PPM file: each a text with a 1 for each bright pixel."""
    data = file.read_bytes()
    head = re.match(rb'P6\s+(\d+)\s+(\d+)\s+255\s', data)
    assert head, f'{file}: not a picture'
    width, height = map(int, head.groups())
    bright = ''.join('1' if red > 0x60 else '0' for red in data[head.end()::3])
    return [bright[at:at + width] for at in range(0, width * height, width)]


def shows(line, rows):
    """Whether the line is somewhere in a picture of text. The font need not be known: two cells look the same if, and only if, the line has
    the same letter there."""
    return any(looks_like(line, rows, x, y)
               for y in range(len(rows) - GLYPH_HEIGHT + 1) if '1' in rows[y + GLYPH_HEIGHT // 2]
               for x in range(0, len(rows[0]) - GLYPH_WIDTH * len(line) + 1, GLYPH_WIDTH))


def looks_like(line, rows, x, y):
    glyph_of, letter_of = {}, {}
    for letter in line:
        glyph = ''.join(row[x:x + GLYPH_WIDTH] for row in rows[y:y + GLYPH_HEIGHT])
        if glyph_of.setdefault(letter, glyph) != glyph or letter_of.setdefault(glyph, letter) != letter:
            return False
        x += GLYPH_WIDTH
    return True
