/* The last minutes of the tables and owners, step by step.

   record() takes over what has changed since the last call. A step is a moment at which a frame changed its owner or an entry its value;
   changes of other words (clocks, lists) join the next step. A step keeps each changed word as it was before and as it was then: a few
   hundred bytes. The pages of a past moment are those of now with the words put back, step by step. When there are too many words, the
   oldest steps are dropped.

   Limits: a page that is first looked at later counts as it was then. */
import { changeText } from './changes.js';
import { Copy, NoMemory, type Pages } from './copy.js';
import { hex, PAGE_SHIFT, PAGE_SIZE, type Picture, type Registers } from './picture.js';
import type { Reader } from './reader.js';
import { Damaged } from './value.js';

const MOST_WORDS = 4 << 20;  // of all steps

export interface Moment {
    registers: Registers;
    changes: Uint32Array;  // physical address, word before, word then; and so on
    text: string;          // what has changed, for people
}

export class History {
    readonly steps: Moment[] = [];
    picture: Picture | null = null;  // of the last moment at which the kernel was in no change
    private pending = new Map<number, [old: number, now: number]>();
    private words = 0;
    dropped = 0;           // steps that were forgotten

    constructor(readonly copy: Copy, private reader: Reader, private mostWords = MOST_WORDS) { }

    /* Bring the copy up to date. Returns the Picture of now, or the last one when the kernel is in the middle of a change. */
    record(registers: Registers): Picture | null {
        this.collect(this.copy.refresh());
        const before = this.picture, now = this.read(registers);
        if (now) {
            const text = before ? changeText(before, now) : 'the record begins';
            if (text)
                this.add(registers, text);
            this.picture = now;
        }
        return this.picture;
    }

    private read(registers: Registers): Picture | null {
        try {
            return this.reader.picture(this.copy, registers);
        } catch (error) {
            if (error instanceof Damaged || error instanceof NoMemory)
                return null;
            throw error;
        }
    }

    private collect(changes: number[]) {
        for (let i = 0; i < changes.length; i += 3) {
            const known = this.pending.get(changes[i]);
            this.pending.set(changes[i], [known ? known[0] : changes[i + 1], changes[i + 2]]);
        }
    }

    private add(registers: Registers, text: string) {
        const changes = new Uint32Array(3 * this.pending.size);
        let at = 0;
        for (const [address, [old, now]] of this.pending) {
            changes.set([address, old, now], at);
            at += 3;
        }
        this.pending.clear();
        this.steps.push({ registers, changes, text });
        this.words += changes.length;
        while (this.words > this.mostWords && this.steps.length > 1) {
            this.words -= (this.steps.shift() as Moment).changes.length;
            this.dropped++;
        }
    }

    /* The pages after a step, counted from the oldest. */
    past(index: number): Past {
        const past = new Past(this.copy);
        for (const [address, [old]] of this.pending)
            past.put(address, old);
        for (let i = this.steps.length - 1; i > index; i--) {
            const { changes } = this.steps[i];
            for (let at = 0; at < changes.length; at += 3)
                past.put(changes[at], changes[at + 1]);
        }
        return past;
    }
}

/* The pages of a past moment. */
export class Past implements Pages {
    private pages: Map<number, Uint32Array>;
    private own = new Set<number>();  // pages that are not the copy's

    constructor(copy: Copy) {
        this.pages = new Map(copy.pages);
    }

    page(pfn: number): Uint32Array {
        const page = this.pages.get(pfn);
        if (!page)
            throw new NoMemory(`the frame at ${hex(pfn * PAGE_SIZE)} was not recorded at that moment`);
        return page;
    }

    put(address: number, word: number) {
        const pfn = address >>> PAGE_SHIFT;
        if (!this.own.has(pfn)) {
            this.pages.set(pfn, this.page(pfn).slice());
            this.own.add(pfn);
        }
        this.page(pfn)[(address & (PAGE_SIZE - 1)) >> 2] = word;
    }
}
