/* What the page reads of the kernel, compared with what the kernel itself prints. Run by tests/run/web/test_web.py, under Node.

       node reader.mjs FOLDER

   FOLDER is that of `make web`. Prints TAP. */
import { command } from '../src/prompt.js';
import { Copy } from '../src/reader/copy.js';
import { History } from '../src/reader/history.js';
import type { KernelJson } from '../src/reader/kernel_json.js';
import { FRAME, hex, P, PAGE_SHIFT, PAGE_SIZE, PDE_SHIFT, PS, RW, type Picture, US } from '../src/reader/picture.js';
import { Reader } from '../src/reader/reader.js';
import { Damaged } from '../src/reader/value.js';
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
    for (const { first, last, id } of picture.regions) {
        [first, last].forEach(address => found.add(address));
        if (id === 'REGION_LOWMEM')  // in the middle of a large free block
            found.add(first + (last + 1 - first) / 4 * 3 + 7 * PAGE_SIZE);
    }
    for (const { start, last, kind } of picture.areas) {
        [start, last].forEach(address => found.add(address));
        if (kind === 'vmalloc')
            [last + 1, last + 1 + PAGE_SIZE].forEach(address => found.add(address));
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
    await watched.type('vmalloc -s 128K');  // so many frames that not all are listed
    let count = await compareExplanations(watched, addresses(watched.picture()), null);
    for (const pid of await watched.family()) {
        const areas = watched.picture().spaces.find(space => space.pid === pid)?.areas ?? [];
        const list = areas.flatMap(area => [...[0, 255, 256, 257].map(pages => area.start - pages * PAGE_SIZE - 1),
            area.start, area.start + 4 * PAGE_SIZE, area.last]);
        count += await compareExplanations(watched, [...new Set(list), 0xc0110000], pid);
    }
    count += await compareExplanations(watched, [0x08048000, 0x20000000], null);
    point(count >= 50, `${name}: ${count} addresses in all regions were compared with \`explain\``, '');
    await compareFrames(watched, name);
}

/* The frame that the tables of a picture give an address. */
function frameIn(tables: Map<number, Uint32Array>, address: number): number {
    const entry = tables.get(address >>> PDE_SHIFT)?.[address >>> PAGE_SHIFT & 1023] ?? 0;
    return entry & P ? (entry & FRAME) >>> 0 : 0;
}

/* `vmallocinfo` prints two lines for each area: edges with the guard page, the code that made it, its kind; then its frames, as runs. */
async function compareAreas(watched: Watched): Promise<void> {
    const said = await watched.type('vmallocinfo'), { areas, tables, spaces } = watched.picture();
    const wanted = [...said.matchAll(/^0x(\w+)-0x(\w+) +\d+ (\S+) pages=\d+ (?:\S+ )?(vmalloc|vmap|ioremap).*\n(?: +frames .*: (.*))?/gm)]
        .map(([, start, end, by, kind, runs]) => ({ start: parseInt(start, 16), last: parseInt(end, 16) - PAGE_SIZE - 1, by, kind, runs }));
    const found = areas.filter(area => wanted.some(one => one.start === area.start));
    point(wanted.length > 3 && wanted.length === areas.filter(area => /vmalloc|vmap|ioremap/.test(area.kind)).length,
          'as many vmalloc areas as vmallocinfo lists', said);
    const same = wanted.every(({ start, last, by, kind }, i) =>
        found[i].start === start && found[i].last === last && found[i].kind === kind && found[i].text.startsWith(`${kind} by ${by}`));
    point(same, 'with the same edges, kind and maker', `${said}\n${JSON.stringify(found)}`);
    const frames = wanted.every(({ start, runs }) => !runs || frameIn(tables, start) === Number(/0x\w+/.exec(runs)?.[0]));
    point(frames, 'and the same first frame', said);
    const stacks = areas.filter(area => area.text.includes('kernel stack of ')).map(area => area.text.split('kernel stack of ')[1]);
    const all = ['init[1]', ...spaces.map(space => space.name)].every(name => stacks.includes(name));
    point(all, 'every task has its kernel stack', stacks.join());
}

