/* The frame behind an address, its other addresses, and whether a device may use it: the counterparts of find_frame() in
   mm/check/explain_walk.c, of mm/check/rmap.c, and of dma_query_single() in mm/kva/dma_verdict.c. */
import { Memblock, StructPages, pageTypeName, type PageInfo } from '../frames.js';
import type { Kernel } from '../kernel.js';
import { FRAME, P, PAGE_SHIFT, PAGE_SIZE, PDE_SHIFT, RW, US, type Region } from '../picture.js';
import { mappings, table, tablesOf, walk, type Mapping } from '../tables.js';
import type { Value } from '../value.js';

export interface FrameInfo {
    owner: string | null;  // null: unknown
    reserved: boolean;     // at start-up
    zeroPage: boolean;
    references: number;
    block: number;         // its physical address
    blockFrames: number;
    blockReferences: number;
}

export interface Alias extends Mapping {
    mm: Value | null;      // null: in the kernel half
}

/* null when the frame has no struct page. */
export function frameInfo(kernel: Kernel, physical: number): FrameInfo | null {
    const pages = new StructPages(kernel), pfn = physical >>> PAGE_SHIFT;
    if (pfn >= pages.max)
        return null;
    const page = pages.get(pfn), first = pages.block(pfn), zero = kernel.variable('zero_page').number;
    return { ...ownerOf(kernel, page, first), references: page.refcount, block: first.pfn * PAGE_SIZE,
             zeroPage: zero === kernel.variable('mem_map').number + pfn * kernel.sizeOf('page'),
             blockFrames: first.head ? 2 ** first.order : 1, blockReferences: first.refcount };
}

function ownerOf(kernel: Kernel, page: PageInfo, first: PageInfo): { owner: string | null; reserved: boolean } {
    if (first.head)
        return { owner: pageTypeName(kernel, first.type), reserved: false };
    const memblock = new Memblock(kernel);
    if (!memblock.isRam(page.pfn))
        return { owner: kernel.variable('frame_no_ram').text, reserved: false };
    const reserved = page.type === kernel.enumerator('page_type', 'PAGE_RESERVED');
    return { owner: reserved ? memblock.name(page.pfn) : null, reserved: true };
}

/* ---- other addresses ---- */

/* Each other address of a frame: in the kernel half, then in each process. */
export function aliases(kernel: Kernel, mm: Value | null, address: number, physical: number): Alias[] {
    const page = (address & FRAME) >>> 0, pfn = physical >>> PAGE_SHIFT;
    return everywhere(kernel, pfn).filter(alias => {
        const mine = !alias.mm || alias.mm.address === mm?.address;
        return alias.address !== page || alias.address < kernel.pageOffset && !mine;
    });
}

function everywhere(kernel: Kernel, pfn: number): Alias[] {
    const border = kernel.pageOffset >>> PDE_SHIFT;
    const found = addresses(kernel, kernel.master, pfn, border, 1023, P).map(one => ({ mm: null as Value | null, ...one }));
    for (const mm of kernel.mms()) {
        const directory = mm.field('pgd_phys').number;
        found.push(...addresses(kernel, directory, pfn, 0, border - 1, P | US).map(one => ({ mm, ...one })));
    }
    return found;
}

/* In the kernel half only P holds a page: an entry that is not present may be a tag there. */
function addresses(kernel: Kernel, directory: number, pfn: number, first: number, last: number, holding: number): Mapping[] {
    const pdes = table(kernel.pages, directory), tables = tablesOf(kernel.pages, pdes, first, last, kernel.lowmem);
    return mappings(pdes, index => tables.get(index), first, last, pfn, holding);
}

/* ---- devices ---- */

/* What the DMA API answers for a device that reads the byte, and for one that writes it: of enum dma_verdict. */
export function dmaVerdicts(kernel: Kernel, region: Region, address: number): [string, string] {
    switch (region.id) {
    case 'REGION_USER':
    case 'REGION_NULL':
        return ['DMA_USER', 'DMA_USER'];
    case 'REGION_VMALLOC':
        return ['DMA_VMALLOC', 'DMA_VMALLOC'];
    case 'REGION_LOWMEM': {
        const verdict = frameVerdict(kernel, (address - kernel.pageOffset) >>> PAGE_SHIFT);
        return [verdict, kernelMayWrite(kernel, address) ? verdict : 'DMA_READ_ONLY'];
    }
    default:
        return ['DMA_NO_LOWMEM', 'DMA_NO_LOWMEM'];
    }
}

/* According to the entries of lowmem; CR0.WP does not count. */
function kernelMayWrite(kernel: Kernel, address: number): boolean {
    const { physical, entries } = walk(kernel.pages, kernel.master, address, kernel.lowmem);
    return physical !== null && entries.every(entry => entry.value & RW);
}

function frameVerdict(kernel: Kernel, pfn: number): string {
    const first = new StructPages(kernel).block(pfn), type = (name: string) => kernel.enumerator('page_type', name);
    if (first.type === type('PAGE_FREE') || first.type === type('PAGE_HOT'))
        return 'DMA_FREE';
    return first.type === type('PAGE_RESERVED') && !new Memblock(kernel).isRam(pfn) ? 'DMA_NO_RAM' : 'DMA_GRANTED';
}
