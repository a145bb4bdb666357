/* What the page reads of the kernel, compared with what the kernel itself prints. Run by tests/run/web/test_web.py, under Node.

       node reader.mjs FOLDER

   FOLDER is that of `make web`. Prints TAP. */
import { command } from '../src/prompt.js';
import { Copy } from '../src/reader/copy.js';
import { History } from '../src/reader/history.js';
import { hex, PAGE_SIZE, PDE_SHIFT, type Picture } from '../src/reader/picture.js';
import { Reader } from '../src/reader/reader.js';
import type { Machine } from '../src/machine.js';
import { atPrompt, json } from './lib/files.js';
import { point, run } from './lib/tap.js';

/* A machine at the prompt, with all that reads it. */
class Watched {
    readonly history: History;

    constructor(readonly machine: Machine, readonly reader: Reader) {
        this.history = new History(new Copy(() => machine.memory()), this.reader);
    }

    type(line: string): Promise<string> {
        return command(this.machine, line);
    }

    picture(): Picture {
        const picture = this.history.record(this.machine.registers());
        if (!picture)
            throw new Error('there is no picture of the kernel');
        return picture;
    }

    /* Two processes, one forked by the other: their pids. */
    async family(): Promise<number[]> {
        await this.type('run steps &');
        for (const word of ['mmap', 'touch', 'fork', 'write', 'mprotect']) {
            const said = await this.type('run steps 2');
            if (!said.includes(`steps[2]: ${word}`))
                throw new Error(`steps does not take the step ${word}: ${said}`);
        }
        return this.picture().spaces.map(space => space.pid);
    }
}

/* `frames` prints a line for each owner: use, name, frames, size. */
async function compareFrames(watched: Watched, name: string): Promise<void> {
    const said = await watched.type('frames'), { owners } = watched.picture().frames;
    const wanted = [...said.matchAll(/^(free|used|reserved) +(\S.*?) +(\d+) +\d+ kB$/gm)].map(match => match.slice(1).join(' '));
    const found = owners.filter(owner => owner.use !== 'none').map(owner => `${owner.use} ${owner.name} ${owner.frames}`);
    point(wanted.length > 10 && wanted.sort().join('\n') === found.sort().join('\n'), `${name}: the counts of \`frames\``,
          `${said}\n\n${found.join('\n')}`);
}

/* Addresses in all regions: edges of regions and areas, their guard pages, addresses that nothing has. */
function addresses(picture: Picture): number[] {
    const found = new Set([0, PAGE_SIZE, 0x20000000]);
    for (const { first, last } of picture.regions)
        [first, last].forEach(address => found.add(address));
    for (const { start, last, kind } of picture.areas) {
        [start, last].forEach(address => found.add(address));
        if (kind === 'vmalloc')
            found.add(last + 1);
    }
    return [...found].sort((a, b) => a - b);
}

/* Returns how many were compared. */
async function compareExplanations(watched: Watched, list: number[], pid: number | null): Promise<number> {
    const space = pid === null ? watched.picture().masterAddress : watched.picture().spaces.find(one => one.pid === pid)?.directory;
    for (const address of list) {
        const wanted = await watched.type(`explain ${hex(address)}${pid === null ? '' : ` ${pid}`}`);
        watched.picture();
        const found = watched.reader.explain(watched.history.copy, watched.machine.registers(), address, space).lines.join('\n');
        if (found !== wanted)
            point(false, `${hex(address)} ${pid ?? ''} is explained as the kernel does`, `${wanted}\n\n${found}`);
    }
    return list.length;
}

async function compareAll(watched: Watched, name: string): Promise<void> {
    let count = await compareExplanations(watched, addresses(watched.picture()), null);
    for (const pid of await watched.family()) {
        const areas = watched.picture().spaces.find(space => space.pid === pid)?.areas ?? [];
        const list = areas.flatMap(area => [area.start - 1, area.start, area.start + 4 * PAGE_SIZE, area.last]);
        count += await compareExplanations(watched, [...new Set(list), 0xc0110000], pid);
    }
    point(count >= 50, `${name}: ${count} addresses in all regions were compared with \`explain\``, '');
    await compareFrames(watched, name);
}

