/* A copy of the pages of physical memory that the reader looks at, all of one moment.

   The machine runs on while its tables are drawn. So the reader reads no live memory: a page that it asks for is copied, and refresh()
   brings all of them up to date at once, between two instructions of the guest. An array that was handed out never changes: a page that
   has changed gets a new one. So what was read stays as it was, and whether a page has changed is a comparison of two references.

   A change of refresh() is three words: the physical address, the word before and the word now. history.ts keeps them.

   Limits: a page is copied when it is first asked for; what was in it before that, nobody knows. */
import { PAGE_SIZE } from './picture.js';

export const PAGE_WORDS = PAGE_SIZE / 4;

/* Memory by pages of words; a page that cannot be read throws NoMemory. */
export interface Pages {
    page(pfn: number): Uint32Array;
}

export class NoMemory extends Error { }

export class Copy implements Pages {
    readonly pages = new Map<number, Uint32Array>();

    /* live: physical memory as it is now. The view is asked for each time, as the emulator may move its memory. */
    constructor(private live: () => Uint8Array) { }

    page(pfn: number): Uint32Array {
        let page = this.pages.get(pfn);
        if (!page) {
            page = livePage(this.live(), pfn).slice();
            this.pages.set(pfn, page);
        }
        return page;
    }

    /* Take over all that has changed. */
    refresh(): number[] {
        const live = this.live(), changes: number[] = [];
        for (const [pfn, old] of this.pages) {
            const now = livePage(live, pfn);
            const first = firstDifference(old, now);
            if (first < PAGE_WORDS) {
                addChanges(changes, pfn, old, now, first);
                this.pages.set(pfn, now.slice());
            }
        }
        return changes;
    }
}

function livePage(live: Uint8Array, pfn: number): Uint32Array {
    if ((pfn + 1) * PAGE_SIZE > live.length)
        throw new NoMemory(`there is no memory at the physical address 0x${(pfn * PAGE_SIZE).toString(16)}`);
    return new Uint32Array(live.buffer, live.byteOffset + pfn * PAGE_SIZE, PAGE_WORDS);
}

function firstDifference(old: Uint32Array, now: Uint32Array): number {
    let i = 0;
    while (i < PAGE_WORDS && old[i] === now[i])
        i++;
    return i;
}

function addChanges(changes: number[], pfn: number, old: Uint32Array, now: Uint32Array, first: number) {
    for (let i = first; i < PAGE_WORDS; i++) {
        if (old[i] !== now[i])
            changes.push(pfn * PAGE_SIZE + 4 * i, old[i], now[i]);
    }
}
