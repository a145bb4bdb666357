/* 32-bit paging as the processor does it (Intel SDM vol. 3, 4.3), on the raw tables in physical memory. */
import type { Pages } from './copy.js';
import { FRAME, P, PAGE_SHIFT, PDE_SHIFT, PS } from './picture.js';

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

/* The entries of a table of either level. */
export function table(pages: Pages, address: number): Uint32Array {
    return pages.page(address >>> PAGE_SHIFT);
}
