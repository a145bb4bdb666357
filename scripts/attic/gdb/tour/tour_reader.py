"""`attic tour all`: the tour with its own prompt after each moment.

Enter continues to the next moment. `b` goes back by a stop, as far as the reader likes: the output is kept, and shown again while the
machine stays where it is; Enter then goes forward through the same stops until the machine's position is reached. The name or number of a
stop goes there, backward from memory, forward by running the machine. What does not fit the terminal is shown page by page.
"""
import os
import select
import sys

import gdb

from attic.gdb import Sorry, cli

KEYS = "b: back; NAME: a stop; g: gdb; q: quit -- "
QUESTION, MORE = "-- Enter: next; " + KEYS, "-- Enter: more; " + KEYS


def ask(question):
    """A line from the terminal; end of file is like q, Ctrl-C like g. The waits are short, because Python handles Ctrl-C only between them;
    bytes are read one by one, because select() does not see bytes in a buffer."""
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
        print()
        return "g"
    return line.decode("latin-1").strip()


def pages(text):
    """The text in pieces that fit the terminal with the question below, cut between paragraphs if that is possible; whole where there is no
    terminal."""
    try:
        room = os.get_terminal_size(1).lines - 3
    except OSError:
        return [text]
    found = []
    for paragraph in paragraphs(text, room):
        if found and found[-1].count("\n") + paragraph.count("\n") + 3 <= room:
            found[-1] += "\n\n" + paragraph
        else:
            found.append(paragraph)
    return found


def paragraphs(text, room):
    """Those that are too long are cut. A line that announces what follows (`Before:`) stays with it."""
    announced = []
    for paragraph in text.split("\n\n"):
        lines = announced + paragraph.split("\n")
        announced = [*lines, ""] if lines[-1].endswith(":") and len(lines) < room // 4 else []
        if not announced:
            yield from ("\n".join(lines[at:at + room]) for at in range(0, len(lines), room))
    if announced:
        yield "\n".join(announced[:-1])


def walk_through(guide, find_stop, tail):
    """Show the rest of the tour."""
    pagination = gdb.parameter("pagination")
    gdb.execute("set pagination off")
    try:
        Reader(guide, find_stop, tail).read()
    finally:
        gdb.execute("set pagination %s" % ("on" if pagination else "off"))


class Reader:
    def __init__(self, guide, find_stop, tail):
        self.guide, self.find_stop, self.tail = guide, find_stop, tail
        self.back = None  # the index of the stop that is shown again; None at the machine's position

    def read(self):
        """Run until the tour is over, or the reader asks for gdb's prompt."""
        left = pages(self.guide.next() if not self.guide.over() else "")
        while True:
            print("\n" + left.pop(0))
            sys.stdout.flush()
            if self.guide.over() and self.back is None and not left:
                print("\n" + self.tail)
                return
            answer = ask(MORE if left else QUESTION)
            if left and not answer:
                continue
            if answer == "q":
                gdb.execute("quit")
            if answer == "g":
                print("`attic tour` shows the next moment, `attic tour all` continues with Enter.")
                return
            try:
                left = pages(self.answer(answer))
            except Sorry as sorry:
                if not answer:
                    raise
                left = [cli.folded("%s." % sorry)]

    def answer(self, answer):
        if not answer:
            return self.forward()
        if answer == "b":
            return self.backward()
        index = self.find_stop(answer)
        if index > self.guide.last:
            self.back = None
            return self.guide.run_to(index)
        return self.show(index)

    def show(self, index):
        text = self.guide.again(index)
        self.back = None if index == self.guide.last else index
        return text

    def forward(self):
        if self.back is None:
            return self.guide.next()
        return self.show(min(index for index in self.guide.told if index > self.back))

    def backward(self):
        before = [index for index in self.guide.told if index < (self.guide.last if self.back is None else self.back)]
        if not before:
            raise Sorry("there is no stop before this one")
        return self.show(max(before))
