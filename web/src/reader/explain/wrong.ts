/* An entry that contradicts the address map: the counterpart of mm/check/explain_wrong.c. */
import type { Kernel } from '../kernel.js';
import { P, PAGE_SIZE, PDE_SHIFT, RW, US, type Registers } from '../picture.js';
import { CR0_WP, table } from '../tables.js';
import type { Place } from './place.js';
import type { ExplainedWalk } from './walk.js';

/* Of enum explain_wrong, or null. */
export function findWrong(kernel: Kernel, registers: Registers, walk: ExplainedWalk, place: Place): string | null {
    if (!kernel.isSealed() || !(registers.cr0 & CR0_WP))
        return null;
    if (place.address < kernel.pageOffset)
        return inUserHalf(kernel, walk, place);
    const wrong = inKernelHalf(kernel, walk, place);
    if (wrong)
        return wrong;
    const master = table(kernel.pages, kernel.master)[place.address >>> PDE_SHIFT];
    return walk.steps[0].entry.value !== master ? 'EXPLAIN_WRONG_PDE' : null;
}

function inKernelHalf(kernel: Kernel, walk: ExplainedWalk, place: Place): string | null {
    if (walk.steps.some(({ entry }) => entry.value & P && entry.value & US))
        return 'EXPLAIN_WRONG_USER';
    if (place.region.id === 'REGION_LOWMEM')
        return inLowmem(kernel, walk, place);
    if (place.region.id !== 'REGION_VMALLOC' && place.region.id !== 'REGION_FIXMAP')
        return presence(walk, false);
    const tables = kernel.variable('kernel_ptes').number - kernel.pageOffset;
    const wanted = (tables + (place.address >>> PDE_SHIFT) * PAGE_SIZE) >>> 0;
    const { form, entry } = walk.steps[0];
    if (form !== 'EXPLAIN_TABLE' || entry.value - entry.value % PAGE_SIZE !== wanted)
        return 'EXPLAIN_WRONG_TABLE';
    return presence(walk, place.area !== null);
}

function inLowmem(kernel: Kernel, walk: ExplainedWalk, place: Place): string | null {
    const row = kernel.mapRows().find(one => {
        const start = one.field('virt').number;
        return start <= place.address && place.address < start + one.field('size').number;
    });
    const wrong = presence(walk, row !== undefined);
    if (wrong || !row)
        return wrong;
    if (walk.physical !== place.address - kernel.pageOffset)
        return 'EXPLAIN_WRONG_FRAME';
    return walk.writable === ((row.field('prot').field('val').number & RW) !== 0) ? null : 'EXPLAIN_WRONG_RIGHTS';
}

function inUserHalf(kernel: Kernel, walk: ExplainedWalk, place: Place): string | null {
    if (!place.space.mm || !walk.mapped)
        return null;
    if (!place.area?.of)
        return 'EXPLAIN_WRONG_MAPPED';
    const flags = place.area.of.field('flags').number, bit = (name: string) => kernel.enumerator('vm_flags', name);
    const access = bit('VM_READ') | bit('VM_WRITE') | bit('VM_EXEC');
    return !(flags & access) || walk.writable && !(flags & bit('VM_WRITE')) ? 'EXPLAIN_WRONG_RIGHTS' : null;
}

function presence(walk: ExplainedWalk, expected: boolean): string | null {
    if (walk.mapped === expected)
        return null;
    return expected ? 'EXPLAIN_WRONG_MISSING' : 'EXPLAIN_WRONG_MAPPED';
}
