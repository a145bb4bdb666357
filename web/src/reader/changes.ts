/* What differs between two pictures: the owners of frames, and entries of page directories and page tables. The views let these glow, and
   the history has a step for them.

   The arrays of a Picture that was shown are never written again; where two pictures have the same array, nothing has changed in it. */

import { A, D, PAGE_SHIFT, PAGE_SIZE, PDE_SHIFT, type Owner, type Picture, type Space } from './picture.js';

export interface Changes {
    frames: number[];
    pages: number[];    // as pageKey() gives them: pages whose PTE changed
    entries: number[];  // as pageKey() gives them, of the first address: PDEs that changed
}

/* The processor sets these two itself; what a kernel wrote is the rest. */
const BY_PROCESSOR = A | D;
const EMPTY: ReadonlyMap<number, Uint32Array> = new Map();

/* A page of a space as one number. The kernel half, which all share, has directory 0. */
export function pageKey(directory: number, address: number): number {
    return (directory >>> PAGE_SHIFT) * (1 << 32 - PAGE_SHIFT) + (address >>> PAGE_SHIFT);
}

export function keyDirectory(key: number): number {
    return Math.floor(key / (1 << 32 - PAGE_SHIFT)) * PAGE_SIZE;
}

export function keyAddress(key: number): number {
    return key % (1 << 32 - PAGE_SHIFT) * PAGE_SIZE;
}

/* The list of owners may have changed, too: the index in the new list of each owner of the old one. */
function translated(before: Owner[], after: Owner[]): number[] {
    return before.map(owner => after.findIndex(other => other.name === owner.name && other.use === owner.use));
}

function changedFrames(before: Picture, after: Picture): number[] {
    const old = before.frames.owner, owner = after.frames.owner;
    const index = translated(before.frames.owners, after.frames.owners);
    const frames: number[] = [];

    for (let i = 0; old !== owner && old.length === owner.length && i < owner.length; i++) {
        if (index[old[i]] !== owner[i])
            frames.push(i);
    }
    return frames;
}

function differing(before: Uint32Array | undefined, after: Uint32Array | undefined, found: (index: number) => void): void {
    const length = (after ?? before ?? []).length;

    if (before === after)
        return;
    for (let i = 0; i < length; i++) {
        if ((((before ? before[i] : 0) ^ (after ? after[i] : 0)) & ~BY_PROCESSOR) !== 0)
            found(i);
    }
}

type Tables = ReadonlyMap<number, Uint32Array>;

function changedPages(pages: number[], directory: number, before: Tables, after: Tables): void {
    for (const index of new Set([...before.keys(), ...after.keys()])) {
        differing(before.get(index), after.get(index), i =>
            pages.push(pageKey(directory, index * (1 << PDE_SHIFT) + i * PAGE_SIZE)));
    }
}

function sameSpace(spaces: Space[], space: Space): Space | undefined {
    return spaces.find(other => other.directory === space.directory && other.pid === space.pid);
}

export function changesBetween(before: Picture | null, after: Picture): Changes {
    const changes: Changes = { frames: [], pages: [], entries: [] };
    const entry = (directory: number) => (i: number) => changes.entries.push(pageKey(directory, i * (1 << PDE_SHIFT)));

    if (!before || before === after)
        return changes;
    changes.frames = changedFrames(before, after);
    differing(before.master, after.master, entry(0));
    changedPages(changes.pages, 0, before.tables, after.tables);
    for (const space of after.spaces) {
        const old = sameSpace(before.spaces, space);
        const user = after.pageOffset >>> PDE_SHIFT;
        differing(old?.entries.subarray(0, user), space.entries.subarray(0, user), entry(space.directory));
        changedPages(changes.pages, space.directory, old?.tables ?? EMPTY, space.tables);
    }
    return changes;
}

/* ---- in words ---- */

/* Frames that have another owner, entries of page tables that have another value, processes that came or went; '' for nothing. */
export function changeText(before: Picture, after: Picture): string {
    const { frames, pages } = changesBetween(before, after);
    const entries = pages.length ? `${pages.length} ${pages.length === 1 ? 'entry' : 'entries'} of page tables` : '';

    return [ownersText(before, after, frames), entries, processesText(before, after)].filter(text => text).join('; ');
}

function ownersText(before: Picture, after: Picture, frames: number[]): string {
    const name = ({ frames: { owner, owners } }: Picture, frame: number) => owners[owner[frame]].name;
    const counts = new Map<string, number>();

    for (const frame of frames) {
        const change = `${name(before, frame)} → ${name(after, frame)}`;
        counts.set(change, (counts.get(change) ?? 0) + 1);
    }
    return [...counts].map(([change, count]) => `${count} ${count === 1 ? 'frame' : 'frames'} ${change}`).join(', ');
}

/* By their directories: a task that shares one for a moment (vfork) is no other process. */
function processesText(before: Picture, after: Picture): string {
    const only = (from: Picture, than: Picture) => from.spaces
        .filter(space => !than.spaces.some(other => other.directory === space.directory)).map(space => space.name);

    return [...only(after, before).map(name => `${name} came`), ...only(before, after).map(name => `${name} ended`)].join(', ');
}
