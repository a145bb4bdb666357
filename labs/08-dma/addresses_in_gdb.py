"""Run by gdb for checks.addresses: ask the kernel for its verdicts on addresses that are drawn, and compare with a second opinion."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from dma_in_gdb import EVERYTHING, PAGE, PAGE_OFFSET, VMALLOC_END, WORD, differs, questions  # noqa: E402


def address(kernel):
    """An address and a size: of each region, more often at its edges."""
    draw, top = kernel.random.randint, PAGE_OFFSET + kernel.lowmem
    first, last = kernel.random.choice([(0, PAGE_OFFSET), (kernel.start, VMALLOC_END), (top, kernel.start), (VMALLOC_END, WORD),
                                        (PAGE_OFFSET, top), (top - PAGE, top)])
    at = kernel.random.choice([first, last - 1, draw(first, last - 1)])
    return at, kernel.random.choice([0, 1, draw(1, 9 * PAGE), top - at & EVERYTHING, (top - at + 1) & EVERYTHING, EVERYTHING])


def ask(kernel, _):
    at, size = address(kernel)
    return differs(f'{size:#x} bytes at {at:#x}', kernel.of_address(at, size), kernel.call('dma_judge_address', at, size))


questions(ask)
