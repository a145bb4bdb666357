"""attic tour: from the first instruction to a device, with the page tables before and after.

The stops are in tour_boot.py, tour_life.py, tour_calls.py and tour_dma.py; tour_reader.py asks the reader; this file runs the machine from
one stop to the next. Places are hardware breakpoints: a software breakpoint is an instruction written to memory, and before GRUB has loaded
the kernel, or while an address is mapped differently, it would be written to the wrong place.

The tour may begin anywhere: it waits at the places of all stops that can still come, and the first that the machine reaches is the next one
shown. GRUB uses the memory at 1 MiB before the kernel lies there, so until then only `_start` is waited for. A stop whose first moment was
shown is finished with its next one, unless another stop comes first, because the reader has continued without the tour.
"""
import os
import sys
import textwrap

import gdb

from attic.gdb import Sorry, cli, kernel, memory
from attic.gdb.console import Console
from attic.gdb.tour import tour_boot, tour_calls, tour_dma, tour_life, tour_program, tour_reader, tour_text

STOPS = tour_boot.STOPS + (tour_life.Vmalloc, tour_life.Switch, tour_life.FirstTouch, tour_life.CopyOnWrite, tour_calls.CallIn,
                           tour_calls.CallOut, tour_calls.Refusal, tour_life.Vfree, tour_dma.Dma)

HEAD = ("<!-- generated: compared by tests/run/gdb/test_tour.py -->\n\n# A tour of the memory, from the first instruction on", """
`make tour` runs Attic under gdb and stops at %d places: the stages of the boot, then the life of a small process, user/tour.c,
and finally a device. Each stop shows the source, the registers that control paging, and a walk through the page tables, before and
after. This is its complete output; `make tour BATCH=1` generates it, and a test compares. What depends on the build and the
machine may vary: addresses of code and of stacks, of frames and of tables, the entries and tags that hold such addresses, and
numbers of lines. All else is always the same: which entries change and how, their bits, their indices, the owner and the
reference count of each frame.
""", """
An entry is shown with its index, its physical address, its value, and its bits by Intel's names: P present, RW may be written,
US ring 3 may use it, A accessed and D written to (both set by the processor; in its own half the kernel has set them
beforehand), PS a page of 4 MiB, G global, AVL for software. Below the entries stands what an access finds, by the rights of
both levels and by the control registers; `with AC` means that ring 0 may access a page of ring 3 only while EFLAGS.AC is set
(SMAP), as it is while the kernel copies from and to a program. `*` marks what has changed since the moment before: in front of
an entry, after a register.
""")
TAIL = "The device reads its two segments, the command frees all memory, and the prompt is there again."


BETWEEN = "Stopped between the stops, by a breakpoint of yours, a signal or Ctrl-C; `attic tour` continues from here."


class Breakpoint(gdb.Breakpoint):
    """A silent breakpoint without a number of gdb's, at which only the right task stops."""

    def __init__(self, place):
        # gdb 10 has no name for hardware breakpoints here; QEMU writes no instruction for software ones either.
        kind = getattr(gdb, "BP_HARDWARE_BREAKPOINT", gdb.BP_BREAKPOINT)
        super().__init__("*0x%x" % place.address, type=kind, internal=True)
        self.silent = True
        self.place, self.error = place, None

    def stop(self):
        memory.forget()
        try:
            return bool(self.place.when())
        except (gdb.error, Sorry, LookupError) as error:
            self.error = error
            return True


