"""`attic areas`: the vmalloc area, as vmallocinfo lists it, with the frames.

What is contiguous for the processor is scattered in memory: each area is listed with its frames as runs, read from the page tables of the
master directory, which all directories share. A kernel stack is listed with its task; other areas with the code address of the caller,
which the kernel stores for each.

Limits: gaps are not listed (`print *(struct vmap_area *)ADDR` shows one). The walk goes through the kernel's tree of areas,
so a damaged tree ends it with an error message; `attic map master` still shows the tables alone.

Neighbours: owners.py describes an area in words; mm/kva/vmap_area.c keeps them, kernel/proc/proc_mm.c prints the same list.
"""
from attic.gdb import cli, frame_runs, kernel, memory, owners


class Areas(cli.Command):
    """List the areas of the vmalloc area.

A line shows addresses, number of pages, kind, the code that asked for the area,
and its frames. The addresses are those of the pages; one more page behind each
area is its guard and is never mapped. The kinds: vmalloc owns its frames, vmap
maps frames that belong to something else, ioremap maps a device. Frames are
physical addresses, in runs of neighbours; `attic who` takes them."""

    name = "areas"

    def run(self, arguments):
        areas = list(kernel.vmap_areas())
        if not areas:
            raise kernel.NotYet("there are no areas: vmalloc_init() has not run, or none was allocated")
        stacks = {task.stack: task for task in kernel.tasks()}
        for area in areas:
            pages = (area.end - area.start) // memory.PAGE_SIZE - 1
            last = area.end - memory.PAGE_SIZE - 1
            print("0x%08x..0x%08x  %-10s %s" % (area.start, last, cli.count_text(pages, "page"),
                                              owners.vmap_text(area, stacks.get(area.start))))
            if kernel.area_kind(area) != "ioremap":
                for number, line in enumerate(frame_runs.lines(area.start, last)):
                    print("%-10s%s" % ("" if number else "  frames", line))
