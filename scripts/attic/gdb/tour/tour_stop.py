"""What a stop of the tour is; tour_boot.py and tour_life.py have them all.

A stop is two moments or more: the machine stands before something, and then behind it. Each moment has a place, where a
hardware breakpoint waits, and where it may be passed by others, a condition. What the sentences claim is computed: expect()
ends the tour with one line where the machine disagrees.
"""
from collections import namedtuple

from attic import tables
from attic.gdb import Sorry, kernel, memory

# A place: where to stop, and when() says whether it is the right passer-by.
Place = namedtuple("Place", "address when", defaults=(lambda: True,))

# A moment: its title, its place, and what must be true there: a function that calls expect(), or None. The place may be a
# function, for one that is only known at the moment before.
Moment = namedtuple("Moment", "title place check", defaults=(None,))


def expect(condition, claim):
    if not condition:
        raise Sorry("the tour says that %s, and here that is not so" % claim)


class Stop:
    name = None      # in its heading
    word = None      # what a reader types for it; its name unless said
    title = None     # what happens
    text = None      # two to five sentences
    begins = "Before"
    extra = ()       # registers besides the usual ones
    command = None   # what is typed at Attic's prompt for it; the stages of the boot come by themselves

    def place(self):
        """Where the first moment is; None when nobody knows yet."""
        raise NotImplementedError

    def source(self):
        raise NotImplementedError

    def arrive(self):
        """At the first moment: remember what the others need."""

    def views(self):
        """What is walked at each moment."""
        raise NotImplementedError

    def facts(self):
        """Lines about the moment besides the walk."""
        return []

    def moments(self):
        """Those that follow the first, once it has arrived."""
        raise NotImplementedError

    def can_go_on(self):
        """Whether those that are left can still come: what makes them is there."""
        raise NotImplementedError

    def missing(self):
        """Why the machine has no such stop, in a sentence, or None."""
        return None

    @classmethod
    def typed(cls):
        """The word for it."""
        return cls.word or cls.name


# ---- places ----

def at(symbol, file=None, when=lambda: True):
    return Place(kernel.address_of(symbol, file), when)


def stack_word(index):
    """A word of the stack that is in use, in ring 0."""
    return int.from_bytes(kernel.read(memory.register("esp") + 4 * index, 4), "little")


def when_returned():
    """Where the function whose first instruction is next will have returned to; nobody else has this stack."""
    esp = memory.register("esp")
    return Place(stack_word(0), lambda: memory.register("esp") == esp + 4)


# ---- what is compared ----

KERNEL_FIRST = 768  # the first PDE of the kernel half


def directory_words(directory):
    return memory.physical_words(directory, 1024)


def kernel_half(directory):
    return directory_words(directory)[KERNEL_FIRST:]


def unchanged_views(stop, claim):
    """A check: no entry of the views has changed since now, but for what the processor notes itself, A and D."""
    def values():
        return [entry.value & ~(tables.A | tables.D) for view in stop.views() for walk in view.walks()
                for entry in (walk.pde, walk.pte) if entry]

    before = values()
    return lambda: expect(values() == before, claim)


def ring():
    return memory.register("cs") & 3
