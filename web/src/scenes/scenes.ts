/* The scenes: one for each sentence of docs/course.md, and some more. A scene starts the machine again, types commands and points at what
   happens. Addresses are read from what the commands print, as they differ from one build to the next. */
import { PAGE_SIZE, type Picture, type Space } from '../reader/picture.js';

export interface SceneStep {
    say: string;                          // what happens, in a sentence or two
    type?: (printed: string) => string;   // the command; printed: all output of the scene so far
    prints?: RegExp;                      // what it must print: otherwise the scene ends with a sentence
    show?: (printed: string, picture: Picture) => Pointed;  // what the walk box explains afterwards
}

export interface Pointed {
    address: number | string;  // or the name of a function or variable of the kernel
    space?: string;            // a pid; the directory in CR3 where it is left out
    view?: 'physical' | 'map' | 'directories';  // the picture that must be in sight
}

export interface Scene {
    id: string;
    name: string;              // on its button
    title: string;
    machine?: string;          // the name of its saved state; the usual one where it is left out
    steps: SceneStep[];
}

/* ---- steps ---- */

export function command(line: string, prints: RegExp, say: string, show?: SceneStep['show']): SceneStep {
    return { say, type: () => line, prints, show };
}

function look(address: string, say: string, space?: string): SceneStep {
    return { say, show: () => ({ address, space }) };
}

/* The last match of a pattern in what was printed. */
export function last(printed: string, pattern: RegExp): string {
    const found = [...printed.matchAll(pattern)].pop();
    if (!found)
        throw new Error(`the machine has not printed ${pattern.source}`);
    return found[1];
}

export const MADE = /vmalloc: (0x[0-9a-f]+),/g, STEPS = /steps\[(\d+)\]: in the background/g;
const CHILD = /child: \w+\[(\d+)\]/g;
const STACK_BY = /(0x[0-9a-f]+)-0x[0-9a-f]+ +\d+ kthread_create/g, KILLED = /SIGSEGV: write to (0x[0-9a-f]+)/g;
const ALL_THE_SAME = /(\d+) of \1 entries are the same/;

function atArea(printed: string): Pointed {
    return { address: Number(last(printed, MADE)), view: 'physical' };
}

/* The eight pages that steps has mapped: its highest area that is neither a file's nor the stack. `who` finds the process in the output. */
function mappedArea(printed: string, picture: Picture, who = STEPS): Pointed {
    const { areas, pid } = process(printed, picture, who), area = areas.filter(one => one.text.endsWith(' anonymous')).pop();
    if (!area)
        throw new Error(`process ${pid} has no anonymous area`);
    return { address: area.start, space: String(pid) };
}

function ofChild(printed: string, picture: Picture): Pointed {
    return mappedArea(printed, picture, CHILD);
}

function process(printed: string, picture: Picture, who = STEPS): Space {
    const pid = last(printed, who), space = picture.spaces.find(one => String(one.pid) === pid);
    if (!space)
        throw new Error(`there is no process ${pid}`);
    return space;
}

/* Where its program begins. */
export function ofProgram(printed: string, picture: Picture): Pointed {
    const { areas, pid } = process(printed, picture);
    return { address: areas[0].start, space: String(pid), view: 'directories' };
}

/* The page of its stack that it uses. */
function ofStack(printed: string, picture: Picture): Pointed {
    const { areas, pid } = process(printed, picture), stack = areas.find(area => area.text.endsWith('[stack]'));
    return { address: stack ? stack.last : areas[0].start, space: String(pid) };
}

/* Two processes: steps, and the child that it forks in its third step. */
const START = command('run steps &', STEPS, 'A program starts in the background. It waits for a word before each of its steps.', ofProgram);

function step(does: RegExp, say: string, show?: SceneStep['show']): SceneStep {
    return { say, type: printed => `run steps ${last(printed, STEPS)}`, prints: does, show };
}

const MAP = step(/: mmap/, 'It maps eight pages: an area, but no frame yet.', mappedArea);
const TOUCH = step(/: touch/, 'It writes to four of them: now each of these four has a frame.', mappedArea);
const FORK = step(/: fork/, 'It forks. The child has a directory of its own, a second column among the page directories.',
                  (printed, picture) => ({ ...ofChild(printed, picture), view: 'directories' }));
const TWO_PROCESSES = [START, MAP, TOUCH, FORK];

function compare(say: string, show?: SceneStep['show']): SceneStep {
    return { say, type: printed => `pgdiff ${last(printed, STEPS)} ${last(printed, CHILD)}`, prints: ALL_THE_SAME, show };
}

/* ---- the scenes ---- */

