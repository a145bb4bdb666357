"""attic tour: from the first instruction to a vfree, with the page tables before and after.

The stops are in tour_boot.py and tour_life.py; here the machine is run from one to the next. Places are hardware breakpoints:
a software breakpoint is an instruction written to memory, and before GRUB has loaded the kernel, or while an address means
something else than later, it would be written to the wrong place.

The tour may begin anywhere: it waits at the places of all stops that can still come, and the first that the machine meets is
the next one shown. GRUB uses the memory at 1 MiB before the kernel lies there, so until then only `_start` is waited for. A stop
whose first moment was shown is finished with its next one, unless another stop comes first: then the reader went on alone.
"""
import os
import select
import sys

import gdb

from attic.gdb import Sorry, cli, kernel, memory
from attic.gdb.console import Console
from attic.gdb.tour import tour_boot, tour_life, tour_program, tour_text

STOPS = tour_boot.STOPS + tour_life.STOPS

HEAD = ("<!-- generated: compared by tests/run/gdb/test_tour.py -->\n\n# A tour of the memory, from the first instruction on", """
`make tour` runs Attic under gdb and stops at %d places: the stages of the boot, and then the life of a small process,
user/tour.c. Each stop shows source, the registers that rule paging, and a walk through the page tables, before and after.
This is all that it prints; `make tour BATCH=1` writes it again, and a test compares. What depends on the build and the machine
may vary: addresses of code and of stacks, of frames and of tables, the entries and tags that hold such addresses, and numbers
of lines. All else is always the same: which entries change and how, their bits, their indices, who has a frame and how often.
""", """
An entry stands with its index, the physical address where it lies, its value, and its bits by Intel's names: P present, RW
may be written, US ring 3 may use it, A accessed and D written to (both set by the processor; in its own half the kernel has
set them beforehand), PS a page of 4 MiB, G global, AVL for software. Below the entries stands what an access finds, by the
rights of both levels and by the control registers; `with AC` means that ring 0 may touch a page of ring 3 only while EFLAGS.AC
is set (SMAP), as it is while the kernel copies from and to a program. `*` marks what has changed since the moment before: in
front of an entry, behind a register.
""")
TAIL = "The child is gone, and nothing of it is left. The parent prints one line and ends, and the prompt is back."


class Breakpoint(gdb.Breakpoint):
    """A silent breakpoint that takes no number from the user's, and lets those pass who are not meant."""

    def __init__(self, place):
        # gdb 10 has no name for hardware breakpoints here; QEMU writes no instruction for the others either.
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
        self.moments = []    # of that stop: those that are still to come
        self.registers = self.walks = None  # at its last moment
        self.typed = False   # the program was asked for and has not been seen yet

    def over(self):
        return self.last == len(self.stops) - 1 and not self.moments

    def catch_up(self):
        """The reader may have gone on alone, past what was left of the last stop."""
        if self.moments and not self.stops[self.last].can_go_on():
            self.moments = []

    # ---- running ----

    def next(self):
        """Go on to the next moment. Its text."""
        memory.forget()
        if not self.moments:
            here = self.stop_here()
            if here is not None:
                return self.show_stop(here)
        return self.run(self.places())

    def stop_here(self):
        """The stop, not shown yet, at whose place the machine stands already."""
        if not kernel.is_loaded():
            return None
        for index in range(self.last + 1, len(self.stops)):
            place = self.stops[index].place()
            if place and place.address == memory.eip() and place.when():
                return index
        return None

    def places(self):
        """Where to wait, with the stop that begins there: the next moment of this stop, if there is one (None), and all stops that
        can still come."""
        stops = range(self.last + 1, len(self.stops))
        if not kernel.is_loaded():
            stops = range(1)
        elif not self.moments:
            self.start_program()
        found = [(self.moments[0].place, None)] if self.moments else []
        found += [(self.stops[index].place(), index) for index in stops]
        return [(place, index) for place, index in found if place]

    def start_program(self):
        """Once the boot is over, nothing comes by itself."""
        if not kernel.is_sealed():
            return
        if tour_program.lives():
            self.typed = False
            return
        if self.typed:
            return
        self.typed = True
        if Console.connection:
            Console.send("run " + tour_program.NAME)
        else:
            print("(the next stop comes when the program is started: type `run %s` where QEMU was started)" % tour_program.NAME)
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
        return "Stopped between the stops, by a breakpoint of yours, a signal or Ctrl-C; `attic tour` goes on from here.\n\n" \
            + tour_text.block([tour_text.register_line(tour_text.registers(), ())])

    # ---- showing ----

    def show_stop(self, index):
        stop = self.stops[index]
        self.last, self.moments, self.registers, self.walks = index, [], None, None
        stop.arrive()
        text = ["## %d. `%s`: %s" % (index + 1, stop.name, stop.title) if " " not in stop.name else
                "## %d. %s: %s" % (index + 1, stop.name[0].upper() + stop.name[1:], stop.title),
                tour_text.paragraph(stop.text), tour_text.block(stop.source())]
        self.moments = list(stop.moments())
        return "\n\n".join(text + [self.now(stop, stop.begins)])

    def show_moment(self):
        moment = self.moments.pop(0)
        stop = self.stops[self.last]
        text = self.now(stop, moment.title)
        if moment.check:
            moment.check()
        return text

    def now(self, stop, title):
        """Registers, walks and facts of this moment, compared with the last one."""
        registers = tour_text.registers(stop.extra)
        lines = [tour_text.register_line(registers, self.registers or ())]
        found = []
        for number, view in enumerate(stop.views()):
            shown, walks = tour_text.view_lines(view, self.walks and self.walks[number])
            lines += [""] + shown
            found.append(walks)
        facts = stop.facts()
        if facts:
            lines += [""] + facts
        self.registers, self.walks = registers, found
        return "%s:\n\n%s" % (title, tour_text.block(lines))


