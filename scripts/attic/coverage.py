"""What the machines of a run have executed, from the counters of a kernel built with COVERAGE=1 (`make coverage`).

    ram = ram_file()          # for qemu.command(ram=), or None if nothing is counted
    keep(ram)                 # once the machine has ended
    write_gcda(build)         # all counters, summed, as the files that gcov reads

gcc gives each source file a gcov_info, which names the counters of each function. Nothing in the kernel reads them: the machine's memory is
a file, which stays when QEMU has ended, however that came about, and the counters are taken from there. So a panic, a machine that is killed
and one that powers off count alike.

The structures are those of gcc's libgcov/libgcov.h from gcc 12 on, the files those of gcc/gcov-io.h. Environment: COUNTERS, the folder in
which counters are kept; without it nothing is counted.
"""
import os
import struct
import subprocess
import tempfile
import zlib
from array import array
from pathlib import Path
from typing import NamedTuple

from attic.build import ROOT, build_dir
from attic.symbols import PAGE_OFFSET, Symbols

MAGIC, FUNCTION, COUNTER, SUMMARY = 0x67636461, 0x01000000, 0x01A10000, 0xA1000000
KERNEL_PHYS = 0x100000


class CannotCount(Exception):
    """Why counters cannot be read."""


# ---- during the run ----

def counts() -> bool:
    return bool(os.environ.get('COUNTERS'))


def slowdown() -> int:
    """How many times longer a machine may take than without counters."""
    return 4 if counts() else 1


def ram_file() -> Path | None:
    folder = os.environ.get('COUNTERS')
    if not folder:
        return None
    handle, name = tempfile.mkstemp(prefix='ram-', dir=folder)
    os.close(handle)
    return Path(name)


def keep(ram: Path | None):
    """Keep the counters that are in the memory of a machine, if it ran the kernel of this build, and remove the memory."""
    if not ram:
        return
    kernel = Kernel(build_dir())
    with open(ram, 'rb') as file:
        file.seek(kernel.start - PAGE_OFFSET)
        memory = file.read(kernel.end - kernel.start)
    if kernel.is_in(memory):
        ram.with_name(ram.name.replace('ram', f'counters-{kernel.mark}', 1)).write_bytes(zlib.compress(memory, 1))
    ram.unlink()


class Kernel:
    """The image of a kernel: `start` to `end` are the addresses in which the counters lie; `mark` tells this build from another
    one."""

    def __init__(self, build: Path):
        self.symbols = Symbols(build / 'attic.debug')
        if '__gcov_info' not in self.symbols:
            raise CannotCount(f'{build} is not built with COVERAGE=1')
        self.start, self.end = self.symbols['__data_start'], self.symbols['__bss_end']
        self._image = flat_image(build)
        self.infos = self.words(self.symbols['__gcov_info'], self.symbols['__gcov_info_size'] // 4)
        self.mark = f'{zlib.crc32(self._image):08x}'

    def is_in(self, memory: bytes) -> bool:
        """Whether this memory, from `start` on, is of this kernel: gcc gives each file another stamp whenever it is compiled."""
        same = (struct.unpack_from('<4I', memory, info - self.start) == self.words(info, 4) for info in self.infos)
        return len(memory) == self.end - self.start and all(same)

    def words(self, address: int, count: int) -> tuple[int, ...]:
        return struct.unpack_from(f'<{count}I', self._image, address - PAGE_OFFSET - KERNEL_PHYS)

    def text(self, address: int) -> str:
        start = address - PAGE_OFFSET - KERNEL_PHYS
        return self._image[start:self._image.index(b'\0', start)].decode()


def flat_image(build: Path) -> bytes:
    """The bytes of the image as they lie in memory from KERNEL_PHYS on."""
    image = build / 'attic.image'
    kernel = build / 'attic.elf'
    if not image.exists() or image.stat().st_mtime < kernel.stat().st_mtime:
        new = image.with_name(f'attic.image.{os.getpid()}')
        subprocess.run([os.environ.get('OBJCOPY') or 'objcopy', '-O', 'binary', kernel, new], check=True)
        new.rename(image)
    return image.read_bytes()


# ---- afterwards ----

class Function(NamedTuple):
    ident: int
    line_sum: int
    flow_sum: int
    counters: list[tuple[int, int, int]]  # kind, how many, address


def functions(kernel: Kernel, count: int, pointers: int, kinds: list[int]):
    for pointer in kernel.words(pointers, count):
        if not pointer:  # the linker has left the function out
            continue
        key, ident, line_sum, flow_sum, *counters = kernel.words(pointer, 4 + 2 * len(kinds))
        if key:
            yield Function(ident, line_sum, flow_sum, [(kind, *counters[2 * i:2 * i + 2]) for i, kind in enumerate(kinds)])


def summed(kernel: Kernel, folder: Path) -> array:
    """The words from kernel.start on, added up over all machines; only those that are counters mean anything."""
    size = (kernel.end - kernel.start) // 8
    total = array('Q', bytes(8 * size))
    for file in folder.glob(f'counters-{kernel.mark}-*'):
        words = array('Q', zlib.decompress(file.read_bytes())[:8 * size])
        total = array('Q', (one + other & 0x7FFFFFFFFFFFFFFF for one, other in zip(total, words)))
    return total


def write_gcda(build: Path, folder: Path) -> int:
    """Write a file for each source file, beside its .gcno. Returns how many machines were counted."""
    kernel = Kernel(build)
    total = summed(kernel, folder).tobytes()
    for info in kernel.infos:
        version, _, stamp, checksum, name = kernel.words(info, 5)
        # "B22*" is 12.2; gcc 14 has one more kind of counter.
        major = (version >> 24) * 10 + (version >> 16 & 0xFF) - ord('A') * 10 - ord('0')
        if major < 12:
            raise CannotCount(f'the counters of gcc {major} are laid out in another way: gcc 12 or later is needed')
        kinds = 9 if major >= 14 else 8
        merge = kernel.words(info + 20, kinds)
        count, pointers = kernel.words(info + 20 + 4 * kinds, 2)
        data = [struct.pack('<6I', MAGIC, version, stamp, checksum, SUMMARY, 8), struct.pack('<2I', 1, 0)]
        for function in functions(kernel, count, pointers, [kind for kind in range(kinds) if merge[kind]]):
            data.append(struct.pack('<5I', FUNCTION, 12, function.ident, function.line_sum, function.flow_sum))
            for kind, many, address in function.counters:
                start = address - kernel.start
                data.append(struct.pack('<2I', COUNTER + (kind << 17), 8 * many) + total[start:start + 8 * many])
        path = ROOT / kernel.text(name)
        path.write_bytes(b''.join(data) + bytes(4))
    return len(list(folder.glob(f'counters-{kernel.mark}-*')))
