/* A small picture for tests of the views: two processes, a table and a large page of lowmem, two areas. */

import type { Area, Picture, Space } from '../../src/reader/picture.js';

export const OFFSET = 0xc0000000, VMALLOC = 0xf7c00000, CODE = 0x08048000;
const PRESENT = 0x63, LARGE = 0x1e3, USER = 0x67;

export function table(entries: Record<number, number>): Uint32Array {
    const made = new Uint32Array(1024);

    for (const [index, value] of Object.entries(entries))
        made[Number(index)] = value;
    return made;
}

function space(name: string, pid: number, directory: number, master: Uint32Array, frames: number[]): Space {
    const entries = master.slice();

    entries[32] = directory + 0x1000 | USER;
    const pages = Object.fromEntries(frames.map((frame, i) => [72 + i, frame << 12 | USER]));
    return {
        name, pid, directory, entries, tables: new Map([[32, table(pages)]]), running: pid === 1,
        areas: [{ start: CODE, last: CODE + 0x3fff, text: 'text', kind: 'user' }],
    };
}

const AREAS: Area[] = [
    { start: OFFSET, last: OFFSET + 0x7fffff, text: 'lowmem: memory', kind: 'row' },
    { start: VMALLOC, last: VMALLOC + 0x1fff, text: 'vmalloc by a+0x1/0x2, stack', kind: 'vmalloc' },
    { start: VMALLOC + 0x3000, last: VMALLOC + 0x3fff, text: 'ioremap', kind: 'ioremap' },
];

export function picture(): Picture {
    const lowmem = Uint32Array.from({ length: 1024 }, (_, i) => i << 12 | PRESENT);
    const master = table({ 768: 0x7ff063, 769: 0x400000 | LARGE, 991: 0x7fe063 });
    const vmalloc = table({ 0: 0x700063, 1: 0x500063, 2: 0xc01c4200, 3: 0xfea0007b });

    return {
        registers: { cr0: 0, cr2: 0, cr3: 0x600000, cr4: 0, cpl: 0, eip: 0, eflags: 0 },
        frames: {
            owner: new Uint8Array(2048),
            owners: [{ name: 'free', use: 'free', frames: 2046 }, { name: 'vmalloc', use: 'used', frames: 2 }],
        },
        regions: [], pageOffset: OFFSET, master, masterAddress: 0x1ac000, tables: new Map([[768, lowmem], [991, vmalloc]]), areas: AREAS,
        spaces: [space('init[1]', 1, 0x600000, master, [0x650, 0x651]), space('steps[2]', 2, 0x610000, master, [0x650, 0x652])],
        changedPdes: 0,
    };
}
