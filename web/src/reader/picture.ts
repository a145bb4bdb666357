/* What the page knows of the kernel at one moment: plain data, which the views draw. reader.ts makes it from memory; no view reads memory.
   Addresses and entries are unsigned 32-bit numbers. A frame is named by its number, the physical address / 4096. */

export interface Registers {
    cr0: number;
    cr2: number;
    cr3: number;
    cr4: number;
    cpl: number;
    eip: number;
    eflags: number;
}

/* Who may have a frame: the kernel's own names, of enum page_type and of memblock's reservations. */
export interface Owner {
    name: string;
    use: 'free' | 'used' | 'reserved' | 'none';  // none: no RAM
    frames: number;
}

export interface Frames {
    owner: Uint8Array;   // of each frame below max_pfn: an index into owners
    owners: Owner[];
}

/* Addresses, from the first to the last byte. */
export interface Range {
    start: number;
    last: number;
}

/* A region of the address map, from first to last byte. */
export interface Region {
    id: string;          // the enumerator, "REGION_VMALLOC"
    name: string;        // in one or two words
    text: string;
    first: number;
    last: number;
}

/* A row of lowmem, a vmalloc area, a slot of the fixmap, or an area of a process. */
export interface Area extends Range {  // a vmalloc area without its guard page
    text: string;        // what it is: "vmalloc by task_create+0x4f/0x1c0, kernel stack of init[1]"
    kind: 'row' | 'vmalloc' | 'vmap' | 'ioremap' | 'slot' | 'user';
}

/* An address space, with the tasks that use it. */
export interface Space {
    name: string;        // "init[1]", or what the kernel says of a space without tasks
    pid: number;         // of its first task; 0: none
    directory: number;   // physical address
    entries: Uint32Array;            // 1024
    tables: Map<number, Uint32Array>;  // by index of the PDE, below the kernel half only
    areas: Area[];
    running: boolean;    // CR3 holds its directory
}

export interface Picture {
    registers: Registers;
    frames: Frames;
    regions: Region[];       // from the top down
    pageOffset: number;
    master: Uint32Array;     // the entries of swapper_pg_dir
    masterAddress: number;   // physical
    tables: Map<number, Uint32Array>;  // page tables of the kernel half, by index of the PDE
    areas: Area[];           // of the kernel half, by address
    spaces: Space[];
    changedPdes: number;     // kernel PDEs, of any directory, that differ from those at the end of boot
}

/* ---- entries: Intel SDM vol. 3, 4.3 ---- */

export const P = 1, RW = 2, US = 4, A = 0x20, D = 0x40, PS = 0x80;
export const FRAME = 0xfffff000;
export const PAGE_SHIFT = 12, PAGE_SIZE = 4096, PDE_SHIFT = 22;

export function hex(value: number): string {
    return '0x' + (value >>> 0).toString(16).padStart(8, '0');
}
