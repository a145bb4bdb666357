"""`attic explain`: everything about one address, in the format of the monitor's `explain`.

The kernel's own functions cannot be called from here: paging may be off, the processor in ring 3 or in a panic. So this is a second
implementation: the facts are read from outside (explain_walk.py, explain_places.py, explain_frame.py), the words are the kernel's
(explain_words.py), and this file has the order of the lines and the text between the words, as in kernel/view/explain.c and
kernel/view/explain_frame.c. tests/run/gdb/test_gdb_explain.py compares the two, byte by byte.

This file has its own sentences for what the kernel never sees: paging that is off, and lists that do not exist yet.

Limits: the kernel leaves out a path of 128 characters and more; here it is shown.
"""
from attic import tables
from attic.gdb import Sorry, cli, frame_runs, kernel, memory, objects, paging, spaces, symbols
from attic.gdb.explain import explain_frame, explain_physical, explain_places, explain_walk, explain_words as words, explain_wrong
from attic.gdb.explain.explain_words import say, text


class Explain(cli.Command):
    """Print all that is known of an address.

The lines are those of the monitor's `explain`: the region and the area, both
entries bit by bit, what ring 0 and ring 3 may do and which bit decides, the
frame with its owner and its other addresses, the neighbours of an address that
is free, and whether a device may be given it.

VA is a number or any gdb expression; PID is a process, or `master`, `boot`
or `loaded` (what CR3 holds: the default; the monitor's `explain VA` uses
`master`)."""

    name, usage, at_least, at_most, expression = "explain", "VA [PID]", 1, 2, True

    def run(self, arguments):
        addr = cli.place(arguments)
        if len(arguments) == 1 and not paging.paging_is_on():
            explain_physical.explain(addr)
        else:
            explain(spaces.named(*arguments[1:]), addr)


def explain(space, addr):
    walk = explain_walk.Walk(space.directory, addr)
    place = explain_places.Place(space, addr, walk.mapped)
    say_place(place)
    for step in walk.steps:
        say_entry(step, place)
    say_walk(walk)
    say_wrong(walk, place)
    say_rights("LABEL_RING0", walk, 0)
    say_rights("LABEL_RING3", walk, 3)
    if walk.frame is not None:
        say_frame(walk.frame)
        say_aliases(space, addr, walk.frame)
    if not place.area and not (place.sorry and walk.mapped):
        say_area("LABEL_ABOVE", place.above, addr, place.gap if place.gap == "EXPLAIN_STACK_GAP" else None)
        say_area("LABEL_BELOW", place.below, addr, place.gap if place.gap == "EXPLAIN_GUARD_PAGE" else None)
    say_device(place.region, addr, walk.physical)


# ---- where it is ----

def address_text(addr):
    return "0x%08x" % addr + (" " + kernel.symbol_text(addr) if symbols.table().find(addr) else "")


def say_place(place):
    user, mm = place.addr < kernel.page_offset(), place.space.mm
    line = address_text(place.addr)
    if mm:
        line += " %s %s" % (text("TEXT_OF" if user else "TEXT_DIRECTORY_OF"), process_text(mm))
    elif user:
        line += " " + text("TEXT_NO_PROCESS")
    say("LABEL_ADDRESS", line)
    if user and not mm:
        say_processes(place.addr)
    say("LABEL_REGION", "0x%08x..0x%08x %s" % (place.region.first, place.region.last, place.region.text))
    if place.sorry:
        say("LABEL_AREA", place.sorry)
    elif place.area:
        say_area("LABEL_AREA", place.area, place.addr)
    if place.area and place.area.kind in ("EXPLAIN_VMALLOC", "EXPLAIN_VMAP"):
        say_runs(place.area)


def say_runs(area):
    for number, line in enumerate(frame_runs.lines(area.start, area.last)):
        say("LABEL_MORE" if number else "LABEL_FRAMES", line)


def process_text(mm):
    """The first process with an address space; it may have ended, or exec may still be creating it."""
    return next((kernel.task_text(task) for task in kernel.tasks() if task.mm == mm.address), text("TEXT_ENDED"))


