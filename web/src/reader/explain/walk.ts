/* The walk through a directory, and what ring 0 and ring 3 may do: the counterpart of the first half of mm/check/explain_walk.c.

   The processor checks P at both levels first; then US and RW at both, and for ring 0 CR0.WP, CR4.SMEP and CR4.SMAP: the first check that
   fails, at the first level where it does, decides (Intel SDM vol. 3, 4.6 and 4.7). What an entry holds that is not present is the
   kernel's own convention: include/mm/kva/vmap_area_internal.h, mm/user/user_pte.c. */
import type { Kernel } from '../kernel.js';
import { FRAME, P, PAGE_SIZE, RW, US, type Registers } from '../picture.js';
import { CR0_WP, CR4_SMAP, CR4_SMEP, EFLAGS_AC, isLarge, walk, type Entry } from '../tables.js';

export const ACCESSES = ['EXPLAIN_READ', 'EXPLAIN_WRITE', 'EXPLAIN_EXECUTE'];

export interface Level {
    entry: Entry;
    form: string;            // of enum explain_form
    content: string | null;  // of enum explain_content, where it is not present
}

export interface Right {
    allowed: boolean;
    why: string;             // of enum explain_why
    level: 'PDE' | 'PTE' | null;
}

export const LEVELS = { PDE: 'EXPLAIN_PDE', PTE: 'EXPLAIN_PTE' };

export class ExplainedWalk {
    readonly steps: Level[];
    readonly physical: number | null;

    constructor(private kernel: Kernel, private registers: Registers, directory: number, readonly address: number) {
        const found = walk(kernel.pages, directory, address, kernel.lowmem);
        this.steps = found.entries.map(entry => this.step(entry));
        this.physical = found.physical;
    }

    get last(): Level {
        return this.steps[this.steps.length - 1];
    }

    get mapped(): boolean {
        return this.physical !== null;
    }

    /* Physical address of the frame, also of one that is kept without rights. */
    get frame(): number | null {
        if (this.physical !== null)
            return (this.physical & FRAME) >>> 0;
        return this.last.content === 'EXPLAIN_KEPT' ? (this.last.entry.value & FRAME) >>> 0 : null;
    }

    index(level: 'PDE' | 'PTE'): number {
        return (this.steps.find(step => step.entry.level === level) as Level).entry.index;
    }

    right(ring: 0 | 3, access: string): Right {
        if (!this.mapped)
            return { allowed: false, why: this.last.entry.unread ? 'EXPLAIN_CANNOT_TELL' : 'EXPLAIN_P', level: this.last.entry.level };
        return ring === 3 ? this.ring3(access) : this.ring0(access);
    }

    get writable(): boolean {
        return this.without(RW) === null;
    }

    /* The first level that has a bit clear. */
    private without(bit: number): 'PDE' | 'PTE' | null {
        return this.steps.find(step => !(step.entry.value & bit))?.entry.level ?? null;
    }

    private ring3(access: string): Right {
        if (this.without(US))
            return { allowed: false, why: 'EXPLAIN_US', level: this.without(US) };
        if (access === 'EXPLAIN_WRITE' && this.without(RW))
            return { allowed: false, why: 'EXPLAIN_RW', level: this.without(RW) };
        return { allowed: true, why: 'EXPLAIN_NOTHING', level: null };
    }

    private ring0(access: string): Right {
        const { cr0, cr4 } = this.registers, level = this.last.entry.level, user = this.without(US) === null;
        const readOnly = access === 'EXPLAIN_WRITE' ? this.without(RW) : null;
        if (readOnly && cr0 & CR0_WP)
            return { allowed: false, why: 'EXPLAIN_RW_WP', level: readOnly };
        if (user && access === 'EXPLAIN_EXECUTE' && cr4 & CR4_SMEP)
            return { allowed: false, why: 'EXPLAIN_SMEP', level };
        if (user && access !== 'EXPLAIN_EXECUTE' && this.smapHolds())
            return { allowed: false, why: 'EXPLAIN_SMAP', level };
        return { allowed: true, why: readOnly ? 'EXPLAIN_RW_WITHOUT_WP' : 'EXPLAIN_NOTHING', level: readOnly };
    }

    /* Not between stac and clac; in ring 3, EFLAGS.AC means something else. */
    private smapHolds(): boolean {
        const { cr4, cpl, eflags } = this.registers;
        return (cr4 & CR4_SMAP) !== 0 && !(cpl === 0 && eflags & EFLAGS_AC);
    }

    // ---- entries ----

    private step(entry: Entry): Level {
        if (entry.value & P) {
            const form = entry.level === 'PTE' ? 'EXPLAIN_PAGE' : isLarge(entry.value) ? 'EXPLAIN_LARGE' : 'EXPLAIN_TABLE';
            return { entry, form, content: null };
        }
        if (entry.unread)
            return { entry, form: 'EXPLAIN_UNREAD', content: null };
        return { entry, form: 'EXPLAIN_NOT_PRESENT', content: this.content(entry) };
    }

    private content({ level, value }: Entry): string {
        const page = (this.address & FRAME) >>> 0;
        if (value === 0)
            return 'EXPLAIN_EMPTY';
        if (level === 'PDE')
            return 'EXPLAIN_LEFTOVER';
        if (page < this.kernel.pageOffset)
            return (value & ~FRAME) === US ? 'EXPLAIN_KEPT' : 'EXPLAIN_LEFTOVER';
        return this.kernel.region(page).id === 'REGION_VMALLOC' ? this.tag(page, value) : 'EXPLAIN_LEFTOVER';
    }

    /* Whether it is the tag of the area or free range here. */
    private tag(page: number, value: number): string {
        if (value < this.kernel.pageOffset || value >= this.kernel.highMemory)
            return 'EXPLAIN_LEFTOVER';
        const area = this.kernel.struct('vmap_area', value), lastPage = area.field('end').number - PAGE_SIZE;
        if (area.field('flags').number)
            return page === lastPage ? 'EXPLAIN_GUARD' : 'EXPLAIN_LEFTOVER';
        return page === area.field('start').number || page === lastPage ? 'EXPLAIN_BORDER' : 'EXPLAIN_LEFTOVER';
    }
}