/* Each area of a process as `explain` prints it; behind it is the next one, or none. */
async function compareMaps(watched: Watched): Promise<void> {
    for (const { pid, areas } of watched.picture().spaces) {
        const wrong: string[] = [];
        for (const [i, { start, last, text }] of areas.entries()) {
            const wanted = `area      ${hex(start)}..${hex(last)} ${text.split(' ')[0]}`, next = areas[i + 1]?.start === last + 1;
            const here = await watched.type(`explain ${hex(start)} ${pid}`), behind = await watched.type(`explain ${hex(last + 1)} ${pid}`);
            const line = here.split('\n').find(one => one.startsWith(wanted)), path = / of (\/\S+)$/.exec(line ?? '')?.[1];
            if (!line || !text.endsWith(path ?? '') ||
                /^area /m.test(behind) !== next)
                wrong.push(wanted, here, behind);
        }
        point(areas.length > 3 && !wrong.length, `the areas of process ${pid} are those of the kernel`, wrong.join('\n'));
    }
}

/* What a picture has, is all there is. */
async function comparePicture(watched: Watched): Promise<void> {
    const said = await watched.type('layout'), { regions, pageOffset, master, tables, spaces } = watched.picture();
    const complete = regions[0].last === 0xffffffff && regions[regions.length - 1].first === 0 &&
        regions.every(({ first }, i) => i === regions.length - 1 || first === regions[i + 1].last + 1);
    point(complete && regions.every(({ first }) => said.includes(hex(first))), 'the regions are those of `layout`, without gaps', said);
    const isTable = (entry: number) => (entry & (P | PS)) === P, border = pageOffset >>> PDE_SHIFT;
    const kernel = [...master.keys()].filter(i => i >= border && isTable(master[i])), missing = kernel.filter(i => !tables.has(i));
    const users = spaces.flatMap(({ entries, tables: own }) =>
        [...entries.keys()].filter(i => i < border && isTable(entries[i]) && !own.has(i)));
    point(kernel.length > 30 && !missing.length && !users.length, 'all page tables are in the picture', `${missing} ${users}`);
    const { reader, history, machine } = watched;
    const running = reader.picture(history.copy, { ...machine.registers(), cr3: spaces[1].directory })?.spaces.map(space => space.running);
    point(running?.join() === spaces.map((_, i) => i === 1).join(), 'the space in CR3 runs, and no other', `${running}`);
    point(reader.picture(new Copy(() => new Uint8Array(machine.memory().length)), machine.registers()) === null,
          'before the end of boot there is no picture', '');
}

/* Variables of the kernel that are changed from outside, for a moment. */
function compareVariables(watched: Watched, kernel: KernelJson): void {
    const { reader, history, machine } = watched;
    const at = (address: number) => new DataView(machine.memory().buffer, machine.memory().byteOffset + address - kernel.pageOffset, 8);
    const { depth, jiffies, all_tasks: tasks } = kernel.variables;
    const ticks = reader.ticks(new Copy(() => machine.memory()));
    at(jiffies.address).setUint32(4, 1, true);
    const many = reader.ticks(new Copy(() => machine.memory()));
    point(ticks > 0 && many >= 2 ** 32 + ticks, 'the clock has 64 bits', `${ticks} ${many}`);
    at(jiffies.address).setUint32(4, 0, true);
    at(depth.address).setUint32(0, 1, true);
    point(watched.picture().areas.filter(area => area.kind === 'slot').length === 1, 'a slot of kmap_local_page() is an area', '');
    at(depth.address).setUint32(0, 0, true);
    const before = watched.picture(), link = at(tasks.address).getUint32(0, true), next = at(link).getUint32(0, true);
    at(link).setUint32(0, link, true);
    history.copy.refresh();
    try {
        reader.picture(history.copy, machine.registers());
        point(false, 'a list that does not end is damaged', '');
    } catch (error) {
        point(error instanceof Damaged, 'a list that does not end is damaged', `${error}`);
    }
    point(watched.picture() === before, 'and the picture stays', '');
    at(link).setUint32(0, next, true);
}

