/* The recorded past, on eight pages of memory and a reader that are made by hand. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Copy, NoMemory, type Pages } from '../src/reader/copy.js';
import { History } from '../src/reader/history.js';
import { PAGE_SIZE, type Picture, type Registers } from '../src/reader/picture.js';
import type { Reader } from '../src/reader/reader.js';
import { Damaged } from '../src/reader/value.js';

const OWNERS = ['free', 'slab', 'user'], REGISTERS = {} as Registers;
const NO_ENTRIES = new Uint32Array(1024);
const TABLE = 1, SPACES = 2, OTHER = 3;  // pages; page 0 has the owners of four frames, a word each

class Machine {
    readonly words = new Uint32Array(8 * PAGE_SIZE / 4);
    readonly history: History;
    wrong: Error | null = null;  // what the reader meets

    constructor(mostWords?: number) {
        const reader = { picture: (pages: Pages) => this.picture(pages) } as unknown as Reader;
        this.history = new History(new Copy(() => new Uint8Array(this.words.buffer)), reader, mostWords);
        this.history.copy.page(OTHER);
    }

    set(page: number, index: number, word: number): void {
        this.words[page * PAGE_SIZE / 4 + index] = word;
    }

    picture(pages: Pages): Picture {
        if (this.wrong)
            throw this.wrong;
        const directories = [...pages.page(SPACES)].filter(word => word);
        return {
            frames: { owner: Uint8Array.from(pages.page(0).subarray(0, 4)), owners: OWNERS.map(name => ({ name })) },
            tables: new Map([[0, pages.page(TABLE)]]),
            spaces: directories.map(directory => ({ directory, name: `p${directory}`, entries: NO_ENTRIES, tables: new Map() })),
            master: NO_ENTRIES, pageOffset: 0xc0000000,
        } as unknown as Picture;
    }

    record(): Picture | null {
        return this.history.record(REGISTERS);
    }

    get texts(): string[] {
        return this.history.steps.map(step => step.text);
    }

    owner(index: number): number {
        return this.picture(this.history.past(index)).frames.owner[0];
    }
}

test('a step for each change of an owner, an entry, a process, in words', () => {
    const machine = new Machine();
    machine.record();
    machine.set(0, 0, 1);
    machine.set(0, 2, 1);
    machine.record();
    machine.record();
    machine.set(TABLE, 0, 0x1003);
    machine.set(TABLE, 1023, 0x2003);
    machine.record();
    machine.set(SPACES, 0, 7);
    machine.record();
    machine.set(SPACES, 0, 0);
    machine.set(0, 0, 2);
    machine.record();
    assert.deepEqual(machine.texts, ['the record begins', '2 frames free → slab', '2 entries of page tables', 'p7 came',
                                     '1 frame slab → user; p7 ended']);
});

test('the past is as it was after each step, with the first and the last word of a page', () => {
    const machine = new Machine();
    machine.record();
    for (const owner of [1, 2]) {
        machine.set(0, 0, owner);
        machine.set(OTHER, 1023, owner);
        machine.record();
    }
    machine.set(OTHER, 1023, 99);  // joins no step
    machine.record();
    assert.deepEqual([0, 1, 2].map(index => machine.owner(index)), [0, 1, 2]);
    assert.deepEqual([0, 1, 2].map(index => machine.history.past(index).page(OTHER)[1023]), [0, 1, 2]);
    assert.equal(machine.history.copy.page(OTHER)[1023], 99);
});

test('a word that changes twice between two steps comes back as it was before both', () => {
    const machine = new Machine();
    machine.set(OTHER, 5, 10);
    machine.history.copy.refresh();
    machine.record();
    for (const word of [11, 12]) {
        machine.set(OTHER, 5, word);
        machine.record();
    }
    machine.set(0, 0, 1);
    machine.record();
    assert.equal(machine.history.past(0).page(OTHER)[5], 10);
    assert.equal(machine.history.past(1).page(OTHER)[5], 12);
});

test('a picture that was shown stays as it is', () => {
    const machine = new Machine(), first = machine.record(), table = first?.tables.get(0);
    machine.set(TABLE, 3, 1);
    const second = machine.record();
    assert.equal(table?.[3], 0);
    assert.equal(second?.tables.get(0)?.[3], 1);
});

test('the oldest steps are dropped when there are too many words, and counted', () => {
    const machine = new Machine(12);
    machine.record();
    for (let i = 1; i <= 10; i++) {
        machine.set(0, 0, i % 3);
        machine.record();
    }
    assert.equal(machine.history.dropped + machine.history.steps.length, 11);
    assert.equal(machine.history.steps.length, 4);
    assert.deepEqual([0, 1, 2, 3].map(index => machine.owner(index)), [7, 8, 9, 10].map(i => i % 3));
});

test('in the middle of a change the last picture stays; a fault of the page is not hidden', () => {
    const machine = new Machine(), before = machine.record();
    for (const wrong of [new Damaged('a list'), new NoMemory('none')]) {
        machine.wrong = wrong;
        assert.equal(machine.record(), before);
    }
    machine.wrong = new RangeError('of the page');
    assert.throws(() => machine.record(), RangeError);
});

test('memory that is not there, and a page that was never looked at', () => {
    const machine = new Machine();
    machine.record();
    assert.throws(() => machine.history.copy.page(8), NoMemory);
    assert.throws(() => machine.history.past(0).page(7), NoMemory);
});