def say_processes(addr):
    """The processes with an area at a user address, if no process was given."""
    found = [task for task in kernel.tasks() if task.mm and has_area(task.deref("mm"), addr)]
    for task in found:
        say("LABEL_TRY" if task is found[0] else "LABEL_MORE",
            "%s 0x%08x %-5d (%s)" % (text("TEXT_TRY"), addr, task.pid, task.comm))
    if not found:
        say("LABEL_TRY", text("TEXT_TRY_ADDR"))


def has_area(mm, addr):
    return any(area.start <= addr < area.end for area in kernel.vm_areas(mm))


def say_area(label, area, addr, gap=None):
    say(label, area_text(area, addr) if area else text("TEXT_NOTHING"))
    if gap:
        say("LABEL_MORE", words.gap(gap))
    if area and area.caller:
        say("LABEL_MORE", "%s %s" % (text("TEXT_MADE_BY"), kernel.symbol_text(area.caller)))


def area_text(area, addr):
    """An area with addr in it or next to it; of a file, with the page there, or the first."""
    parts = ["0x%08x..0x%08x" % (area.start, area.last)]
    parts += [kernel.rights_text(area.of)] if area.of else []
    parts += [word for word in (words.kind(area.kind), area.name) if word]
    line = " ".join(parts)
    if area.of:
        return line + (file_text(area, addr) if area.of.file else "")
    stack = stack_text(area.start) if area.kind == "EXPLAIN_VMALLOC" else ""
    return line + (", %s %s" % (text("TEXT_STACK_OF"), stack) if stack else "")