class Guide:
    """Where the tour is."""

    def __init__(self):
        self.stops = [stop() for stop in STOPS]
        self.last = -1       # the stop that was shown last, by its index
        self.moments = []    # of that stop: those that are still to be shown
        self.registers = self.walks = None  # at its last moment
        self.typed = None    # the command that was typed for the next stop
        self.told = {}       # what was shown, by the index of the stop
        self.interrupted = False  # the machine has stopped between two stops

    def over(self):
        return self.last == len(self.stops) - 1 and not self.moments

    def catch_up(self):
        """The reader may have continued without the tour, past the remaining moments of the last stop."""
        if self.moments and not self.stops[self.last].can_go_on():
            self.moments = []

    # ---- running ----

    def next(self):
        """Run to the next moment. Returns its text."""
        memory.forget()
        self.interrupted = False
        if not self.moments:
            here = self.stop_here()
            if here is not None:
                return self.show_stop(here)
        return self.run(self.places())

    def stop_here(self):
        """The stop, not shown yet, at whose place the machine already is."""
        if not kernel.is_loaded():
            return None
        for index in range(self.last + 1, len(self.stops)):
            place = self.stops[index].place()
            if place and place.address == memory.eip() and place.when():
                return index
        return None

    def places(self):
        """The places to wait at, with the stop that begins there: the next moment of this stop (None), and all stops that can still
        come."""
        stops = range(self.last + 1, len(self.stops))
        if not kernel.is_loaded():
            stops = range(1)
        elif not self.moments:
            self.type_command()
        found = [(self.moments[0].place, None)] if self.moments else []
        found += [(self.stops[index].place(), index) for index in stops]
        return [(place, index) for place, index in found if place]

    def type_command(self):
        """After the boot, a stop needs a command."""
        stop = next((stop for stop in self.stops[self.last + 1:] if stop.command), None)
        if not stop or not kernel.is_sealed():
            return
        if stop.command == tour_program.COMMAND and tour_program.lives():
            self.typed = None
        elif self.typed != stop.command:
            if stop.missing():
                raise Sorry(stop.missing())
            self.typed = stop.command
            self.type(stop.command)

    def type(self, command):
        if Console.connection:
            Console.send(command)
        else:
            print("(the next stop needs a command: type `%s` where QEMU was started)" % command)
            sys.stdout.flush()

    def run(self, places):
        """Run to the first of these places."""
        waiting = []
        try:
            for place, _ in places:
                waiting.append(Breakpoint(place))
            gdb.execute("continue", to_string=True)
        finally:
            for breakpoint in waiting:
                breakpoint.delete()
        if not memory.machine_is_there():
            raise Sorry("the machine has ended")
        for error in filter(None, (breakpoint.error for breakpoint in waiting)):
            raise error
        memory.forget()
        for place, index in places:
            if place.address == memory.eip() and place.when():
                return self.show_moment() if index is None else self.show_stop(index)
        self.interrupted = True
        return tour_text.paragraph(BETWEEN) + "\n\n" + tour_text.block(tour_text.register_lines(tour_text.registers(), ()))

    def run_to(self, index):
        """Run to the first moment of a stop that was not shown; those between are skipped, and can be read afterwards. Returns its text."""
        while self.last < index:
            text = self.next()
            if self.interrupted:
                return text
        if self.last > index:
            raise Sorry("the machine was past `%s` already, and stands at `%s`" % (STOPS[index].typed(), STOPS[self.last].typed()))
        return text

    def again(self, index):
        """A stop that was shown, from memory."""
        if index not in self.told:
            raise Sorry("the machine was past `%s` before it was asked for, so there is nothing to show" % STOPS[index].typed())
        if index == self.last:
            return "\n\n".join(self.told[index])
        note = "(As it was then. The machine is now at %s or later.)" % heading_name(STOPS[self.last])
        return "\n\n".join([self.told[index][0], tour_text.paragraph(note)] + self.told[index][1:])

    # ---- showing ----

    def show_stop(self, index):
        stop = self.stops[index]
        self.last, self.moments, self.registers, self.walks = index, [], None, None
        stop.arrive()
        heading = "## %d of %d. %s: %s" % (index + 1, len(STOPS), heading_name(stop), stop.title)
        text = [tour_text.paragraph(stop.text), tour_text.block(tour_text.folded(stop.source()))]
        self.moments = list(stop.moments())
        self.told[index] = [heading, "\n\n".join(text + [self.now(stop, stop.begins)])]
        return "\n\n".join(self.told[index])

    def show_moment(self):
        moment = self.moments.pop(0)
        stop = self.stops[self.last]
        text = self.now(stop, moment.title)
        if moment.check:
            moment.check()
        if self.moments and callable(self.moments[0].place):
            self.moments[0] = self.moments[0]._replace(place=self.moments[0].place())
        self.told[self.last].append(text)
        return text

    def now(self, stop, title):
        """Registers, walks and facts of this moment, compared with the last one."""
        registers = tour_text.registers(stop.extra)
        lines = tour_text.register_lines(registers, self.registers or ())
        found = []
        for number, view in enumerate(stop.views()):
            shown, walks = tour_text.view_lines(view, self.walks and self.walks[number])
            lines += [""] + shown
            found.append(walks)
        facts = stop.facts()
        if facts:
            lines += [""] + tour_text.folded(facts)
        self.registers, self.walks = registers, found
        return "%s:\n\n%s" % (title, tour_text.block(lines))


