/* Makes a Picture of one moment: of a set of pages (copy.ts) and the registers. */
import { frames, Owners } from './frames.js';
import { Explanation } from './explain/explain.js';
import { Words } from './explain/words.js';
import { isInMemory, Kernel, rowRange, taskText, userRange, vmapRange } from './kernel.js';
import type { KernelJson } from './kernel_json.js';
import type { Pages } from './copy.js';
import { FRAME, PAGE_SIZE, PDE_SHIFT, type Area, type Picture, type Registers, type Space } from './picture.js';
import { spaceAt } from './spaces.js';
import { Symbols } from './symbols.js';
import { table, tablesOf } from './tables.js';
import type { Value } from './value.js';

export class Reader {
    private owners: Owners | null = null;
    private symbols: Symbols;

    constructor(private json: KernelJson) {
        this.symbols = new Symbols(json.symbols);
    }

    /* The Picture, or null while the kernel is still starting. Errors of value.ts when it is in the middle of a change. */
    picture(pages: Pages, registers: Registers): Picture | null {
        const kernel = new Kernel(this.json, pages);
        if (!kernel.isSealed())
            return null;
        this.owners ??= new Owners(kernel);
        const master = table(pages, kernel.master), spaces = readSpaces(kernel, registers);
        return {
            registers,
            frames: frames(kernel, this.owners),
            regions: kernel.regions(),
            pageOffset: kernel.pageOffset,
            master,
            masterAddress: kernel.master,
            tables: tablesOf(pages, master, kernel.pageOffset >>> PDE_SHIFT, 1023, kernel.lowmem),
            areas: kernelAreas(kernel),
            spaces,
            changedPdes: changedPdes(kernel, [master, ...spaces.map(space => space.entries)]),
        };
    }

    /* Another machine is read from now on: what was reserved at its start may differ. */
    forget(): void {
        this.owners = null;
    }

    /* The explanation of an address, as the monitor's `explain` prints it, through a directory; without one, through that of CR3. */
    explain(pages: Pages, registers: Registers, address: number, directory?: number): Explanation {
        const kernel = new Kernel(this.json, pages);
        return new Explanation(kernel, registers, spaceAt(kernel, registers, directory), address);
    }

    /* Where the struct page of a frame lies in physical memory. */
    placeOfPage(pages: Pages, pfn: number): number {
        const kernel = new Kernel(this.json, pages);
        return kernel.translate(kernel.variable('mem_map').number) + pfn * kernel.sizeOf('page');
    }

    /* Where its code begins in physical memory. */
    get codeStart(): number {
        return this.json.code.start - this.json.pageOffset;
    }

    /* Ticks of the kernel's clock since its start. */
    ticks(pages: Pages): number {
        return new Kernel(this.json, pages).variable('jiffies').number;
    }

    /* The address of a function or variable; null if there is none of that name. */
    address(name: string): number | null {
        return this.symbols.address(name);
    }

    /* Whether the kernel that is described lies in this memory. */
    isIn(live: Uint8Array): boolean {
        return isInMemory(this.json, live);
    }
}

function kernelAreas(kernel: Kernel): Area[] {
    const rows: Area[] = kernel.mapRows().map(row => ({ ...rowRange(row), text: row.field('name').text, kind: 'row' }));
    return [...rows, ...vmapAreas(kernel), ...slots(kernel)];
}

function vmapAreas(kernel: Kernel): Area[] {
    const stacks = new Map(kernel.tasks().map(task => [task.field('stack').number, taskText(task)]));
    return kernel.vmapAreas().map(area => {
        const kind = kernel.areaKind(area), range = vmapRange(area), stack = stacks.get(range.start);
        const text = `${kind} by ${kernel.symbols.text(area.field('caller').number)}${stack ? `, kernel stack of ${stack}` : ''}`;
        return { ...range, text, kind };
    });
}

/* The slots of kmap_local_page() that are taken: the first ones of the fixmap. */
function slots(kernel: Kernel): Area[] {
    const start = kernel.regions().find(region => region.id === 'REGION_FIXMAP')?.first ?? 0;
    return Array.from({ length: kernel.variable('depth').number }, (_, i) => (
        { start: start + i * PAGE_SIZE, last: start + (i + 1) * PAGE_SIZE - 1, text: `kmap_local slot ${i}`, kind: 'slot' }));
}

function readSpaces(kernel: Kernel, registers: Registers): Space[] {
    const ended = new Words(kernel).text('TEXT_ENDED');
    const tasks = kernel.tasks(), loaded = (registers.cr3 & FRAME) >>> 0;
    return kernel.mms().map(mm => {
        const users = tasks.filter(task => task.field('mm').number === mm.address), directory = mm.field('pgd_phys').number;
        const entries = table(kernel.pages, directory);
        return {
            name: users.map(taskText).join(' and ') || ended,
            pid: users.length ? users[0].field('pid').number : 0,
            directory, entries, running: directory === loaded,
            tables: tablesOf(kernel.pages, entries, 0, (kernel.pageOffset >>> PDE_SHIFT) - 1, kernel.lowmem),
            areas: userAreas(kernel, mm),
        };
    });
}

function userAreas(kernel: Kernel, mm: Value): Area[] {
    return kernel.vmAreas(mm).map(area => ({
        ...userRange(area), kind: 'user', text: `${kernel.rightsText(area)} ${kernel.areaText(area)}` }));
}

/* Entries of the kernel half, of any directory, that differ from those at the end of boot. */
function changedPdes(kernel: Kernel, directories: Uint32Array[]): number {
    const border = kernel.pageOffset >>> PDE_SHIFT;
    return kernel.sealedEntries().filter((entry, i) => directories.some(entries => entries[border + i] !== entry)).length;
}
