/* The arithmetic of the views: grids, scales, glows, what lights up, and the texts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eachRun, fitGrid, frameOfCell, groupOwner } from '../src/views/frame_grid.js';
import { Glow, GLOW_MS } from '../src/views/glow.js';
import { areaAt, areaText, frameText, lightOf, placeToWalk } from '../src/views/links.js';
import { Lens, Scale } from '../src/views/scale.js';
import { nextChange, type Recorded } from '../src/views/timeline.js';
import { parseAddress } from '../src/views/walk_box.js';
import { CODE, OFFSET, picture, VMALLOC } from './lib/pictures.js';

test('the grid has the largest cells that fit, and groups where they would be too small', () => {
    assert.deepEqual(fitGrid(16384, 520, 520, 3), { columns: 128, rows: 128, cell: 4, group: 1 });
    assert.deepEqual(fitGrid(16384, 800, 520, 3), { columns: 160, rows: 103, cell: 5, group: 1 });
    const small = fitGrid(262144, 500, 400, 3);
    assert.equal(small.group, 16);
    assert.ok(small.columns * small.cell <= 500 && small.rows * small.cell <= 400);
    assert.ok(small.columns * small.rows * small.group >= 262144);
});

test('a group shows the owner of most of its frames, and is represented by a frame of this owner', () => {
    const owner = Uint8Array.from([1, 2, 2, 3, 3, 1, 1]);

    assert.equal(groupOwner(owner, 0, 4), 2);
    assert.equal(groupOwner(owner, 4, 4), 1);
    assert.equal(groupOwner(owner, 0, 1), 1);
    assert.equal(frameOfCell(owner, 1, 4), 5);
});

test('a run ends at the end of a row, at a gap, and at another key', () => {
    const runs: number[][] = [];

    eachRun([2, 3, 4, 5, 7, 8, 9], 4, cell => Number(cell === 9), (...run) => runs.push(run));
    assert.deepEqual(runs, [[2, 2, 0], [4, 2, 0], [7, 1, 0], [8, 1, 0], [9, 1, 1]]);
});

test('the strip has the user half in a small part, and leads back to the address', () => {
    const scale = new Scale(OFFSET, 1000);

    assert.equal(scale.toX(OFFSET), 140);
    assert.equal(scale.toX(2 ** 32), 1000);
    for (const address of [0, CODE, OFFSET, VMALLOC, 0xffffffff])
        assert.ok(Math.abs(scale.toAddress(scale.toX(address)) - address) <= 1);
    assert.equal(scale.toAddress(2000), 0xffffffff);
});

test('the lens begins at a page, stays below 4 GiB, and shows so many pages if it is told to', () => {
    const lens = new Lens(640);

    lens.centreOn(VMALLOC + 0x123);
    assert.equal(lens.first, VMALLOC - 40 * 4096);
    assert.equal(lens.toAddress(lens.toX(VMALLOC) + 7), VMALLOC);
    lens.moveTo(0xffffffff);
    assert.equal(lens.end, 2 ** 32);
    assert.equal(lens.toAddress(639), 0xfffff000);
    lens.fit(41);
    assert.equal(lens.pageWidth, 12);
});

test('a glow fades, and is forgotten', () => {
    const glow = new Glow(), seen: [number, number][] = [];

    glow.add([7], 1000);
    assert.equal(glow.each(1000 + GLOW_MS / 2, (...one) => seen.push(one)), true);
    assert.equal(glow.each(1000 + GLOW_MS, (...one) => seen.push(one)), false);
    assert.deepEqual(seen, [[7, 0.5]]);
});

test('an area lights its frames, and a frame its addresses', () => {
    const p = picture();
    const area = lightOf(p, { kind: 'range', start: VMALLOC, last: VMALLOC + 0x1fff, directory: 0 });
    const frame = lightOf(p, { kind: 'frame', frame: 0x650 });

    assert.deepEqual(area.frames, [0x700, 0x500]);
    assert.deepEqual(area.places, [{ address: VMALLOC, last: VMALLOC + 0x1fff, space: null }]);
    assert.equal(frame.places.length, 3);
    assert.deepEqual(lightOf(p, null).frames, []);
});

test('the guard page belongs to its area; a row of lowmem has none', () => {
    const { areas } = picture();

    assert.equal(areaAt(areas, VMALLOC + 0x2fff), areas[1]);
    assert.equal(areaAt(areas, VMALLOC + 0x3000), areas[2]);
    assert.equal(areaAt(areas, OFFSET + 0x800000), null);
});

test('the walk of a frame is that of an address made on demand', () => {
    const p = picture();
    const walked = (frame: number) => placeToWalk(p, lightOf(p, { kind: 'frame', frame }).places)?.address;

    assert.deepEqual([0x500, 0x651, 5, 0x900].map(walked), [VMALLOC + 0x1000, CODE + 0x1000, OFFSET + 0x5000, undefined]);
});

test('texts', () => {
    const p = picture();

    p.frames.owner[0x500] = 1;
    assert.equal(frameText(p, 0x500), 'frame 0x00500000: vmalloc; mapped at 0xc0500000, 0xf7c01000');
    assert.equal(frameText(p, 0x652, 2), 'frame 0x00652000, one of 2 in this cell: free; mapped at 0xc0652000, 0x08049000 of steps[2]');
    assert.equal(areaText(p, p.areas[1], null), '0xf7c00000..0xf7c01fff vmalloc by a+0x1/0x2, stack; 2 frames in 2 runs');
    assert.equal(areaText(p, p.spaces[0].areas[0], p.spaces[0]), '0x08048000..0x0804bfff init[1]: text; 2 frames in 1 run');
});

test('an address is hexadecimal with 0x, or decimal, below 4 GiB', () => {
    assert.deepEqual(['0xC0100000', ' 4096 ', '0xffffffff'].map(parseAddress), [0xc0100000, 4096, 0xffffffff]);
    assert.deepEqual(['', 'c0100000', '0x', '4294967296', '-1', '0x100000000'].map(parseAddress), Array(6).fill(null));
});

test('a step goes to the next record that differs, or stays', () => {
    const texts = ['', 'a', '', '', 'b', ''];
    const history: Recorded = { length: texts.length, index: 'live', goTo() { }, changed: i => texts[i] };

    assert.equal(nextChange(history, 5, -1), 4);
    assert.equal(nextChange(history, 4, -1), 1);
    assert.equal(nextChange(history, 1, 1), 4);
    assert.equal(nextChange(history, 4, 1), 4);
});