def heading_name(stop):
    return stop.name[0].upper() + stop.name[1:] if " " in stop.name else "`%s`" % stop.name


def find_stop(text):
    """The index of a stop by its number, its word, or the beginning of one."""
    if text.isdecimal():
        found = [int(text) - 1] if 1 <= int(text) <= len(STOPS) else []
    else:
        found = [index for index, stop in enumerate(STOPS) if stop.typed().startswith(text)]
        found = [index for index in found if STOPS[index].typed() == text] or found
    if len(found) != 1:
        what = "begins the names of %d" % len(found) if found else "is not one of the %d" % len(STOPS)
        raise Sorry("`%s` %s stops: %s" % (text, what, " ".join(STOPS[index].typed() for index in found or range(len(STOPS)))))
    return found[0]


class Tour(cli.Command):
    name, usage, at_most, needs_kernel = "tour", "[all | NAME | transcript FILE]", 2, False
    __doc__ = """Run to the next stop of the tour.

Prints the page tables there. Each stop has at least two moments, before and
after; each `attic tour` shows the next one. `attic tour all` shows all that are
left, with Enter. `attic tour vmalloc` runs on to the stop of that name or
number and passes those between; an earlier one is shown again. The tour may
begin anywhere: the next stop shown is the next one that the machine comes to.
The stops:

%s""" % textwrap.fill(", ".join(stop.typed() for stop in STOPS), tour_text.WIDTH)
    guide = None

    def run(self, arguments):
        guide = Tour.guide = Tour.guide or Guide()
        guide.catch_up()
        if arguments[:1] == ["transcript"] and len(arguments) == 2:
            write_transcript(guide, arguments[1])
        elif arguments == ["all"]:
            tour_reader.walk_through(guide, find_stop, tour_text.paragraph(TAIL))
        elif len(arguments) > 1 or arguments == ["transcript"]:
            raise gdb.GdbError("usage: attic tour " + self.usage)
        elif arguments:
            index = find_stop(arguments[0])
            print(guide.run_to(index) if index > guide.last else guide.again(index))
        elif guide.over():
            raise Sorry("the tour is over; `make tour` begins again")
        else:
            print(guide.next())

    def complete(self, text, word):
        return cli.matching(["all", "transcript"] + [stop.typed() for stop in STOPS], word)


def write_transcript(guide, file):
    """Write the rest of the tour to a file, which exists only when it is complete."""
    with open(file + ".part", "w", encoding="utf-8") as out:
        out.write("\n\n".join([HEAD[0]] + [tour_text.paragraph(text) for text in HEAD[1:]]) % len(STOPS) + "\n")
        while not guide.over():
            out.write("\n%s\n" % next_in_order(guide))
        out.write("\n%s\n" % tour_text.paragraph(TAIL))
    os.rename(file + ".part", file)


def next_in_order(guide):
    """The next moment, which must be the one that comes next in the table."""
    last, left = guide.last, len(guide.moments)
    text = guide.next()
    if (guide.last, len(guide.moments)) != (last, left - 1) if left else guide.last != last + 1:
        name = guide.moments[0].title if left else STOPS[last + 1].name
        raise Sorry("what comes behind `%s` did not come: %s" % (STOPS[last].name, name))
    return text
