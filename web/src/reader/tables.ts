/* 32-bit paging as the processor does it (Intel SDM vol. 3, 4.3), on the raw tables in physical memory. */
import type { Pages } from './copy.js';
import { FRAME, P, PAGE_SHIFT, PAGE_SIZE, PDE_SHIFT, PS } from './picture.js';

export const AVL = 0xe00;
export const LARGE_FRAME = 0xffc00000;
export const CR0_WP = 1 << 16, CR0_PG = 1 << 31, CR4_SMEP = 1 << 20, CR4_SMAP = 1 << 21, EFLAGS_AC = 1 << 18;

export interface Entry {
    level: 'PDE' | 'PTE';
    index: number;
    at: number;      // its physical address
    value: number;   // 0 if it cannot be read
    unread: boolean;
}

export interface Walk {
    entries: Entry[];         // one or two
    last: Entry;              // where it ends
    large: boolean;           // in a 4 MiB page
    physical: number | null;  // of the byte; null: not mapped
}

export function isLarge(pde: number): boolean {
    return (pde & (P | PS)) === (P | PS);
}

export function isTable(pde: number): boolean {
    return (pde & (P | PS)) === P;
}

function word(pages: Pages, at: number): number {
    return pages.page(at >>> PAGE_SHIFT)[(at & 0xfff) >> 2];
}

/* Walk the directory at a physical address. Tables lie below `end`: the kernel keeps its own in lowmem, and looks for none elsewhere. */
export function walk(pages: Pages, directory: number, address: number, end: number): Walk {
    const pde = entry(pages, 'PDE', directory, address >>> PDE_SHIFT, end);
    if (isLarge(pde.value))
        return { entries: [pde], last: pde, large: true, physical: ((pde.value & LARGE_FRAME) | (address & ~LARGE_FRAME)) >>> 0 };
    if (!isTable(pde.value))
        return { entries: [pde], last: pde, large: false, physical: null };
    const pte = entry(pages, 'PTE', (pde.value & FRAME) >>> 0, address >>> PAGE_SHIFT & 1023, end);
    const physical = pte.value & P ? ((pte.value & FRAME) | (address & ~FRAME)) >>> 0 : null;
    return { entries: [pde, pte], last: pte, large: false, physical };
}

function entry(pages: Pages, level: 'PDE' | 'PTE', table: number, index: number, end: number): Entry {
    const at = table + 4 * index, unread = at >= end;
    return { level, index, at, value: unread ? 0 : word(pages, at), unread };
}

/* The page tables of the PDEs first..last, by index: those that lie below `end`. */
export function tablesOf(pages: Pages, pdes: Uint32Array, first: number, last: number, end: number): Map<number, Uint32Array> {
    const found = new Map<number, Uint32Array>();
    for (let i = first; i <= last; i++) {
        const at = (pdes[i] & FRAME) >>> 0;
        if (isTable(pdes[i]) && at < end)
            found.set(i, table(pages, at));
    }
    return found;
}

/* A page that maps a frame. */
export interface Mapping {
    address: number;
    present: boolean;
}

/* The pages that map a frame through the PDEs first..last. tableOf returns the page table of a PDE, if it can be read. An entry of a table
   holds a frame if it has one of the bits `holding`. */
export function mappings(pdes: Uint32Array, tableOf: (index: number) => Uint32Array | undefined, first: number, last: number, pfn: number,
                         holding: number): Mapping[] {
    const found: Mapping[] = [];
    for (let index = first; index <= last; index++) {
        const base = index * 2 ** PDE_SHIFT, pde = pdes[index];
        if (isLarge(pde) && pde >>> PDE_SHIFT === pfn >>> 10)
            found.push({ address: base + (pfn & 1023) * PAGE_SIZE, present: true });
        if (isTable(pde))
            tableOf(index)?.forEach((pte, i) => {
                if (pte >>> PAGE_SHIFT === pfn && pte & holding)
                    found.push({ address: base + i * PAGE_SIZE, present: (pte & P) !== 0 });
            });
    }
    return found;
}

/* The entries of a table of either level. */
export function table(pages: Pages, address: number): Uint32Array {
    return pages.page(address >>> PAGE_SHIFT);
}
