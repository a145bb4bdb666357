/* What is played on two kernels at once. Each is asked for its own addresses; what differs is what the pictures show. */
import { PAGE_SIZE } from '../reader/picture.js';
import { MADE, STEPS, command, last, ofProgram, type Scene } from './scenes.js';

const SIZE = 8 << 20;

/* The last page of the area lies under the second of its page tables. */
function end(printed: string): number {
    return Number(last(printed, MADE)) + SIZE - 1;
}

function lastPage(printed: string): string {
    return `0x${(end(printed) + 1 - PAGE_SIZE).toString(16)}`;
}

export const COMPARED: Scene[] = [
    {
        id: 'sharing', name: 'A new area', title: 'One kernel half, kept equal in two ways',
        steps: [
            command('run steps &', STEPS, 'A program starts in each of the two kernels. Its directory has all entries that the master ' +
                    'directory has.', ofProgram),
            {
                say: 'An area that needs two page tables more. On the left their entries exist since the boot. On the right they are written ' +
                     'now, but only into the master directory: in that of the program, which CR3 holds, the walk stops at the PDE.',
                type: () => 'vmalloc 8M', prints: MADE,
                show: printed => ({ address: end(printed), space: last(printed, STEPS), view: 'directories' }),
            }, {
                say: 'The kernel reads there. On the right this is a page fault; the kernel copies the entry from the master and continues.',
                type: printed => `peek ${lastPage(printed)} 1`, prints: /^0x\w+ +0{8} /m,
                show: printed => ({ address: end(printed), space: last(printed, STEPS), view: 'directories' }),
            }, {
                say: 'pgdiff compares the master and the program: on the right the other entry is still missing.',
                type: printed => `pgdiff 1 ${last(printed, STEPS)}`, prints: /of 256 entries are the same/,
            },
            command('run steps &', STEPS, 'Another program: on the right, too, its new directory has all entries, copied from the master.',
                    printed => ({ address: end(printed), space: last(printed, STEPS), view: 'directories' })),
            {
                say: 'The audit accepts both. What they cost differs: docs/variants.md has the figures.',
                type: () => 'audit', prints: /all invariants hold/,
            },
        ],
    },
];