export const SCENES: Scene[] = [
    {
        id: 'half', name: 'Kernel half', title: 'One kernel half for all',
        steps: [
            ...TWO_PROCESSES,
            compare('All 256 entries of the kernel half are equal in both directories: they lead to the same page tables.',
                    printed => ({ address: 'kernel_main', space: last(printed, CHILD), view: 'directories' })),
        ],
    }, {
        id: 'lowmem', name: 'Lowmem', title: 'Lowmem never changes',
        steps: [
            look('kernel_main', 'A function of the kernel. The walk ends at the physical address that is the virtual one minus ' +
                 'PAGE_OFFSET; this is true everywhere in lowmem.'),
            command('poke kernel_main 0', /cannot write/, 'The entry has RW=0, and CR0.WP is on: even ring 0 cannot write there.'),
            command('audit', /all invariants hold/, 'The audit compares every page of lowmem with what the address map says.'),
        ],
    }, {
        id: 'vmalloc', name: 'vmalloc', title: 'vmalloc maps frames from anywhere',
        steps: [
            command('vmalloc -s 16K', MADE, 'Four pages in a row. Their frames, which light up in physical memory, are not neighbours.',
                    atArea),
            { say: 'Only entries of page tables were written; the guard page behind the area maps nothing.',
              show: printed => ({ address: Number(last(printed, MADE)) + 4 * PAGE_SIZE }) },
            { say: 'vfree takes the entries away, then gives the frames back.',
              type: printed => `vfree ${last(printed, MADE)}`, prints: /^$/, show: atArea },
        ],
    }, {
        id: 'everywhere', name: 'Everywhere', title: 'A change is seen everywhere at once',
        steps: [
            ...TWO_PROCESSES,
            command('vmalloc -s 16K', MADE, 'A new area, while two processes exist. Seen through the directory of the first …',
                    printed => ({ ...atArea(printed), space: last(printed, STEPS) })),
            { say: '… and of its child: another entry, at another address, but the same page table, and so the same frame.',
              show: printed => ({ ...atArea(printed), space: last(printed, CHILD) }) },
            { say: 'After vfree the entry is empty, in the one table that both use.',
              type: printed => `vfree ${last(printed, MADE)}`, prints: /^$/,
              show: printed => ({ ...atArea(printed), space: last(printed, CHILD) }) },
        ],
    }, {
        id: 'dma', name: 'DMA', title: 'vmalloc memory is unfit for DMA',
        steps: [
            look('boot_cpu', 'A variable of the kernel. A device knows only physical addresses: it may have the one where the walk ends.'),
            command('vmalloc -s 16K', MADE, 'The second page is not behind the first one in physical memory: one address for the device ' +
                    'cannot be right, so the kernel refuses it (the last lines of the walk).', atArea),
        ],
    }, {
        id: 'attack', name: 'Ring 3', title: 'Ring 3 cannot reach the kernel',
        steps: [
            command('run attack', KILLED, 'A program passes an address of the kernel to a system call, and then writes there itself. The ' +
                    'first is refused with EFAULT; the second kills it.',
                    printed => ({ address: Number(last(printed, KILLED)) })),
            { say: 'The address lies in the kernel half, which every directory has. Its entry has US=0: ring 0 only.',
              show: printed => ({ address: Number(last(printed, KILLED)) }) },
        ],
    }, {
        id: 'entry', name: 'Ways in', title: 'The ways in are always mapped',
        steps: [
            START,
            { say: 'int 0x80 changes the ring, not CR3. Its handler is mapped in the directory of the process itself.',
              show: printed => ({ address: 'trap_stub_128', space: last(printed, STEPS) }) },
            { say: 'So is the handler of sysenter.', show: printed => ({ address: 'sysenter_entry', space: last(printed, STEPS) }) },
        ],
    }, {
        id: 'touch', name: 'First touch', title: 'A page at the first touch',
        steps: [
            START, MAP, TOUCH,
            { say: 'A fifth page was only read: it shows the one frame of zeros that all processes share.',
              show: (printed, picture) => {
                  const area = mappedArea(printed, picture);
                  return { ...area, address: area.address as number + 4 * PAGE_SIZE };
              } },
        ],
    }, {
        id: 'cow', name: 'Copy-on-write', title: 'A copy at the first write',
        steps: [
            ...TWO_PROCESSES,
            compare('They share the frames of the eight pages. The entries of both have RW=0, so that a write comes to the kernel.',
                    ofChild),
            step(/: write/, 'The parent writes to two of them, and gets a copy of each; the child keeps the old frames.', ofChild),
            compare('“other frames”: the two pages that were written now, and before that data and stack.', ofChild),
        ],
    }, {
        id: 'highmem', name: 'Highmem', title: 'Frames that lowmem has no room for', machine: 'lowmem',
        steps: [
            command('layout', /PAGE_OFFSET/, 'The same kernel, started with lowmem=8M: only 8 MiB have a place in the linear map.',
                    (_, picture) => ({ address: picture.regions.find(region => region.id === 'REGION_LOWMEM')?.last ?? 0 })),
            command('run steps &', STEPS, 'The pages of a process come from the rest, highmem: this one of its stack has none in lowmem.',
                    ofStack),
            command('frames', /^sum/m, 'The kernel reaches such a frame only through vmalloc or kmap_local.'),
        ],
    }, {
        id: 'guard', name: 'Stack guard', title: 'The guard of a kernel stack',
        steps: [
            look('kthread_create', 'Each task has a kernel stack: two pages of the vmalloc area. This function makes kernel threads.'),
            command('vmallocinfo', STACK_BY, 'The areas. Behind each one, and so below the next one, a page is never mapped.'),
            { say: 'A stack grows down. One that overflows touches the guard of the area below, and is reported by name.',
              show: printed => ({ address: Number(last(printed, STACK_BY)) - 4 }) },
        ],
    },
];
