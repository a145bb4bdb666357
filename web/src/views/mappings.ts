/* Which frame an address has, and which addresses a frame has: from the entries of a Picture, as the processor would find them.
   The kernel half is read through the master directory and the tables of the Picture, which all spaces share; the user half through
   the directory and the tables of a Space. Pure functions: web/tests/mappings.ts tests them without a browser. */

import { P, PAGE_SHIFT, PAGE_SIZE, PDE_SHIFT, PS, type Picture, type Space } from '../reader/picture.js';
import { mappings } from '../reader/tables.js';

export const ENTRIES = 1024;
export const NO_FRAME = -1;

/* Where a frame is mapped: a page of the kernel half (no space), or of the user half of a space. */
export interface Place {
    address: number;
    last: number;
    space: Space | null;
}

interface Half {
    entries: Uint32Array;
    tables: Map<number, Uint32Array>;
    first: number;  // index of its first PDE
    end: number;
}

function kernelHalf(picture: Picture): Half {
    return { entries: picture.master, tables: picture.tables, first: picture.pageOffset >>> PDE_SHIFT, end: ENTRIES };
}

function userHalf(picture: Picture, space: Space): Half {
    return { entries: space.entries, tables: space.tables, first: 0, end: picture.pageOffset >>> PDE_SHIFT };
}

function halfOf(picture: Picture, address: number, space: Space | null): Half | null {
    if (address >= picture.pageOffset)
        return kernelHalf(picture);
    return space && userHalf(picture, space);
}

export function pageOf(address: number): number {
    return address - address % PAGE_SIZE;
}

/* The first frame of a large page. Bits 12..21 of its PDE are no address. */
function largeFrame(pde: number): number {
    return pde >>> PDE_SHIFT << PDE_SHIFT - PAGE_SHIFT;
}

function frameIn(half: Half, address: number): number {
    const index = address >>> PDE_SHIFT, page = address >>> PAGE_SHIFT & ENTRIES - 1;
    const pde = half.entries[index];

    if (!(pde & P))
        return NO_FRAME;
    if (pde & PS)
        return largeFrame(pde) + page;
    const pte = half.tables.get(index)?.[page] ?? 0;
    return pte & P ? pte >>> PAGE_SHIFT : NO_FRAME;
}

/* The frame that the address is mapped to, or NO_FRAME. `space` matters below the kernel half only. */
export function frameAt(picture: Picture, address: number, space: Space | null): number {
    const half = halfOf(picture, address, space);

    return half ? frameIn(half, address) : NO_FRAME;
}

/* The frames of the mapped pages from `start` to `last`, in the order of the addresses. The range is in one half. A PDE that is not
   present is skipped at once, so that a long range costs only what is mapped in it. */
export function framesOf(picture: Picture, start: number, last: number, space: Space | null = null): number[] {
    const half = halfOf(picture, start, space);
    const frames: number[] = [];

    for (let address = pageOf(start); half && address <= last; address += PAGE_SIZE) {
        if (!(half.entries[address >>> PDE_SHIFT] & P)) {
            address += (1 << PDE_SHIFT) - address % (1 << PDE_SHIFT) - PAGE_SIZE;
            continue;
        }
        const frame = frameIn(half, address);
        if (frame !== NO_FRAME)
            frames.push(frame);
    }
    return frames;
}

/* How often the next frame is not the one behind it, plus one. */
export function runsOf(frames: readonly number[]): number {
    return frames.filter((frame, i) => i === 0 || frame !== frames[i - 1] + 1).length;
}

function placesIn(half: Half, space: Space | null, frame: number): Place[] {
    return mappings(half.entries, index => half.tables.get(index), half.first, half.end - 1, frame, P)
        .map(({ address }) => ({ address, last: address + PAGE_SIZE - 1, space }));
}

/* Every page that is mapped to the frame: those of the kernel half by address, then those of each space. */
export function addressesOf(picture: Picture, frame: number): Place[] {
    return [...placesIn(kernelHalf(picture), null, frame),
            ...picture.spaces.flatMap(space => placesIn(userHalf(picture, space), space, frame))];
}

/* The number of entries of a table that are present. */
export function presentIn(table: Uint32Array | undefined): number {
    let count = 0;

    for (let i = 0; table && i < table.length; i++)
        count += table[i] & P;
    return count;
}

/* The indices of the kernel entries of a directory that differ from the master's. */
export function differingEntries(picture: Picture, space: Space): number[] {
    const indices: number[] = [];

    for (let i = picture.pageOffset >>> PDE_SHIFT; i < ENTRIES; i++) {
        if (space.entries[i] !== picture.master[i])
            indices.push(i);
    }
    return indices;
}

export interface EntryRun {
    first: number;
    last: number;
    present: boolean;
}

/* The entries below `end` from the top down: a run for each that is present, and one for all that are not, as far as they are adjacent. */
export function entryRuns(entries: Uint32Array, end: number): EntryRun[] {
    const runs: EntryRun[] = [];

    for (let i = end - 1; i >= 0; i--) {
        const present = (entries[i] & P) !== 0, run = runs[runs.length - 1];
        if (run && !present && !run.present)
            run.first = i;
        else
            runs.push({ first: i, last: i, present });
    }
    return runs;
}
