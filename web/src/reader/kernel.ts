/* The objects of the kernel: its tasks, address spaces, areas, rows and regions. The counterpart of scripts/attic/gdb/kernel.py, with the
   same texts. Everything is read from one set of pages (copy.ts): the moment of the last refresh, or one of the past. */
import type { KernelJson } from './kernel_json.js';
import type { Pages } from './copy.js';
import { PAGE_SIZE, type Range, type Region } from './picture.js';
import { Symbols } from './symbols.js';
import { Damaged, Memory, type Value } from './value.js';

const FNV_START = 0x811c9dc5, FNV_PRIME = 0x01000193;
const AREA_KINDS: Record<string, 'vmalloc' | 'vmap' | 'ioremap'> = { VM_ALLOC: 'vmalloc', VM_MAP: 'vmap', VM_IOREMAP: 'ioremap' };

export class Kernel extends Memory {
    readonly symbols: Symbols;

    constructor(json: KernelJson, pages: Pages) {
        super(json, pages);
        this.symbols = new Symbols(json.symbols);
    }

    get pageOffset(): number {
        return this.json.pageOffset;
    }

    /* The end of lowmem. */
    get highMemory(): number {
        return this.pageOffset + this.variable('lowmem_size').number;
    }

    /* The physical address of swapper_pg_dir. */
    get master(): number {
        return this.json.variables.swapper_pg_dir.address - this.pageOffset;
    }

    /* Whether mm_seal() has ended the boot: its snapshot of the kernel half begins with lowmem's entry. */
    isSealed(): boolean {
        return this.physical(this.json.variables.snapshot.address - this.pageOffset) !== 0;
    }

    /* The entries of the kernel half at the end of boot. */
    sealedEntries(): number[] {
        const snapshot = this.variable('snapshot').field('kernel_half');
        return Array.from({ length: snapshot.length }, (_, i) => this.number(snapshot.at(i).address, 4));
    }

    // ---- tasks and address spaces ----

    tasks(): Value[] {
        return [...this.list(this.json.variables.all_tasks.address, 'task', 'all_link')];
    }

    mms(): Value[] {
        return [...this.list(this.json.variables.all_mms.address, 'mm', 'link')];
    }

    vmAreas(mm: Value): Value[] {
        return [...this.tree(mm.field('areas').address, 'vm_area', 'node')];
    }

    // ---- areas and regions of the map ----

    /* The busy areas of the vmalloc area, by address. */
    vmapAreas(): Value[] {
        return [...this.tree(this.json.variables.vmap_ranges.address, 'vmap_area', 'node')].filter(area => area.field('flags').number);
    }

    areaKind(area: Value): 'vmalloc' | 'vmap' | 'ioremap' {
        const flags = area.field('flags').number;
        const kind = Object.entries(this.enumerators('vmap_kind')).find(([name, bit]) => AREA_KINDS[name] && flags & bit);
        if (!kind)
            throw new Damaged(`a vmalloc area has the flags ${flags}`);
        return AREA_KINDS[kind[0]];
    }

    /* The regions of the address map, from the top down. */
    regions(): Region[] {
        const found: Region[] = [], all = this.variable('layout_regions');
        let last = 0xffffffff;
        for (let i = 0; i < all.length; i++) {
            const region = all.at(i), first = region.field('start').number;
            if (first > last)
                continue;
            const id = this.nameOf('layout_region_id', i);
            found.push({ id, name: region.field('name').text, text: region.field('text').text, first, last });
            last = first - 1;
        }
        return found;
    }

    region(address: number): Region {
        return this.regions().find(region => region.first <= address && address <= region.last) as Region;
    }

    /* The rows that make up lowmem. */
    mapRows(): Value[] {
        const first = this.variable('rows').number, size = this.sizeOf('map_row');
        return Array.from({ length: this.variable('row_count').number }, (_, i) => this.struct('map_row', first + i * size));
    }

    // ---- files ----

    /* Whether a mapping is the pages of a file; otherwise it is shared memory without a name. */
    isFile(mapping: Value): boolean {
        const root = this.variable('root').deref() as Value;
        return mapping.field('release').number === root.field('data').field('release').number;
    }

    fileText(mapping: Value): string {
        if (!this.isFile(mapping))
            return '/dev/zero (deleted)';  // as /proc/PID/maps calls it
        return this.pathOf(this.struct('inode', mapping.address - this.offsetOf('inode', 'data')));
    }

    private pathOf(start: Value): string {
        const parts: string[] = [];
        let removed = false;
        for (let inode: Value | null = start; inode;) {
            const entry: Value | undefined = this.list(inode.field('names').address, 'dir_entry', 'link').next().value;
            if (!entry)
                break;
            removed ||= entry.field('removed').number !== 0;
            parts.unshift(this.text(entry.field('name').address));
            inode = entry.field('dir').deref();
        }
        return '/' + parts.join('/') + (removed ? ' (deleted)' : '');
    }

    /* The rights of an area of a process, as in /proc/PID/maps. */
    rightsText(area: Value): string {
        const flags = area.field('flags').number, has = (name: string) => flags & this.enumerator('vm_flags', name);
        return (has('VM_READ') ? 'r' : '-') + (has('VM_WRITE') ? 'w' : '-') + (has('VM_EXEC') ? 'x' : '-') +
            (has('VM_SHARED') ? 's' : 'p');
    }

    areaText(area: Value): string {
        const mapping = area.field('file').deref();
        return mapping ? this.fileText(mapping) : area.field('name').text || 'anonymous';
    }
}

// ---- where areas lie ----

export function rowRange(row: Value): Range {
    const start = row.field('virt').number;
    return { start, last: start + row.field('size').number - 1 };
}

/* Of a vmalloc area, without its guard page. */
export function vmapRange(area: Value): Range {
    return { start: area.field('start').number, last: area.field('end').number - PAGE_SIZE - 1 };
}

/* Of an area of a process. */
export function userRange(area: Value): Range {
    return { start: area.field('start').number, last: area.field('end').number - 1 };
}

/* The text for a task, as the kernel prints it. */
export function taskText(task: Value): string {
    return `${task.field('comm').text}[${task.field('pid').number}]`;
}

/* Whether the kernel that is described lies in this memory: whether its code does. */
export function isInMemory(json: KernelJson, live: Uint8Array): boolean {
    const start = json.code.start - json.pageOffset, end = start + json.code.size;
    if (end > live.length)
        return false;
    let hash = FNV_START;
    for (let i = start; i < end; i++)
        hash = Math.imul(hash ^ live[i], FNV_PRIME);
    return hash >>> 0 === json.code.hash;
}
