/* The kernel's variables and structures, by name: a Value is a place in memory with a type of kernel.json.

       kernel.variable('layout_regions').at(2).field('name').text

   Lowmem is read at address - PAGE_OFFSET; other addresses of the kernel (kernel stacks) through the master directory. A name that
   kernel.json does not have is an error of the page, not of the kernel. */
import type { KernelJson, Type } from './kernel_json.js';
import { NoMemory, type Pages } from './copy.js';
import { PAGE_SHIFT, PAGE_SIZE, hex } from './picture.js';
import { walk } from './tables.js';

const LONGEST_TEXT = 4096, MOST_STEPS = 1 << 16;  // along a list or a tree

/* A list or tree that does not end: the kernel is in the middle of a change, or it is damaged. */
export class Damaged extends Error { }

export class Memory {
    readonly lowmem: number;  // bytes; the kernel's tables lie in it

    constructor(readonly json: KernelJson, readonly pages: Pages) {
        this.lowmem = this.physical(json.variables.lowmem_size.address - json.pageOffset);
    }

    /* A word of physical memory. */
    physical(address: number): number {
        return this.pages.page(address >>> PAGE_SHIFT)[(address & (PAGE_SIZE - 1)) >> 2];
    }

    /* The physical address of a kernel address. */
    translate(address: number): number {
        const offset = this.json.pageOffset;
        if (address >= offset && address - offset < this.lowmem)
            return address - offset;
        const found = walk(this.pages, this.json.variables.swapper_pg_dir.address - offset, address, this.lowmem).physical;
        if (found === null)
            throw new NoMemory(`nothing is mapped at the kernel's address ${hex(address)}`);
        return found;
    }

    /* An unsigned number of 1, 2, 4 or 8 bytes. A number lies in one page, as it is aligned. */
    number(address: number, size: number): number {
        const at = this.translate(address), word = this.physical(at & ~3);
        if (size === 8)
            return word + this.physical(at + 4) * 2 ** 32;
        return size === 4 ? word : word >>> ((at & 3) * 8) & ((1 << size * 8) - 1);
    }

    /* A text that ends with 0. */
    text(address: number, limit = LONGEST_TEXT): string {
        let said = '';
        for (let i = 0; i < limit;) {
            const at = this.translate(address + i), first = at % PAGE_SIZE;
            const bytes = new Uint8Array(this.pages.page(at >>> PAGE_SHIFT).buffer, first, Math.min(limit - i, PAGE_SIZE - first));
            const end = bytes.indexOf(0);
            said += String.fromCharCode(...(end < 0 ? bytes : bytes.subarray(0, end)));
            if (end >= 0)
                break;
            i += bytes.length;
        }
        return said;
    }

    variable(name: string): Value {
        const found = this.json.variables[name] ?? missing(`variable ${name}`);
        return new Value(this, found.type, found.address);
    }

    /* The structure at an address. */
    struct(name: string, address: number): Value {
        const size = (this.json.structs[name] ?? missing(`struct ${name}`)).size;
        return new Value(this, { kind: 'struct', name, size }, address);
    }

    sizeOf(name: string): number {
        return (this.json.structs[name] ?? missing(`struct ${name}`)).size;
    }

    offsetOf(name: string, field: string): number {
        return (this.json.structs[name]?.fields[field] ?? missing(`field ${name}.${field}`)).at;
    }

    enumerators(name: string): Record<string, number> {
        return this.json.enums[name] ?? missing(`enum ${name}`);
    }

    /* The value of an enumerator. */
    enumerator(name: string, enumerator: string): number {
        return this.enumerators(name)[enumerator] ?? missing(`${enumerator} of enum ${name}`);
    }

    /* The name of a value; as text the number of one that has none. */
    nameOf(name: string, value: number): string {
        return Object.entries(this.enumerators(name)).find(([, one]) => one === value)?.[0] ?? String(value);
    }

    /* The structures on a list (include/lib/list.h), from the address of its head. */
    *list(head: number, struct: string, link: string): Generator<Value> {
        const offset = this.offsetOf(struct, link);
        let at = this.number(head, 4);
        for (let steps = 0; at !== head && at; steps++) {
            if (steps > MOST_STEPS)
                throw new Damaged(`the list at ${hex(head)} does not come back to its head`);
            yield this.struct(struct, at - offset);
            at = this.number(at, 4);
        }
    }

    /* The structures in a red-black tree (include/lib/rbtree.h), in order, from the address of its root. */
    *tree(root: number, struct: string, node: string): Generator<Value> {
        const offset = this.offsetOf(struct, node), above: number[] = [];
        let at = this.struct('rb_root', root).field('rb_node').number;
        for (let steps = 0; at || above.length; steps++) {
            if (steps > MOST_STEPS)
                throw new Damaged(`the tree at ${hex(root)} does not end`);
            for (; at; at = this.struct('rb_node', at).field('rb_left').number)
                above.push(at);
            at = above.pop() as number;
            yield this.struct(struct, at - offset);
            at = this.struct('rb_node', at).field('rb_right').number;
        }
    }
}

export class Value {
    constructor(readonly memory: Memory, readonly type: Type, readonly address: number) { }

    field(name: string): Value {
        const type = this.as('struct');
        const found = this.memory.json.structs[type.name]?.fields[name] ?? missing(`field ${type.name}.${name}`);
        return new Value(this.memory, found.type, this.address + found.at);
    }

    /* An element of an array. */
    at(index: number): Value {
        const type = this.as('array');
        return new Value(this.memory, type.of, this.address + index * sizeOf(type.of));
    }

    get length(): number {
        return this.as('array').count;
    }

    /* What a pointer points to; null for NULL. */
    deref(): Value | null {
        const to = this.as('pointer').to, address = this.number;
        return address ? new Value(this.memory, to, address) : null;
    }

    /* As an unsigned number. */
    get number(): number {
        const type = this.type;
        switch (type.kind) {
        case 'bits':
            return this.memory.number(this.address, 4) >>> type.from & (2 ** type.count - 1);
        case 'number':
        case 'enum':
            return this.memory.number(this.address, type.size);
        case 'pointer':
            return this.memory.number(this.address, 4);
        default:
            return missing(`number in a ${type.kind}`);
        }
    }

    /* The name of an enumerator. */
    get name(): string {
        return this.memory.nameOf(this.as('enum').name, this.number);
    }

    /* An array of char, or the text that a pointer points to; '' for NULL. */
    get text(): string {
        if (this.type.kind === 'array')
            return this.memory.text(this.address, this.type.count);
        return this.number ? this.memory.text(this.number) : '';
    }

    private as<K extends Type['kind']>(kind: K): Extract<Type, { kind: K }> {
        return this.type.kind === kind ? this.type as Extract<Type, { kind: K }> : missing(`${kind} in a ${this.type.kind}`);
    }
}

function sizeOf(type: Type): number {
    if (type.kind === 'array')
        return type.count * sizeOf(type.of);
    return type.kind === 'pointer' || type.kind === 'bits' ? 4 : type.size;
}

function missing(what: string): never {
    throw new TypeError(`kernel.json has no ${what}`);
}
