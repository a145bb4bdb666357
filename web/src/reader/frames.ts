/* Frames of RAM by owner, as mm/check/frames.c counts them: a frame is in a block of the page allocator, whose first struct page has its
   use, or it was reserved before there was an allocator, and memblock's list has the owner. */
import type { Kernel } from './kernel.js';
import { PAGE_SIZE, type Frames, type Owner } from './picture.js';
import { Damaged } from './value.js';

export interface PageInfo {
    pfn: number;
    type: number;
    order: number;
    head: boolean;     // the first of a block
    refcount: number;
}

/* All struct pages. Their words are read directly, as there are tens of thousands of them. */
export class StructPages {
    readonly max: number;
    private base: number;
    private size: number;
    private offsets: Record<'type' | 'order' | 'head' | 'refcount', number>;

    constructor(private kernel: Kernel) {
        this.max = kernel.variable('max_pfn').number;
        this.base = kernel.translate(kernel.variable('mem_map').number);
        this.size = kernel.sizeOf('page');
        const offset = (name: string) => kernel.offsetOf('page', name);
        this.offsets = { type: offset('type'), order: offset('order'), head: offset('head'), refcount: offset('refcount') };
    }

    get(pfn: number): PageInfo {
        const at = this.base + pfn * this.size;
        return { pfn, type: this.byte(at + this.offsets.type), order: this.byte(at + this.offsets.order),
                 head: this.byte(at + this.offsets.head) !== 0, refcount: this.kernel.physical(at + this.offsets.refcount) | 0 };
    }

    private byte(at: number): number {
        return this.kernel.physical(at & ~3) >>> ((at & 3) * 8) & 0xff;
    }

    /* The first page of the block that holds a frame; its own page if no block does. */
    block(pfn: number): PageInfo {
        for (let order = 0; order < 32; order++) {
            const first = this.get(pfn - pfn % 2 ** order);
            if (first.head)
                return first.order >= order ? first : this.get(pfn);
            if (first.pfn === 0)
                break;
        }
        return this.get(pfn);
    }
}

/* What memblock has recorded about frames that are in no block. */
export class Memblock {
    private usable: { start: number; end: number; name: string }[];
    private reserved: { start: number; end: number; name: string }[];

    constructor(kernel: Kernel) {
        this.usable = ranges(kernel, 'usable');
        this.reserved = ranges(kernel, 'reserved');
    }

    isRam(pfn: number): boolean {
        const at = pfn * PAGE_SIZE;
        return this.usable.some(range => range.start < at + PAGE_SIZE && at < range.end);
    }

    /* Who reserved the frame first, or null. */
    name(pfn: number): string | null {
        const at = pfn * PAGE_SIZE;
        return this.reserved.find(range => range.start <= at && at < range.end)?.name ?? null;
    }
}

function ranges(kernel: Kernel, which: string) {
    const found = kernel.variable(which), count = found.field('count').number;
    return Array.from({ length: count }, (_, i) => {
        const range = found.field('range').at(i);
        return { start: range.field('start').number, end: range.field('end').number, name: range.field('name').text };
    });
}

export function pageTypeName(kernel: Kernel, type: number): string {
    const names = kernel.variable('page_type_short_name.names');
    return type < names.length ? names.at(type).text : `no known type (${type})`;
}

/* ---- every frame ---- */

const LOST = 0xff;  // in Owners.reserved: if no block has the frame, nobody has it

/* All owners that a frame may have: those of struct page's types first, then those of the frames that were reserved at start-up, which stay
   what they are. So this is read once. */
export class Owners {
    readonly owners: Omit<Owner, 'frames'>[] = [];
    readonly reserved: Uint8Array;  // of each frame: its owner if no block has it, or LOST
    readonly lost: string;          // what the kernel calls those
    readonly reservedType: number;  // of enum page_type
    private firstType: number;      // that of the first owner
    private types: number;          // owners that are types

    constructor(kernel: Kernel) {
        const names = kernel.variable('page_type_short_name.names'), lastFree = kernel.enumerator('page_type', 'PAGE_HOT');
        this.reservedType = kernel.enumerator('page_type', 'PAGE_RESERVED');
        this.firstType = this.reservedType + 1;
        for (let type = this.firstType; type < names.length; type++)
            this.owners.push({ name: names.at(type).text, use: type <= lastFree ? 'free' : 'used' });
        this.types = this.owners.length;
        const memblock = new Memblock(kernel), noRam = kernel.variable('frame_no_ram').text;
        this.reserved = new Uint8Array(kernel.variable('max_pfn').number).map((_, pfn) =>
            memblock.isRam(pfn) ? this.numberOrLost(memblock.name(pfn)) : this.number(noRam, 'none'));
        this.lost = kernel.variable('explain_texts').at(kernel.enumerator('explain_text', 'TEXT_LOST')).text;
    }

    isReserved(owner: number): boolean {
        return this.owners[owner].use === 'reserved';
    }

    ofType(type: number): number {
        if (type < this.firstType || type - this.firstType >= this.types)
            throw new Damaged(`a block of frames has the type ${type}`);
        return type - this.firstType;
    }

    private numberOrLost(name: string | null): number {
        return name === null ? LOST : this.number(name, 'reserved');
    }

    private number(name: string, use: Owner['use']): number {
        const found = this.owners.findIndex(owner => owner.name === name && owner.use === use);
        return found < 0 ? this.owners.push({ name, use }) - 1 : found;
    }
}

/* The owner of each frame. */
export function frames(kernel: Kernel, all: Owners): Frames {
    const pages = new StructPages(kernel), owner = all.reserved.slice(), lost = all.owners.length, counts = new Array(lost + 1).fill(0);
    for (let pfn = 0; pfn < pages.max;) {
        const page = pages.get(pfn), size = page.head ? Math.min(2 ** page.order, pages.max - pfn) : 1;
        if (page.head)
            owner.fill(all.ofType(page.type), pfn, pfn + size);
        else if (owner[pfn] === LOST || page.type !== all.reservedType && all.isReserved(owner[pfn]))
            owner[pfn] = lost;
        counts[owner[pfn]] += size;
        pfn += size;
    }
    const owners: Owner[] = all.owners.map((one, i) => ({ ...one, frames: counts[i] }));
    if (counts[lost] > 0)
        owners.push({ name: all.lost, use: 'none', frames: counts[lost] });
    return { owner, owners };
}
