/* The region, the area and the neighbours of an address, from the kernel's own lists: the counterpart of the second half of
   mm/check/explain_walk.c. */
import { rowRange, userRange, vmapRange, type Kernel } from '../kernel.js';
import { P, PAGE_SIZE, type Range, type Region } from '../picture.js';
import type { AddressSpace } from '../spaces.js';
import { walk } from '../tables.js';
import type { Value } from '../value.js';

export interface Found extends Range {
    kind: string;      // of enum explain_kind
    name: string;
    caller: number;    // 0: none
    of: Value | null;  // the vm_area of an area of a process
}

const KINDS = { vmalloc: 'EXPLAIN_VMALLOC', vmap: 'EXPLAIN_VMAP', ioremap: 'EXPLAIN_IOREMAP' };

export class Place {
    readonly regions: Region[];
    readonly region: Region;
    area: Found | null = null;   // the area with the address,
    below: Found | null = null;  // or the nearest ones
    above: Found | null = null;
    gap = 'EXPLAIN_NO_GAP';

    constructor(private kernel: Kernel, readonly space: AddressSpace, readonly address: number) {
        this.regions = kernel.regions();
        this.region = kernel.region(address);
        this.findArea();
        if (!this.area)
            this.findRegions();
    }

    private findArea() {
        switch (this.region.id) {
        case 'REGION_LOWMEM':
            this.area = this.row();
            break;
        case 'REGION_VMALLOC':
            this.takeSides(this.kernel.vmapAreas().map(area => this.vmapArea(area)));
            if (this.below && !this.area && this.address <= this.below.last + PAGE_SIZE)
                this.gap = 'EXPLAIN_GUARD_PAGE';
            break;
        case 'REGION_FIXMAP':
            this.takeSides(this.slots());
            break;
        case 'REGION_USER':
        case 'REGION_NULL':
            if (this.space.mm)
                this.findUser(this.space.mm);
            break;
        }
    }

    /* The neighbours of the first and the last area of a region are the adjacent regions. */
    private findRegions() {
        const at = this.regions.findIndex(region => region.first === this.region.first);
        this.below ??= regionArea(this.regions[at + 1]);
        this.above ??= regionArea(this.regions[at - 1]);
    }

    private row(): Found | null {
        for (const row of this.kernel.mapRows()) {
            const range = rowRange(row);
            if (range.start <= this.address && this.address <= range.last)
                return { ...range, kind: 'EXPLAIN_ROW', name: row.field('name').text, caller: 0, of: null };
        }
        return null;
    }

    private vmapArea(area: Value): Found {
        return { ...vmapRange(area), kind: KINDS[this.kernel.areaKind(area)], name: '', caller: area.field('caller').number, of: null };
    }

    private slots(): Found[] {
        const found: Found[] = [];
        for (let start = this.region.first; start < this.region.last; start += PAGE_SIZE) {
            const last = walk(this.kernel.pages, this.space.directory, start, this.kernel.lowmem).last;
            if (last.value & P)
                found.push({ kind: 'EXPLAIN_SLOT', start, last: start + PAGE_SIZE - 1, name: '', caller: 0, of: null });
        }
        return found;
    }

    private findUser(mm: Value) {
        this.takeSides(this.kernel.vmAreas(mm).map(userArea));
        const above = this.above?.of;
        if (above && !this.area && above.field('flags').number & this.kernel.enumerator('vm_flags', 'VM_GROWSDOWN') &&
            this.isBelowStack(mm, this.above as Found))
            this.gap = 'EXPLAIN_STACK_GAP';
    }

    /* The stack may grow to here, or this is the gap that it keeps free. */
    private isBelowStack(mm: Value, stack: Found): boolean {
        const page = this.address - this.address % PAGE_SIZE, gap = this.kernel.enumerator('mm_distances', 'MM_GUARD_GAP');
        return stack.last - page < mm.field('stack_limit').number || stack.start - this.address <= gap;
    }

    /* From areas in order of address, take the one with the address, or those next to it. */
    private takeSides(areas: Found[]) {
        this.above = areas.find(area => area.start > this.address) ?? null;
        this.below = areas.filter(area => area.start <= this.address).pop() ?? null;
        if (this.below && this.address <= this.below.last)
            this.area = this.below;
    }
}

function regionArea(region?: Region): Found | null {
    return region ? { kind: 'EXPLAIN_REGION', start: region.first, last: region.last, name: region.text, caller: 0, of: null } : null;
}

function userArea(area: Value): Found {
    return { ...userRange(area), kind: 'EXPLAIN_USER', name: area.field('name').text, caller: area.field('caller').number, of: area };
}
