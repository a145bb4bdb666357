"""`attic walk`: the entries through which the processor gets from an address to a frame, and the rights of ring 0 and ring 3.

Each level is two lines: index, physical address of the entry and its value; then its bits in words. RW and US count at both levels, so the
lines below show what the two allow together, for the kernel and for ring 3, and which level forbids the rest. What ring 0 may do depends
on control registers too (CR0.WP, CR4.SMEP, CR4.SMAP; Intel SDM vol. 3, 4.6), and these are read now.

Limits: the tables are walked, not the TLB. If an entry was changed without an invalidation, the processor may still use the old one.

Neighbours: paging.py walks, spaces.py finds the directory; explain.py shows more about an address.
"""
from attic import tables
from attic.gdb import cli, kernel, memory, paging, spaces


class Walk(cli.Command):
    """Walk a page directory for an address.

Prints what the processor meets: the entry of each level with its bits in words,
the frame, what ring 0 and ring 3 may do there, and which level forbids more.

VA is a number or any gdb expression: 0xc0110000, kernel_main, &jiffies, $esp.
With PID it may also be a name in the program of that process, if the build has
the program. PID is a process, or `master`, `boot` or `loaded` (the default).
Where paging is off, the walk says so."""

    name, usage, at_least, at_most, expression = "walk", "VA [PID]", 1, 2, True

    def run(self, arguments):
        addr = cli.place(arguments)
        if len(arguments) == 1 and not paging.paging_is_on():
            cli.say("0x%08x is physical: paging is off, and the processor uses addresses as they are" % addr)
            return
        space = spaces.named(*arguments[1:])
        walk = paging.walk(space.directory, addr)
        cli.say("0x%08x (%s) in %s, at physical 0x%08x:" % (addr, kernel.region_name(addr), space.text, space.directory))
        for entry in walk.entries:
            cli.say("%s %4d at 0x%08x: 0x%08x" % (entry.level, entry.index, entry.at, entry.value), "  ")
            cli.say(entry.words(), "    ")
        for line in result(walk):
            cli.say(line, "  ")


def result(walk):
    """Where the walk ends, and what may be done there."""
    if not walk.mapped:
        yield "not mapped: the %s is not present" % walk.last.level
        return
    yield "-> physical 0x%08x, in a %s page" % (walk.physical, "4 MiB" if walk.pde.large else "4 KiB")
    yield ring0_text(walk)
    yield ring3_text(walk)


def ring0_text(walk):
    """The rights of ring 0. SMAP and SMEP forbid user pages before RW is checked."""
    user = walk.rights & tables.US
    if user and paging.smap_holds():
        said = "ring 0 may not touch it now: US=1, and CR4.SMAP is on; between stac and clac it may " + touch_text(walk)
    else:
        said = "ring 0 may " + touch_text(walk)
    return said + ("; it may not run code there: US=1, and CR4.SMEP is on"
                   if user and memory.register("cr4") & paging.CR4_SMEP else "")


def touch_text(walk):
    if walk.rights & tables.RW:
        return "read and write"
    if memory.register("cr0") & paging.CR0_WP:
        return "read; writes are forbidden by RW=0 in the %s (CR0.WP is on)" % walk.forbids(tables.RW)
    return "read and, as CR0.WP is off, write: RW=0 in the %s does not count" % walk.forbids(tables.RW)


def ring3_text(walk):
    if not walk.rights & tables.US:
        return "ring 3 may not read, write or run code: US=0 in the %s" % walk.forbids(tables.US)
    if walk.rights & tables.RW:
        return "ring 3 may read, write and run code"
    return "ring 3 may read and run code; writes are forbidden by RW=0 in the %s" % walk.forbids(tables.RW)