/* A frame's owner before vmalloc and after it, seen again in the recorded past. */
async function compareHistory(watched: Watched): Promise<void> {
    const { history, reader, machine } = watched, before = watched.picture(), steps = history.steps.length;
    const said = await watched.type('vmalloc -s 16K'), after = watched.picture();
    const frames = [...said.matchAll(/0x[0-9a-f]{8}(?!,)\b(?!")/g)].map(match => Number(match[0]) / PAGE_SIZE).slice(-4);
    const owners = (picture: Picture) => frames.map(frame => picture.frames.owners[picture.frames.owner[frame]].name).join();
    point(owners(after) === 'vmalloc,vmalloc,vmalloc,vmalloc', 'the frames of an area belong to vmalloc', `${said}\n${owners(after)}`);
    point(history.steps.length === steps + 1, 'which is a step of the history', history.steps.map(step => step.text).join('\n'));
    const now = reader.picture(history.past(steps), machine.registers());
    point(now !== null && owners(now) === owners(after), 'after that step they do in the past too', '');
    await watched.type('vfree ' + /0x[0-9a-f]+/.exec(said)?.[0]);
    watched.picture();
    const past = reader.picture(history.past(steps - 1), machine.registers());
    const changed = past?.frames.owner.findIndex((owner, i) => owner !== before.frames.owner[i]);
    point(changed === -1, 'before it every frame has the owner that it had', `${changed}`);
}

/* A word of a directory is written from outside, as no kernel does after its boot. */
function compareCounter(watched: Watched): void {
    point(watched.picture().changedPdes === 0, 'no entry of the kernel half has changed since the boot', '');
    const { masterAddress, pageOffset, spaces } = watched.picture(), memory = watched.machine.memory();
    const first = pageOffset >>> PDE_SHIFT, last = 1023;
    for (const directory of [masterAddress, ...spaces.map(space => space.directory)]) {
        for (const at of [directory + 4 * first, directory + 4 * last]) {
            memory[at] ^= 2;
            point(watched.picture().changedPdes === 1, `one that is written late, at ${hex(at)}, is counted`, '');
            memory[at] ^= 2;
        }
    }
    point(watched.picture().changedPdes === 0, 'and no longer when it is as before', '');
}

/* A free block of frames that for a moment is none, as in the middle of a split. */
function compareLost(watched: Watched): void {
    const { owner } = watched.picture().frames, memory = watched.machine.memory();
    const pfn = owner.findIndex((one, i) => one === 0 && i > 0 && owner[i - 1] !== 0);  // where a block begins
    const at = watched.reader.placeOfPage(watched.history.copy, pfn);
    const saved = memory.slice(at, at + 4);
    memory.fill(0, at, at + 4);
    const lost = watched.picture().frames.owners.filter(owner => owner.name.startsWith('lost'));
    point(lost.length === 1 && lost[0].frames > 0, 'a frame that nobody has is lost', JSON.stringify(lost));
    memory.set(saved, at);
    point(watched.picture().frames.owner[pfn] === 0, 'and found again', '');
}

/* An entry that points to a table where the kernel has none. */
async function compareUnread(watched: Watched): Promise<void> {
    const { spaces } = watched.picture(), { directory, pid } = spaces[0], address = 100 * 2 ** PDE_SHIFT;
    const pde = new DataView(watched.machine.memory().buffer, watched.machine.memory().byteOffset + directory + 4 * 100, 4);
    pde.setUint32(0, 0xfffff067, true);
    await compareExplanations(watched, [address], pid);
    point(watched.reader.explain(watched.history.copy, watched.machine.registers(), address, directory).walk.last.entry.unread,
          'a table outside of lowmem is not read', '');
    pde.setUint32(0, 0, true);
}

run(async () => {
    const folder = process.argv[2], reader = new Reader(json(folder, 'kernel.json'));
    for (const state of ['attic', 'lowmem']) {
        reader.forget();
        const watched = new Watched(await atPrompt(folder, state), reader);
        point(watched.reader.isIn(watched.machine.memory()), `${state}: the kernel is that of kernel.json`, '');
        await compareAll(watched, state);
        compareCounter(watched);
        await compareUnread(watched);
        compareLost(watched);
        await compareHistory(watched);
        watched.machine.memory()[watched.reader.codeStart] ^= 1;
        point(!watched.reader.isIn(watched.machine.memory()), 'another kernel is not', '');
        await watched.machine.destroy();
    }
});
