"""Run by gdb for checks.refusals: lists that cannot be given to a device, because of a piece, or because memory to record it runs out.
Nothing may change."""
import sys
from pathlib import Path

import gdb

sys.path.insert(0, str(Path(__file__).parent))
from dma_in_gdb import (BOTH, ERRORS, EVERYTHING, FROM_DEVICE, GFP_KERNEL, MOST, ORDER, PAGE, TO_DEVICE, entry, pieces,  # noqa: E402
                        questions)

VIDEO = 0xB8000  # no RAM


class Told(gdb.Breakpoint):
    """It keeps the lines that are printed, and does not stop."""
    lines = []

    def stop(self):
        self.lines.append(gdb.parse_and_eval('(const char *)$eax').string())
        return False


def refused(kernel):
    """A list with one or two pieces that may not be given: the first decides."""
    base, end = kernel.block * PAGE, kernel.frames * PAGE
    drawn, byte = [(base + at, size) for at, size in pieces(kernel)][:MOST - 2], kernel.random.randrange(PAGE)
    for _ in range(kernel.random.randint(1, 2)):
        bad = kernel.random.choice([(base + byte, 0), (VIDEO + byte, 1), (end - PAGE + byte, PAGE - byte + 1)])
        drawn.insert(kernel.random.randint(0, len(drawn)), bad)
    direction = kernel.random.choice([BOTH, TO_DEVICE, FROM_DEVICE])
    judged = [kernel.of_page(*divmod(start, PAGE), size, EVERYTHING, TO_DEVICE) for start, size in drawn]
    verdicts = [verdict for verdict, _ in judged]
    bad = next(number for number, verdict in enumerate(verdicts) if verdict != 'GRANTED')
    named = drawn[bad][0] if judged[bad][1] is None else judged[bad][1] * PAGE
    what = f'a list of {len(drawn)} pieces, of which number {bad} is the first that may not be given ({verdicts[bad]})'
    Told.lines.clear()
    if reason := unchanged(kernel, what, drawn, direction, ERRORS[verdicts[bad]]):
        return reason
    if not Told.lines:
        return f'{what}: it is refused without the line that says why'
    return None if f'physical {named:#010x}' in Told.lines[-1] else f'{what}: the line names another address than {named:#x}: {Told.lines[-1]}'


def forgotten(kernel):
    """A list that may be given, but memory runs out when a piece is to be recorded."""
    drawn = [(kernel.block * PAGE + at, size) for at, size in pieces(kernel)]
    fails = kernel.random.randint(1, len(drawn))
    gdb.execute(f'set var alloc_fail_countdown = {fails}')
    what = f'a list of {len(drawn)} pieces, when there is no memory to record number {fails - 1}'
    reason = unchanged(kernel, what, drawn, BOTH, ERRORS['NO_MEMORY'])
    gdb.execute('set var alloc_fail_countdown = 0')
    return reason


def unchanged(kernel, what, drawn, direction, error):
    """dma_map_sg() fails with this error, and changes nothing."""
    data, at = b''.join(entry(kernel, *piece) for piece in drawn), kernel.scratch + 1024
    kernel.write(at, data)
    found = kernel.number('dma_map_sg', kernel.device(EVERYTHING), at, len(drawn), direction)
    if found != -error:
        return f'{what}: the result is {found}, and must be {-error}'
    if any(kernel.mapped()):
        return f'{what}: {kernel.mapped()} pieces and bytes are recorded'
    return f'{what}: the list is changed' if kernel.read(at, len(data)) != data else None


def ask(kernel, turn):
    if not turn:
        kernel.block = kernel.pages(GFP_KERNEL, ORDER)
        kernel.look()
        Told('*printk_folded', internal=True)
    return refused(kernel) if turn % 3 else forgotten(kernel)


questions(ask)
