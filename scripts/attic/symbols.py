"""Names of the kernel: addresses and sizes, from `nm` of attic.debug."""
import bisect
import os
import re
import subprocess
from pathlib import Path

PAGE_OFFSET = 0xC0000000


class Symbols(dict):
    """Addresses by name; empty if there is no such file. `sizes` has bytes by name. A global name comes before static ones."""

    def __init__(self, path: Path | str | None):
        super().__init__()
        self.sizes = {}
        self._code = []  # (address, name), without labels inside a function
        try:
            said = subprocess.run([os.environ.get('NM') or 'nm', '-S', path], capture_output=True, text=True).stdout if path else ''
        except OSError:
            said = ''
        for address, size, kind, name in re.findall(r'^([0-9a-f]+) (?:([0-9a-f]+) )?(\S) (\S+)$', said, re.M):
            if kind.isupper() or name not in self:
                self[name], self.sizes[name] = int(address, 16), int(size or '0', 16)
            if kind in 'tT' and '.' not in name and not re.match(r'__\w+_(?:start|end)$', name):
                self._code.append((int(address, 16), name))
        self._code.sort(key=lambda pair: pair[0])

    def physical(self, name: str) -> int:
        """The physical address of a variable of the kernel's image."""
        return self[name] - PAGE_OFFSET

    def function_at(self, address: int) -> str:
        """"name+0x12" for the function that holds an address, or ""."""
        n = bisect.bisect_right(self._code, address, key=lambda pair: pair[0])
        if not n:
            return ''
        start, name = self._code[n - 1]
        end = self.get('__text_end' if start >= PAGE_OFFSET else 'boot_stack_top', 0)
        return f'{name}+{address - start:#x}' if address < end else ''


def debug_file(image: Path | str) -> Path | None:
    """The kernel with its debug information that belongs to an image: beside it, or one folder above; None if not found."""
    folder = Path(image).parent
    return next((path for path in (folder / 'attic.debug', folder.parent / 'attic.debug') if path.exists()), None)
