"""What a machine in QEMU was doing when it crashed or was ended: a watch, to which QEMU reports its end before it exits.

    watch = Watch('build/attic.iso')
    process = start(command(..., watch=watch.qmp.options()), pass_fds=[watch.qmp.theirs])
    watch.qmp.started()
    watch.serve()       # from time to time
    watch.look()        # before a silent machine is killed
    watch.lines         # where it was, and what the kernel's address map has there

QEMU is configured to stop the machine instead of exiting: the registers of a triple fault exist only as long as QEMU runs. They are read,
and then QEMU is told to quit.

Names come from attic.debug, the regions from the kernel's own table, layout_regions, in the machine's memory. Neither is trusted: without a
file there are no names, and a table that makes no sense is not used.
"""
import re
import struct
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from attic.qmp import Qmp
from attic.symbols import PAGE_OFFSET, Symbols, debug_file
from attic.tables import FRAME, Tables

CR0_PG = 1 << 31
EFLAGS_IF = 1 << 9
ROW = struct.Struct('<4I')  # struct layout_region: start and three pointers, of which the second is the name
NAME_MAX = 20


class Watch:
    def __init__(self, image: Path | str | None = None, idle: Callable[[], None] | None = None):
        self.qmp = Qmp(idle)
        self.lines = []
        self._debug = debug_file(image) if image else None

    @cached_property
    def symbols(self) -> Symbols:
        return Symbols(self._debug)

    def serve(self, wait: float = 0.0):
        """Read QEMU's events, for at most so many seconds, and handle its end."""
        self.qmp.readable(wait)
        for event in self.qmp.events():
            if event['event'] == 'SHUTDOWN':
                if event.get('data', {}).get('reason') == 'guest-reset':
                    self.look()
                self.qmp.tell('quit')

    def look(self):
        """Stop the machine and record where it is. A program that has never answered, because it is not QEMU, is not waited for."""
        if not self.qmp.speaks:
            return
        self.qmp.ask('stop')
        registers = registers_in(self.qmp.monitor('info registers'))
        if 'IP' in registers and 'CR0' in registers:
            self.lines = self._describe(registers)

    def _describe(self, r):
        name = self.symbols.function_at(r['IP'])
        first = f'EIP 0x{r["IP"]:08x}{name and " " + name}, CR0 0x{r["CR0"]:08x}, CR2 0x{r["CR2"]:08x}, CR3 0x{r["CR3"]:08x}'
        return [first, *self._paging(r), *halted(r), *self._gates(r)]

    def _paging(self, r):
        """The meaning of the addresses."""
        if not r['CR0'] & CR0_PG:
            return ['paging is off: EIP is a physical address']
        return [f'paging is on; EIP: {self._place(r, r["IP"])}',
                f'the last page fault, if there was one, was at CR2: {self._place(r, r["CR2"])}']

    def _gates(self, r):
        """If the IDT cannot be the kernel's, that is why the fault was not handled."""
        if not r.get('IDT_LIMIT'):
            return ['the IDT is empty: no trap can be handled']
        if 'idt' not in self.symbols or r['IDT'] == self.symbols['idt']:
            return []
        return [f'the IDT at 0x{r["IDT"]:08x} is not the kernel\'s, which has not loaded its own yet']

    def _place(self, r, address):
        """The region, and what the tables say, in the words of the kernel's `explain`."""
        known = [text for text in (self._region(address), self._walk(r['CR3'], address)) if text]
        return '; '.join(known) or 'nothing is known of it'

    def _walk(self, cr3, address):
        """The entry that decides whether a page is mapped; None if QEMU does not answer."""
        try:
            last = Tables(self._physical).walk(cr3 & FRAME, address).last
        except struct.error:
            return None
        return f'{last.level} {last.index}: P={last.present:d}'

    def _physical(self, address, size):
        """Bytes of physical memory: fewer, or none, if QEMU does not answer."""
        said = self.qmp.monitor(f'xp /{size}xb 0x{address:x}')
        return bytes(int(byte, 16) for line in re.findall(r'^[0-9a-f]+:(.*)', said, re.M) for byte in line.split())

    def _image(self, address, size):
        """Memory of the kernel's image, which is contiguous."""
        return self._physical(address - PAGE_OFFSET, size) if address >= PAGE_OFFSET else b''

    def _region(self, address):
        """The name of the region that holds an address, or None."""
        if 'layout_regions' not in self.symbols:
            return None
        table = self._image(self.symbols['layout_regions'], self.symbols.sizes['layout_regions'])
        above, found = 1 << 32, None
        for start, _, name, _ in ROW.iter_unpack(table[:len(table) // ROW.size * ROW.size]):
            if start >= above:
                return None
            if found is None and address >= start:
                found = name
            above = start
        if not found or above != 0:
            return None
        return self._image(found, NAME_MAX).split(b'\0')[0].decode(errors='replace') or None


def registers_in(dump: str) -> dict[str, int]:
    """The 32-bit registers in what `info registers` prints: by name, without the E, and IDT with IDT_LIMIT; HLT is 1 when the processor has
    halted. A missing register is left out."""
    found = re.findall(r'\b[ER]?(IP|FL|CR[023]|HLT)\s*=\s*([0-9a-f]+)', dump)
    for limits in re.findall(r'^IDT=\s*([0-9a-f]+) ([0-9a-f]+)', dump, re.M):
        found += zip(('IDT', 'IDT_LIMIT'), limits)
    return {name: int(value, 16) for name, value in found}


def halted(r: dict[str, int]) -> list[str]:
    if not r.get('HLT'):
        return []
    off = '' if r.get('FL', 0) & EFLAGS_IF else ' with interrupts off, for good'
    return ['the processor has halted' + (off or ' until the next interrupt')]
