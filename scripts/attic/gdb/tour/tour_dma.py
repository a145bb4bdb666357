"""The last stop of the tour: a device, and why it cannot use an address of the vmalloc area.

The monitor's command `dma` (kernel/monitor/monitor_dma.c) has a buffer of two pages whose frames are not adjacent. It tries
dma_map_single(), which refuses, and then passes the same pages to dma_map_sg(). The stop reads the results of the two, and counts the runs
of adjacent frames itself, in the page table.

Limits: the machine needs QEMU's device `edu`.
"""
from attic.gdb import frame_runs, kernel, memory
from attic.gdb.tour.tour_stop import Moment, Stop, at, expect, unchanged_views, when_returned
from attic.gdb.tour.tour_text import frame_line, function_source, number, view

EADDRNOTAVAIL = 99  # <asm/errno.h>


def is_vmalloc(addr):
    return kernel.region(addr).id == "REGION_VMALLOC"


class Dma(Stop):
    name, word, command = "a device", "dma", "dma"
    title = "an address is refused, frames are accepted"
    text = """The monitor's command `dma` has a buffer in the vmalloc area, two pages side by side whose frames are not
        neighbours, and wants a device to read it. A device does not use page tables: it gets a physical address and counts up
        from there. So dma_map_single(), which would give the device one such address for the whole buffer, refuses an address
        of the vmalloc area with -EADDRNOTAVAIL. dma_map_sg() takes the same pages as a list of frames, and makes one segment of
        each run of neighbours; here each frame is a separate run, so the device gets two segments. No entry changes: the memory
        is the same, only the device uses it now."""

    buffer = segments = 0
    scatterlist = None

    def place(self):
        return at("dma_map_single", when=lambda: is_vmalloc(memory.register("edx")))

    def source(self):
        return function_source("dma_map_single", 12)

    def missing(self):
        if kernel.variable("edu", "drivers/edu.c").registers:
            return None
        return "the next stop needs a device that this machine does not have (QEMU: -device edu)"

    def can_go_on(self):
        return any(area.start == self.buffer for area in kernel.vmap_areas())

    def arrive(self):
        self.buffer, self.size = memory.register("edx"), memory.register("ecx")
        self.frames = [walk.physical for walk in self.views()[0].walks()]
        self.runs = frame_runs.runs(self.buffer, self.buffer + self.size - 1)
        expect(len(self.frames) == len(self.runs) == 2, "the buffer has two pages, and their frames are not adjacent")

    def views(self):
        return [view("the buffer", *range(self.buffer, self.buffer + self.size, memory.PAGE_SIZE))]

    def moments(self):
        self.unchanged = unchanged_views(self, "no entry changes")
        return [Moment("After, when `dma_map_single()` has returned", when_returned(), self.refused),
                Moment("Then, at `dma_map_sg()`", at("dma_map_sg"), self.second),
                Moment("After, when `dma_map_sg()` has returned", when_returned, self.taken)]

    def facts(self):
        if memory.eip() == kernel.address_of("dma_map_single"):
            return ["asked for: one address for %d bytes from %s on" % (self.size, number(self.buffer))] \
                + [frame_line(addr) for addr in self.frames]
        if memory.eip() == kernel.address_of("dma_map_sg"):
            return ["asked for: segments for a list of %d pieces" % memory.register("ecx")] + self.pieces()
        result = memory.register("eax")
        if result >> 31:
            return ["EAX=%d: EADDRNOTAVAIL" % (result - (1 << 32))]
        return ["EAX=%d segments for the device" % result] + ["segment %d: %d bytes at physical %s" % (i, *segment)
                for i, segment in enumerate(self.found(result))]

    def entry(self, index):
        return kernel.Object("struct scatterlist", (self.scatterlist or memory.register("edx"))
                             + index * kernel.size_of("struct scatterlist"))

    def pieces(self):
        return ["piece %d: %d bytes in %s" % (i, self.entry(i).length, frame_line(self.frames[i]))
                for i in range(memory.register("ecx"))]

    def found(self, count):
        """(bytes, physical address) of the segments."""
        return [(self.entry(i).dma_length, number(self.entry(i).dma_address)) for i in range(count)]

    def refused(self):
        self.unchanged()
        expect(memory.register("eax") == (1 << 32) - EADDRNOTAVAIL, "dma_map_single() refuses with -EADDRNOTAVAIL")

    def second(self):
        self.scatterlist = memory.register("edx")
        expect(memory.register("ecx") == len(self.frames), "the list has a piece for each page")

    def taken(self):
        self.unchanged()
        expect(self.found(memory.register("eax")) == [(last + 1 - first, number(first)) for first, last in self.runs],
               "there is one segment for each run of frames")
