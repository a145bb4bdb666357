/* Which frames an address has, and which addresses a frame: on a small picture made by hand. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressesOf, differingEntries, entryRuns, frameAt, framesOf, NO_FRAME, runsOf } from '../src/views/mappings.js';
import { CODE, OFFSET, picture, table, VMALLOC } from './lib/pictures.js';

const where = (frame: number) => addressesOf(picture(), frame).map(place => [place.address, place.space?.name ?? 'kernel']);

test('a page of each kind is mapped to its frame', () => {
    const p = picture(), [init, steps] = p.spaces;

    assert.equal(frameAt(p, OFFSET + 0x5123, null), 5);
    assert.equal(frameAt(p, OFFSET + 0x400000 + 0x3ff000, null), 0x7ff);
    assert.equal(frameAt(p, VMALLOC + 0x1fff, null), 0x500);
    assert.equal(frameAt(p, VMALLOC + 0x3000, null), 0xfea00);
    assert.equal(frameAt(p, CODE + 0x1000, init), 0x651);
    assert.equal(frameAt(p, CODE + 0x1000, steps), 0x652);
});

test('what is not present has no frame: a PDE, a tag in a PTE, a user address without a space', () => {
    const p = picture();

    assert.equal(frameAt(p, 0xd0000000, null), NO_FRAME);
    assert.equal(frameAt(p, VMALLOC + 0x2000, null), NO_FRAME);
    assert.equal(frameAt(p, CODE, null), NO_FRAME);
});

test('the address bits of a large page begin at bit 22: bit 12, PAT, is none of them', () => {
    const p = picture();

    p.master[769] |= 0x1000;
    assert.equal(frameAt(p, OFFSET + 0x400000, null), 0x400);
});

test('the frames of a range are in the order of its addresses', () => {
    const p = picture();

    assert.deepEqual(framesOf(p, VMALLOC, VMALLOC + 0x3fff), [0x700, 0x500, 0xfea00]);
    assert.deepEqual(framesOf(p, VMALLOC + 0x1800, VMALLOC + 0x1801), [0x500]);
    assert.deepEqual(framesOf(p, CODE, CODE + 0x3fff, p.spaces[1]), [0x650, 0x652]);
});

test('entries that are not present are passed over, and the pages behind them are found', () => {
    assert.deepEqual(framesOf(picture(), OFFSET + 0x7ff000, VMALLOC), [0x7ff, 0x700]);
    assert.deepEqual(framesOf(picture(), VMALLOC - 0x1000, VMALLOC + 0x1fff), [0x700, 0x500]);
    assert.deepEqual(framesOf(picture(), 0xff800000, 0xffffffff), []);
});

test('every address of a frame is found', () => {
    assert.deepEqual(where(0x500), [[OFFSET + 0x500000, 'kernel'], [VMALLOC + 0x1000, 'kernel']]);
    assert.deepEqual(where(0x650), [[OFFSET + 0x650000, 'kernel'], [CODE, 'init[1]'], [CODE, 'steps[2]']]);
    assert.deepEqual(where(0x652), [[OFFSET + 0x652000, 'kernel'], [CODE + 0x1000, 'steps[2]']]);
    assert.deepEqual(where(0x900), []);
});

test('frames side by side are one run', () => {
    assert.equal(runsOf([]), 0);
    assert.equal(runsOf([5, 6, 7]), 1);
    assert.equal(runsOf([5, 7, 6]), 3);
});

test('a directory with another kernel entry does not share it', () => {
    const p = picture();

    assert.deepEqual(differingEntries(p, p.spaces[0]), []);
    p.spaces[0].entries[1023] = 1;
    assert.deepEqual(differingEntries(p, p.spaces[0]), [1023]);
});

test('adjacent entries that are not present are one run; each present entry is one', () => {
    const runs = entryRuns(table({ 7: 1, 6: 1, 3: 1, 9: 1 }), 9);

    assert.deepEqual(runs.map(run => [run.last, run.first, run.present]),
        [[8, 8, false], [7, 7, true], [6, 6, true], [5, 4, false], [3, 3, true], [2, 0, false]]);
});
