"""What a stop of the tour is; the stops are in tour_boot.py, tour_life.py, tour_calls.py and tour_dma.py.

A stop has two or more moments: the machine stops before something happens, and then after it. Each moment has a place, with a hardware
breakpoint, and a condition if other tasks may pass there. The claims of the sentences are checked: expect() ends the tour with one line if
the machine disagrees.
"""
from collections import namedtuple

from attic import tables
from attic.gdb import Sorry, kernel, memory

# A place: where to stop; when() returns whether the right task has arrived.
Place = namedtuple("Place", "address when", defaults=(lambda: True,))

# A moment: its title, its place, and what must be true there: a function that calls expect(), or None. The place may be a function, if it
# is known only at the moment before.
Moment = namedtuple("Moment", "title place check", defaults=(None,))


def expect(condition, claim):
    if not condition:
        raise Sorry("the tour says that %s, and here that is not so" % claim)


class Stop:
    name = None      # in its heading
    word = None      # what a reader types for it; its name by default
    title = None     # what happens
    text = None      # two to five sentences
    begins = "Before"
    extra = ()       # registers besides the usual ones
    command = None   # what is typed at Attic's prompt for it; the stages of the boot need no command

    def place(self):
        """Where the first moment is; None if not known yet."""
        raise NotImplementedError

    def source(self):
        raise NotImplementedError

    def arrive(self):
        """Called at the first moment: save what the others need."""

    def views(self):
        """The walks to show at each moment."""
        raise NotImplementedError

    def facts(self):
        """Lines about the moment besides the walk."""
        return []

    def moments(self):
        """The moments after the first, once that has arrived."""
        raise NotImplementedError

    def can_go_on(self):
        """Whether the remaining moments can still happen."""
        raise NotImplementedError

    def missing(self):
        """Why this stop is impossible on this machine, in a sentence, or None."""
        return None

    @classmethod
    def typed(cls):
        """The word for it."""
        return cls.word or cls.name


# ---- places ----

def at(symbol, file=None, when=lambda: True):
    return Place(kernel.address_of(symbol, file), when)


def stack_word(index):
    """A word of the current stack, in ring 0."""
    return int.from_bytes(kernel.read(memory.register("esp") + 4 * index, 4), "little")


def when_returned():
    """The place to which the function that is about to start will return, on the same stack."""
    esp = memory.register("esp")
    return Place(stack_word(0), lambda: memory.register("esp") == esp + 4)


# ---- what is compared ----

KERNEL_FIRST = 768  # the first PDE of the kernel half


def directory_words(directory):
    return memory.physical_words(directory, 1024)


def kernel_half(directory):
    return directory_words(directory)[KERNEL_FIRST:]


def unchanged_views(stop, claim):
    """A check: no entry of the views has changed since now, except A and D, which the processor sets."""
    def values():
        return [entry.value & ~(tables.A | tables.D) for view in stop.views() for walk in view.walks()
                for entry in (walk.pde, walk.pte) if entry]

    before = values()
    return lambda: expect(values() == before, claim)


def ring():
    return memory.register("cs") & 3
