"""`attic explain` before paging: an address is physical then, and there is nothing to walk.

The explanation shows whether the image lies there and which part of it, by the linker's marks; and what the same number will mean when
paging is on. Words that the kernel has are read from it (its image is in memory, as GRUB has loaded it).
"""
import textwrap

from attic import tables
from attic.gdb import cli, kernel, objects
from attic.gdb.explain import explain_words as words
from attic.gdb.explain.explain_walk import ACCESSES
from attic.gdb.explain.explain_words import text

MARKS = ("__boot_start", "__text_start", "__rodata_start", "__sealed_start", "__data_start", "__kernel_end")


def say(label, line):
    """A line that may have to be folded; those of the kernel's own explanations are short."""
    for part_of_line in textwrap.wrap(line, cli.COLUMNS - 10):
        words.say(label, part_of_line)
        label = "LABEL_MORE"


def explain(addr):
    say("LABEL_ADDRESS", "0x%08x is physical: paging is off, and the processor uses addresses as they are" % addr)
    say("LABEL_REGION", "none yet; of the map that paging brings: " + kernel.region(addr).text)
    say("LABEL_WALK", "%s %s 0x%08x" % (text("TEXT_ENDS_AT"), text("TEXT_PHYSICAL"), addr))
    say("LABEL_RING0", "%s %s (%s)" % (text("TEXT_MAY"), ", ".join(map(words.access, ACCESSES)), words.why("EXPLAIN_NOTHING")))
    say("LABEL_FRAME", "0x%08x %s" % (addr & tables.FRAME, image_text(addr)))
    later = addr - kernel.page_offset()
    if part(later):
        say("LABEL_MORE", "with paging on, this address shows physical 0x%08x, %s" % (later, image_text(later)))
    say("LABEL_DEVICE", "not known yet: the DMA API looks at struct pages, and page_alloc_init() makes them")


def image_text(phys):
    if part(phys):
        return "in the kernel's image, from %s to %s" % part(phys)
    return "outside the kernel's image, which is at 0x%08x..0x%08x" % (lies_at(MARKS[0]), lies_at(MARKS[-1]) - 1)


def part(phys):
    """The marks around a physical address; None outside the image."""
    return next((pair for pair in zip(MARKS, MARKS[1:]) if lies_at(pair[0]) <= phys < lies_at(pair[1])), None)


def lies_at(mark):
    """The physical address of a symbol: GRUB loads the image to its final place; the boot code's own addresses are physical."""
    addr = objects.address_of(mark)
    return addr if addr < kernel.page_offset() else addr - kernel.page_offset()
