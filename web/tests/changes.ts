/* What has changed between two pictures. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changesBetween, keyAddress, keyDirectory, pageKey } from '../src/reader/changes.js';
import { CODE, picture, table, VMALLOC } from './lib/pictures.js';

test('equal pictures differ in nothing, and the first picture is no change', () => {
    const nothing = { frames: [], pages: [], entries: [] };

    assert.deepEqual(changesBetween(picture(), picture()), nothing);
    assert.deepEqual(changesBetween(null, picture()), nothing);
});

test('a key has its directory and its address, up to the last page', () => {
    assert.equal(keyDirectory(pageKey(0xfffff000, 0xffffffff)), 0xfffff000);
    assert.equal(keyAddress(pageKey(0xfffff000, 0xffffffff)), 0xfffff000);
});

test('an owner is compared by its name', () => {
    const before = picture(), after = picture();

    after.frames.owners = [after.frames.owners[1], after.frames.owners[0]];
    after.frames.owner.fill(1);
    after.frames.owner[9] = 0;
    assert.deepEqual(changesBetween(before, after).frames, [9]);
});

test('pages of the kernel half and of a space, and entries of a directory', () => {
    const before = picture(), after = picture();

    after.tables.get(991)![1] = 0;
    after.spaces[1].tables.get(32)![73] = 0x653067;
    after.spaces[1].entries[33] = 0x654067;
    assert.deepEqual(changesBetween(before, after),
        {
            frames: [], pages: [pageKey(0, VMALLOC + 0x1000), pageKey(0x610000, CODE + 0x1000)],
            entries: [pageKey(0x610000, 33 * 0x400000)],
        });
});

test('accessed and dirty are no change', () => {
    const before = picture(), after = picture();

    after.spaces[0].tables.get(32)![72] ^= 0x60;
    assert.deepEqual(changesBetween(before, after).pages, []);
});

test('a table that went away has lost its pages, and a new process has new ones', () => {
    const before = picture(), after = picture();

    before.spaces[0].tables.set(40, table({ 0: 0x700067 }));
    before.spaces.pop();
    const { pages, entries } = changesBetween(before, after);
    assert.deepEqual(pages, [pageKey(0x600000, 40 * 0x400000), pageKey(0x610000, CODE), pageKey(0x610000, CODE + 0x1000)]);
    assert.deepEqual(entries, [pageKey(0x610000, 32 * 0x400000)]);
});
