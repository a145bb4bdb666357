"""The time that the boot takes. Nothing else runs beside this test."""
import struct
import subprocess

from attic.build import ROOT, build_dir, made, own_initramfs
from attic.machine import PROMPT, Machine

BOOT_RATIO = 1.6  # processor time from QEMU's start to the prompt, relative to a kernel that does nothing


def nothing_image():
    """An ISO whose kernel writes `>` to the serial port: a multiboot2 header with the tags for its address and entry, and four
    instructions. Both files are as long as Attic's: while GRUB reads, it asks the drive again and again, and on a busy host the answers are
    late."""
    at, magic, length = 0x100000, 0xe85250d6, 64
    header = struct.pack('<4I', magic, 0, length, -(magic + length) & 0xffffffff)
    header += struct.pack('<2H5I', 2, 0, 24, at, at, 0, 0)
    header += struct.pack('<2H2I4x', 3, 0, 12, at + length)
    header += struct.pack('<2HI', 0, 0, 8)
    code = b'\xba\xf8\x03\0\0' b'\xb0>' b'\xee' b'\xf4\xeb\xfd'  # mov edx, 0x3f8; mov al, '>'; out dx, al; hlt, for ever
    kernel, iso = (made(build_dir() / 'test-images') / f'nothing.{kind}' for kind in ('bin', 'iso'))
    kernel.write_bytes((header + code).ljust((build_dir() / 'attic.elf').stat().st_size, b'\0'))
    subprocess.run([ROOT / 'scripts/make/mkiso', iso, kernel, own_initramfs(), ''], check=True)
    return iso


def seconds_to(pattern, **options):
    with Machine('seconds', medium='cd', **options) as machine:
        machine.expect(pattern)
        return machine.used()


def test_seconds(check):
    """Seconds depend on the machine, so the start is compared with that of a kernel that does nothing: the time of QEMU, the BIOS and GRUB
    is in both. Processor time, because it leaves out waiting, which depends on the load of the host (test_limits.py shows that
    the boot does not wait); alternately, and the best of several runs, because noise can only add time."""
    nothing, best, idle = nothing_image(), 99.0, 99.0
    for count in range(1, 13):
        idle = min(idle, seconds_to('>', iso=nothing))
        best = min(best, seconds_to(PROMPT))
        if count >= 4 and best / idle < BOOT_RATIO:
            break
    ratio = best / idle
    check.true(ratio < BOOT_RATIO, f"QEMU's start to the prompt: {best:.2f} s of a processor, {ratio:.2f} times that of a kernel that does "
               f'nothing ({idle:.2f} s)')