/* Entries that contradict the address map: `explain` says so, and so does the page. */
async function compareDamage(watched: Watched): Promise<void> {
    const { areas, pageOffset, spaces } = watched.picture(), { machine, reader, history } = watched, { pid, directory } = spaces[0];
    const low = pageOffset + 0x50000, area = areas.find(one => one.kind === 'vmalloc') ?? areas[0], [text, , data] = spaces[0].areas;
    const damage: [address: number, level: 'PDE' | 'PTE', change: (entry: number) => number][] = [
        [low, 'PTE', entry => entry ^ RW], [low, 'PTE', entry => entry | US], [low, 'PTE', entry => entry + PAGE_SIZE],
        [low, 'PTE', entry => entry & ~P], [low, 'PDE', entry => entry ^ 0x200], [area.start, 'PDE', entry => entry + PAGE_SIZE],
        [area.last + 1, 'PTE', () => 0x50000 | P | RW], [data.last + 1, 'PTE', () => 0x50000 | P | RW | US],
        [text.start, 'PTE', entry => entry | RW],
    ];
    const words = new Set<string>();
    for (const [address, level, change] of damage) {
        history.copy.refresh();
        const { steps } = reader.explain(history.copy, machine.registers(), address, directory).walk;
        const { at, value } = (steps.find(({ entry }) => entry.level === level) ?? steps[0]).entry;
        const word = new DataView(machine.memory().buffer, machine.memory().byteOffset + at, 4);
        word.setUint32(0, change(value), true);
        await compareExplanations(watched, [address], pid);
        const { lines } = reader.explain(history.copy, machine.registers(), address, directory);
        lines.filter(line => line.startsWith('WRONG')).forEach(line => words.add(line));
        word.setUint32(0, value, true);
    }
    point(words.size >= 6, 'what contradicts the map is named as `explain` does', [...words].join('\n'));
    watched.picture();
}

/* What ring 0 may do at a page of a process, and at the kernel's text, with the bits of CR0, CR4 and EFLAGS that decide it (Intel SDM vol.
   3, 4.6). */
function compareRights(watched: Watched): void {
    const [space] = watched.picture().spaces, registers = watched.machine.registers();
    const text = watched.reader.address('kernel_main') ?? 0, user = space.areas[0].start;
    const WP = 1 << 16, SMEP = 1 << 20, SMAP = 1 << 21, AC = 1 << 18, OFF = { ...registers, cr4: 0, eflags: 0, cpl: 0 };
    const right = (address: number, access: string, changed: object) => {
        const { walk } = watched.reader.explain(watched.history.copy, { ...OFF, ...changed }, address, space.directory);
        return `${walk.right(0, access).allowed} ${walk.right(0, access).why}`;
    };
    const all = [
        [right(text, 'EXPLAIN_WRITE', { cr0: registers.cr0 | WP }), 'false EXPLAIN_RW_WP'],
        [right(text, 'EXPLAIN_WRITE', { cr0: registers.cr0 & ~WP }), 'true EXPLAIN_RW_WITHOUT_WP'],
        [right(user, 'EXPLAIN_EXECUTE', { cr4: SMEP }), 'false EXPLAIN_SMEP'],
        [right(user, 'EXPLAIN_READ', { cr4: SMEP }), 'true EXPLAIN_NOTHING'],
        [right(user, 'EXPLAIN_READ', { cr4: SMAP }), 'false EXPLAIN_SMAP'],
        [right(user, 'EXPLAIN_EXECUTE', { cr4: SMAP }), 'true EXPLAIN_NOTHING'],
        [right(user, 'EXPLAIN_READ', { cr4: SMAP, eflags: AC }), 'true EXPLAIN_NOTHING'],
        [right(user, 'EXPLAIN_READ', { cr4: SMAP, eflags: AC, cpl: 3 }), 'false EXPLAIN_SMAP'],
        [right(text, 'EXPLAIN_EXECUTE', { cr4: SMEP | SMAP }), 'true EXPLAIN_NOTHING'],
    ];
    point(all.every(([found, wanted]) => found === wanted), 'CR0.WP, SMEP, SMAP and EFLAGS.AC decide as the manual says', all.join('\n'));
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
    const folder = process.argv[2], kernel: KernelJson = json(folder, 'kernel.json'), reader = new Reader(kernel);
    for (const state of ['attic', 'lowmem']) {
        reader.forget();
        const watched = new Watched(await atPrompt(folder, state), reader);
        point(watched.reader.isIn(watched.machine.memory()), `${state}: the kernel is that of kernel.json`, '');
        await compareAll(watched, state);
        await compareAreas(watched);
        await compareMaps(watched);
        await comparePicture(watched);
        compareVariables(watched, kernel);
        await compareDamage(watched);
        compareRights(watched);
        compareCounter(watched);
        await compareUnread(watched);
        compareLost(watched);
        await compareHistory(watched);
        watched.machine.memory()[watched.reader.codeStart] ^= 1;
        point(!watched.reader.isIn(watched.machine.memory()), 'another kernel is not', '');
        await watched.machine.destroy();
    }
});