def file_text(area, addr):
    inside = area.start <= addr <= area.last
    page = area.of.pgoff + ((addr - area.start) // memory.PAGE_SIZE if inside else 0)
    mapping = area.of.deref("file")
    path = " %s %s" % (text("TEXT_OF"), kernel.file_text(mapping)) if kernel.is_file(mapping) else ""
    return ", %s %d%s" % (text("TEXT_PAGE"), page, path)


def stack_text(start):
    return next((kernel.task_text(task) for task in kernel.tasks() if task.stack == start), "")


# ---- entries, walk, rights ----

def say_entry(step, place):
    entry, at, physical = step.entry, text("TEXT_AT"), text("TEXT_PHYSICAL")
    if entry.value is None:
        line = "%s %s 0x%08x: %s" % (at, physical, entry.at, text("TEXT_UNREAD"))
    else:
        line = "0x%08x %s 0x%08x, %s 0x%08x" % (entry.value, at, kernel.page_offset() + entry.at, physical, entry.at)
    print("%-10s%s" % ("%s %d" % (words.level(explain_walk.LEVELS[entry.level]), entry.index), line))
    if entry.value is not None:
        say("LABEL_MORE", words.content(step.content) if step.content else
            "%s %s %s 0x%08x" % (words.form(step.form), at, physical, entry.frame))
    for bits in words.bits(step.form):
        say("LABEL_MORE", ", ".join(bit_text(step, place, *bit) for bit in bits))


def bit_text(step, place, mask, name, meaning):
    value = (step.entry.value & mask) // (mask & -mask)
    said = meaning[value != 0]
    if mask == tables.AVL and step.form == "EXPLAIN_PAGE" and place.region.id == "REGION_VMALLOC":
        said = words.avl(value)
    return "%s=%d %s" % (name, value, said)


def decider(walk, why, level):
    """The bit, and its entry: "PDE 768: US=0"."""
    return ("%s %d: " % (words.level(level), walk.index(level)) if level else "") + words.why(why)


def say_walk(walk):
    if walk.mapped:
        said = "%s %s 0x%08x" % (text("TEXT_ENDS_AT"), text("TEXT_PHYSICAL"), walk.physical)
    else:
        said = "%s %s" % (text("TEXT_STOPS_AT"), decider(walk, walk.rights(0)["EXPLAIN_READ"].why, walk.stop))
    say("LABEL_WALK", said)


def say_wrong(walk, place):
    """What contradicts the address map. A list that cannot be read is reported elsewhere."""
    wrong = None if place.sorry else explain_wrong.find(walk, place)
    if wrong:
        say("LABEL_WRONG", words.wrong(wrong))


def say_rights(label, walk, ring):
    """A line for all accesses that are decided alike."""
    rights = walk.rights(ring)
    for right in dict.fromkeys(rights.values()):
        line = text("TEXT_MAY" if right.allowed else "TEXT_MAY_NOT") + " "
        line += ", ".join(words.access(access) for access in rights if rights[access] == right)
        if right.why != "EXPLAIN_NOTHING":
            line += " (%s)" % decider(walk, right.why, right.level)
        say(label, line)
        label = "LABEL_MORE"


# ---- the frame, devices ----

def say_frame(phys):
    try:
        frame = explain_frame.frame_of(phys)
    except Sorry as sorry:
        say("LABEL_FRAME", "0x%08x; %s" % (phys, sorry))
        return
    if frame is None:
        say("LABEL_FRAME", "0x%08x %s" % (phys, text("TEXT_NO_FRAME")))
        return
    said = [frame.owner or text("TEXT_LOST")]
    said += [text("TEXT_RESERVED")] if frame.reserved else []
    said += [text("TEXT_ZERO_PAGE")] if frame.zero_page else []
    say("LABEL_FRAME", "0x%08x %s; %s %d" % (phys, ", ".join(said), text("TEXT_REFERENCES"), frame.references))
    if frame.block_frames > 1:
        say("LABEL_MORE", "%s %d %s 0x%08x, %s %d" % (text("TEXT_BLOCK_OF"), frame.block_frames, text("TEXT_FRAMES_AT"),
                                                      frame.block, text("TEXT_ITS_REFERENCES"), frame.block_references))


def say_aliases(space, addr, phys):
    """The first of them, as many as the kernel lists, and the number of the others."""
    try:
        found = list(explain_frame.aliases(space, addr, phys))
    except Sorry as sorry:
        say("LABEL_ALSO", sorry)
        return
    most = objects.array_length("struct explain_aliases", "list")
    for alias in found[:most]:
        say("LABEL_ALSO" if alias is found[0] else "LABEL_MORE", alias_text(alias, addr & 0xFFF))
    if not found:
        say("LABEL_ALSO", text("TEXT_NO_OTHER"))
    if len(found) > most:
        say("LABEL_MORE", "%s %d %s" % (text("TEXT_AND_MORE"), len(found) - most, text("TEXT_MORE")))


def alias_text(alias, offset):
    if alias.mm:
        whose = "%s %s" % (text("TEXT_OF"), process_text(alias.mm))
    elif alias.addr < kernel.page_offset():
        whose = text("TEXT_OF") + " the boot directory"
    else:
        whose = kernel.region_name(alias.addr)
    return "0x%08x %s%s" % (alias.addr + offset, whose, "" if alias.present else ", " + text("TEXT_KEPT"))


def say_device(region, addr, phys):
    try:
        verdicts = explain_frame.dma_verdicts(region, addr)
    except Sorry as sorry:
        say("LABEL_DEVICE", sorry)
        return
    if verdicts[0] == verdicts[1]:
        say_verdict("LABEL_DEVICE", "TEXT_HAVE", verdicts[0], phys)
        return
    say_verdict("LABEL_DEVICE", "TEXT_READ", verdicts[0], phys)
    say_verdict("LABEL_MORE", "TEXT_WRITE", verdicts[1], phys)


def say_verdict(label, verb, verdict, phys):
    if verdict == "DMA_GRANTED":
        said = " ".join(map(text, ("TEXT_MAY", verb, "TEXT_IT", "TEXT_AT", "TEXT_PHYSICAL")))
        say(label, "%s 0x%08x" % (said, phys))
        return
    name, why = words.refusal(verdict)
    say(label, "%s %s %s: %s" % (text("TEXT_MAY_NOT"), text(verb), text("TEXT_IT"), name))
    say("LABEL_MORE", why)