def ask(question):
    """A line from the terminal; its end is like q, Ctrl-C like g. The waits are short, because between them Python hears of
    Ctrl-C; bytes are read one by one, because none may be left where select() does not see them."""
    print("\n" + question, end="", flush=True)
    line = b""
    try:
        while not line.endswith(b"\n"):
            if not select.select([0], [], [], 0.2)[0]:
                continue
            byte = os.read(0, 1)
            if not byte:
                return "q"
            line += byte
    except KeyboardInterrupt:
        return "g"
    return line.decode("latin-1").strip()


class Tour(cli.Command):
    name, usage, at_most, needs_kernel = "tour", "[all | transcript FILE]", 2, False
    __doc__ = """attic tour: run to the next stop of the tour and show what paging looks like there.

Each stop has two moments or more, before and after; each `attic tour` shows the next one.
`attic tour all` goes through all that are left, with Enter. The stops: %s.
It may begin anywhere: the next stop that the machine comes to is the next one shown.""" % ", ".join(stop.name for stop in STOPS)
    guide = None

    def run(self, arguments):
        guide = Tour.guide = Tour.guide or Guide()
        guide.catch_up()
        if arguments[:1] == ["transcript"] and len(arguments) == 2:
            write_transcript(guide, arguments[1])
        elif arguments == ["all"]:
            walk_through(guide)
        elif arguments:
            raise gdb.GdbError("usage: attic tour " + self.usage)
        elif guide.over():
            raise Sorry("the tour is over; `make tour` begins again")
        else:
            print(guide.next())

    def complete(self, text, word):
        return cli.matching(("all", "transcript"), word)


def write_transcript(guide, file):
    """All that is left, into a file that is there only when it is whole."""
    with open(file + ".part", "w", encoding="utf-8") as out:
        out.write("\n\n".join([HEAD[0]] + [tour_text.paragraph(text) for text in HEAD[1:]]) % len(STOPS) + "\n")
        while not guide.over():
            out.write("\n%s\n" % next_in_order(guide))
        out.write("\n%s\n" % TAIL)
    os.rename(file + ".part", file)


def next_in_order(guide):
    """The next moment, which must be the one that comes next in the table."""
    last, left = guide.last, len(guide.moments)
    text = guide.next()
    if (guide.last, len(guide.moments)) != (last, left - 1) if left else guide.last != last + 1:
        name = guide.moments[0].title if left else STOPS[last + 1].name
        raise Sorry("what comes behind `%s` did not come: %s" % (STOPS[last].name, name))
    return text


def walk_through(guide):
    """All that is left, with Enter: it takes the place of gdb's own questions whether to go on."""
    pagination = gdb.parameter("pagination")
    gdb.execute("set pagination off")
    try:
        ask_and_show(guide)
    finally:
        gdb.execute("set pagination %s" % ("on" if pagination else "off"))


def ask_and_show(guide):
    while not guide.over():
        print("\n" + guide.next())
        sys.stdout.flush()
        answer = "" if guide.over() else ask("-- Enter: on; g: gdb's prompt; q: quit -- ")
        if answer == "q":
            gdb.execute("quit")
        if answer == "g":
            print("`attic tour` goes on by one moment, `attic tour all` with Enter again.")
            return
    print("\n" + TAIL)
