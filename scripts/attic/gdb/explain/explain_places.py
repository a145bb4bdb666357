"""Facts for explanations: the region, the area and the neighbours of an address, from the kernel's own lists: the counterpart of the second
half of mm/check/explain_walk.c.

Lists that do not exist yet at a stage are not guessed: the place then has a sentence instead of an area. Until a list exists, only the
map's regions are known.

Limits: a damaged list gives only an error sentence, where the kernel's own explanation shows as much as it can still read.

Neighbours: explain_walk.py has the entries; kernel.py the lists.
"""
from collections import namedtuple

from attic.gdb import Sorry, kernel, memory, objects, paging

# Both ends belong to it; name, caller: addresses of the kernel's, or 0; of: the struct vm_area, of a process's areas.
Area = namedtuple("Area", "kind start last name caller of", defaults=("", 0, None))
KINDS = {"vmalloc": "EXPLAIN_VMALLOC", "vmap": "EXPLAIN_VMAP", "ioremap": "EXPLAIN_IOREMAP"}


class Place:
    """Where an address is. area: the area with it, or None; below, above: the nearest areas if there is none; sorry: why no list is
    available."""

    def __init__(self, space, addr, mapped):
        self.addr, self.space, self.mapped = addr, space, mapped
        self.regions = list(kernel.regions())
        self.region = kernel.region(addr)
        self.area = self.below = self.above = self.sorry = None
        self.gap = "EXPLAIN_NO_GAP"
        find = {"REGION_LOWMEM": self._find_row, "REGION_VMALLOC": self._find_vmap, "REGION_FIXMAP": self._find_slots,
                "REGION_USER": self._find_user, "REGION_NULL": self._find_user}.get(self.region.id)
        try:
            self._check_stage()
            if find:
                find()
        except Sorry as sorry:
            self.sorry = sorry
        if not self.area:
            self._find_regions()

    def _check_stage(self):
        """What the boot directory maps outside of lowmem has no owner."""
        booting = self.space.directory == kernel.boot_directory() and not kernel.is_sealed()
        if booting and self.mapped and self.region.id != "REGION_LOWMEM":
            raise kernel.NotYet("none: the boot directory shows physical memory here, for a while")

    def _find_regions(self):
        """The neighbours of the first and the last area of a region are the adjacent regions."""
        at = self.regions.index(self.region)
        if not self.below and at + 1 < len(self.regions):
            self.below = _region_area(self.regions[at + 1])
        if not self.above and at > 0:
            self.above = _region_area(self.regions[at - 1])

    def _find_row(self):
        rows = kernel.map_rows()
        if not rows:
            raise kernel.NotYet("which part of it, is not known yet: lowmem_map_init() makes the rows")
        row = next((row for row in rows if row.virt <= self.addr < row.virt + row.size), None)
        if row:
            self.area = Area("EXPLAIN_ROW", row.virt, row.virt + row.size - 1, kernel.string(row.name))

    def _find_vmap(self):
        if not objects.Object("struct rb_root", objects.address_of("vmap_ranges")).rb_node:
            raise kernel.NotYet("none yet: vmalloc_init() makes the first free range")
        self._take_sides(_vmap_area(area) for area in kernel.vmap_areas())
        if self.below and not self.area and self.addr <= self.below.last + memory.PAGE_SIZE:
            self.gap = "EXPLAIN_GUARD_PAGE"

    def _find_slots(self):
        self._take_sides(Area("EXPLAIN_SLOT", page.start, page.start + memory.PAGE_SIZE - 1)
                         for page in paging.pages(self.space.directory, self.region.first, self.region.last))

    def _find_user(self):
        if self.space.mm is None:
            return
        self._take_sides(_user_area(area) for area in kernel.vm_areas(self.space.mm))
        if (self.above and not self.area and "VM_GROWSDOWN" in kernel.flag_names("vm_flags", self.above.of.flags)
                and self._is_below_stack(self.above)):
            self.gap = "EXPLAIN_STACK_GAP"

    def _is_below_stack(self, stack):
        """The stack may grow to here, or this is the gap that it keeps free."""
        page = self.addr - self.addr % memory.PAGE_SIZE
        distance = objects.enumerators("mm_distances")["MM_GUARD_GAP"]
        return stack.last - page < self.space.mm.stack_limit or stack.start - self.addr <= distance

    def _take_sides(self, areas):
        """From areas in order of address, take the one with the address, or those next to it."""
        for area in areas:
            if area.start > self.addr:
                self.above = area
                break
            self.below = area
        if self.below and self.addr <= self.below.last:
            self.area = self.below


def _region_area(region):
    return Area("EXPLAIN_REGION", region.first, region.last, region.text)


def _vmap_area(area):
    """Without its guard."""
    return Area(KINDS[kernel.area_kind(area)], area.start, area.end - memory.PAGE_SIZE - 1, "", area.caller)


def _user_area(area):
    return Area("EXPLAIN_USER", area.start, area.end - 1, kernel.string(area.name) if area.name else "", area.caller, area)
