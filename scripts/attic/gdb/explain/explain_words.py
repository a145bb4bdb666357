"""The words of an explanation, each read from the kernel's own tables (kernel/view/explain_words.c, mm/kva/dma_verdict.c), by symbol.

A word is looked up by its enumerator's name, whose number comes from the debug information. So the words are always the kernel's, and a
table and its enumeration may change without a change here.
"""
from attic.gdb import objects


def _word(table, enumeration, name):
    return objects.string(objects.variable(table)[objects.enumerators(enumeration)[name]])


def say(label_name, line):
    """A line, behind its label."""
    print("%-10s%s" % (label(label_name), line))


def text(name):
    return _word("explain_texts", "explain_text", name)


def label(name):
    return _word("explain_labels", "explain_label", name)


def level(name):
    return _word("explain_levels", "explain_level", name)


def form(name):
    return _word("explain_forms", "explain_form", name)


def content(name):
    return _word("explain_contents", "explain_content", name)


def access(name):
    return _word("explain_accesses", "explain_access", name)


def why(name):
    return _word("explain_whys", "explain_why", name)


def kind(name):
    return _word("explain_kinds", "explain_kind", name)


def gap(name):
    return _word("explain_gaps", "explain_gap", name)


def wrong(name):
    return _word("explain_wrongs", "explain_wrong", name)


def avl(value):
    """The meaning of PTE_AVL in the vmalloc area."""
    return objects.string(objects.variable("explain_avl")[value])


def bits(form_name):
    """The bits of a form of entry, line by line: (mask, name, (meaning when 0, meaning when 1))."""
    found = [(bit.mask, objects.string(bit.name), [objects.string(meaning) for meaning in bit.meaning])
             for bit in objects.variable("explain_bits")[objects.enumerators("explain_form")[form_name]] if bit.mask]
    row = objects.enumerators("explain_bit_counts")["EXPLAIN_BITS_PER_ROW"]
    return [found[at:at + row] for at in range(0, len(found), row)]


def refusal(verdict):
    """The name and the reason of a result of the DMA API."""
    found = objects.variable("dma_refusals")[objects.enumerators("dma_verdict")[verdict]]
    return objects.string(found.name), objects.string(found.why)
