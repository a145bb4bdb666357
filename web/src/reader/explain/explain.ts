/* Everything about one address, in the lines of the monitor's `explain`: the facts are read from memory (walk.ts, place.ts, frame.ts), the
   words are the kernel's (words.ts); this file has the order of the lines and the text between the words, as kernel/view/explain.c and
   kernel/view/explain_frame.c have. web/tests/reader.ts compares the two. */
import { taskText, type Kernel } from '../kernel.js';
import { PAGE_SHIFT, PAGE_SIZE, hex, type Registers } from '../picture.js';
import type { AddressSpace } from '../spaces.js';
import { AVL, walk } from '../tables.js';
import type { Value } from '../value.js';
import { aliases, dmaVerdicts, frameInfo, type Alias } from './frame.js';
import { Place, type Found } from './place.js';
import { ACCESSES, ExplainedWalk, LEVELS, type Right, type Level } from './walk.js';
import { Words, type Bit } from './words.js';
import { findWrong } from './wrong.js';

export class Explanation {
    readonly lines: string[] = [];
    readonly walk: ExplainedWalk;
    readonly place: Place;
    private words: Words;

    constructor(private kernel: Kernel, private registers: Registers, private space: AddressSpace, private address: number) {
        this.words = new Words(kernel);
        this.walk = new ExplainedWalk(kernel, registers, space.directory, address);
        this.place = new Place(kernel, space, address);
        this.sayPlace();
        for (const step of this.walk.steps)
            this.sayEntry(step);
        this.sayWalk();
        this.sayWrong();
        this.sayRights('LABEL_RING0', 0);
        this.sayRights('LABEL_RING3', 3);
        if (this.walk.frame !== null)
            this.sayFrame(this.walk.frame);
        this.sayNeighbours();
        this.sayDevice();
    }

    /* The meaning of each bit of an entry, in words. */
    bitTexts(step: Level): string[] {
        return this.words.bits(step.form).flat().map(bit => this.bitText(step, bit));
    }

    /* Who has the frame. */
    get frameText(): string {
        const frame = this.walk.frame === null ? null : frameInfo(this.kernel, this.walk.frame);
        return frame?.owner ?? this.words.text(this.walk.frame === null || frame ? 'TEXT_LOST' : 'TEXT_NO_FRAME');
    }

    private say(label: string, line: string) {
        this.lines.push(this.words.label(label).padEnd(10) + line);
    }

    // ---- where it is ----

    private sayPlace() {
        const { text } = this.words, user = this.address < this.kernel.pageOffset, mm = this.space.mm;
        let line = hex(this.address) + (this.kernel.symbols.find(this.address) ? ' ' + this.kernel.symbols.text(this.address) : '');
        if (mm)
            line += ` ${text(user ? 'TEXT_OF' : 'TEXT_DIRECTORY_OF')} ${this.processText(mm)}`;
        else if (user)
            line += ' ' + text('TEXT_NO_PROCESS');
        this.say('LABEL_ADDRESS', line);
        if (user && !mm)
            this.sayProcesses();
        const { region, area } = this.place;
        this.say('LABEL_REGION', `${hex(region.first)}..${hex(region.last)} ${region.text}`);
        if (area)
            this.sayArea('LABEL_AREA', area);
        if (area?.kind === 'EXPLAIN_VMALLOC' || area?.kind === 'EXPLAIN_VMAP')
            this.frameRuns(area).forEach((run, i) => this.say(i ? 'LABEL_MORE' : 'LABEL_FRAMES', run));
    }

    /* The first process with an address space; it may have ended, or exec may still be creating it. */
    private processText(mm: Value): string {
        const task = this.kernel.tasks().find(one => one.field('mm').number === mm.address);
        return task ? taskText(task) : this.words.text('TEXT_ENDED');
    }

    /* The processes with an area at a user address, if no process was given. */
    private sayProcesses() {
        const { text } = this.words;
        const found = this.kernel.tasks().filter(task => this.hasArea(task.field('mm').deref()));
        found.forEach((task, i) => this.say(i ? 'LABEL_MORE' : 'LABEL_TRY', `${text('TEXT_TRY')} ${hex(this.address)} ` +
            `${String(task.field('pid').number).padEnd(5)} (${task.field('comm').text})`));
        if (!found.length)
            this.say('LABEL_TRY', text('TEXT_TRY_ADDR'));
    }

    private hasArea(mm: Value | null): boolean {
        return mm !== null && this.kernel.vmAreas(mm).some(area =>
            area.field('start').number <= this.address && this.address < area.field('end').number);
    }

    private sayArea(label: string, area: Found | null, gap?: string) {
        this.say(label, area ? this.areaText(area) : this.words.text('TEXT_NOTHING'));
        if (gap)
            this.say('LABEL_MORE', this.words.gap(gap));
        if (area?.caller)
            this.say('LABEL_MORE', `${this.words.text('TEXT_MADE_BY')} ${this.kernel.symbols.text(area.caller)}`);
    }

    private areaText(area: Found): string {
        const rights = area.of ? this.kernel.rightsText(area.of) : '';
        const words = [`${hex(area.start)}..${hex(area.last)}`, rights, this.words.kind(area.kind), area.name];
        const line = words.filter(word => word).join(' ');
        if (area.of)
            return line + (area.of.field('file').number ? this.fileText(area, area.of) : '');
        const task = area.kind === 'EXPLAIN_VMALLOC' && this.kernel.tasks().find(one => one.field('stack').number === area.start);
        return line + (task ? `, ${this.words.text('TEXT_STACK_OF')} ${taskText(task)}` : '');
    }

    /* The page of the file at the address, or the first. */
    private fileText(area: Found, of: Value): string {
        const { text } = this.words, inside = area.start <= this.address && this.address <= area.last;
        const page = of.field('pgoff').number + (inside ? (this.address - area.start) >>> PAGE_SHIFT : 0);
        const mapping = of.field('file').deref() as Value;
        const path = this.kernel.isFile(mapping) ? ` ${text('TEXT_OF')} ${this.kernel.fileText(mapping)}` : '';
        return `, ${text('TEXT_PAGE')} ${page}${path}`;
    }

    /* The frames of an area, as runs of neighbours: kernel/view/frame_runs.c. */
    private frameRuns(area: Found): string[] {
        const { text } = this.words, runs = this.runs(area), frames = runs.reduce((sum, run) => sum + run.frames, 0);
        const count = (name: string) => this.kernel.enumerator('frame_run_counts', name), shown = count('RUNS_SHOWN');
        const words = runs.slice(0, shown).map(run =>
            hex(run.first) + (run.frames > 1 ? `..${hex(run.first + run.frames * PAGE_SIZE - 1)}` : ''));
        if (runs.length > shown)
            words.push(`${text('TEXT_AND_MORE')} ${runs.length - shown} ${text('TEXT_MORE')}`);
        const lines = [`${frames} ${text('TEXT_IN')} ${runs.length} ${text(runs.length === 1 ? 'TEXT_RUN' : 'TEXT_RUNS')}`];
        for (const word of words) {
            const last = lines[lines.length - 1];
            if (last.length + 1 + word.length > count('RUN_COLUMNS'))
                lines.push(word);
            else
                lines[lines.length - 1] = `${last} ${word}`;
        }
        return lines;
    }

    private runs(area: Found): { first: number; frames: number }[] {
        const found: { first: number; frames: number }[] = [];
        let next: number | null = null;
        for (let page = area.start; page < area.last; page += PAGE_SIZE) {
            const frame = walk(this.kernel.pages, this.kernel.master, page, this.kernel.lowmem).physical;
            if (frame !== null && frame === next)
                found[found.length - 1].frames++;
            else if (frame !== null)
                found.push({ first: frame, frames: 1 });
            next = frame === null ? null : frame + PAGE_SIZE;
        }
        return found;
    }

    // ---- entries, walk, rights ----

    private sayEntry(step: Level) {
        const { text, level, content, form } = this.words, { entry } = step;
        const at = `${text('TEXT_AT')} ${text('TEXT_PHYSICAL')}`, label = `${level(LEVELS[entry.level])} ${entry.index}`.padEnd(10);
        if (entry.unread) {
            this.lines.push(`${label}${at} ${hex(entry.at)}: ${text('TEXT_UNREAD')}`);
            return;
        }
        this.lines.push(label + `${hex(entry.value)} ${text('TEXT_AT')} ` +
            `${hex(this.kernel.pageOffset + entry.at)}, ${text('TEXT_PHYSICAL')} ${hex(entry.at)}`);
        this.say('LABEL_MORE', step.content ? content(step.content) : `${form(step.form)} ${at} ${hex(frameBase(step))}`);
        for (const row of this.words.bits(step.form))
            this.say('LABEL_MORE', row.map(bit => this.bitText(step, bit)).join(', '));
    }

    private bitText(step: Level, bit: Bit): string {
        const value = (step.entry.value & bit.mask) / (bit.mask & -bit.mask);
        const said = bit.mask === AVL && step.form === 'EXPLAIN_PAGE' && this.place.region.id === 'REGION_VMALLOC'
            ? this.words.avl(value) : bit.meaning[value ? 1 : 0];
        return `${bit.name}=${value} ${said}`;
    }

    /* The bit that decides, and its entry: "PDE 768: US=0". */
    private decider(why: string, level: 'PDE' | 'PTE' | null): string {
        return (level ? `${this.words.level(LEVELS[level])} ${this.walk.index(level)}: ` : '') + this.words.why(why);
    }

    private sayWalk() {
        const { text } = this.words, stop = this.walk.right(0, 'EXPLAIN_READ');
        this.say('LABEL_WALK', this.walk.physical !== null
            ? `${text('TEXT_ENDS_AT')} ${text('TEXT_PHYSICAL')} ${hex(this.walk.physical)}`
            : `${text('TEXT_STOPS_AT')} ${this.decider(stop.why, stop.level)}`);
    }

    private sayWrong() {
        const wrong = findWrong(this.kernel, this.registers, this.walk, this.place);
        if (wrong)
            this.say('LABEL_WRONG', this.words.wrong(wrong));
    }

    /* A line for all accesses that are decided alike. */
    private sayRights(label: string, ring: 0 | 3) {
        const alike = new Map<string, { right: Right; accesses: string[] }>();
        for (const access of ACCESSES) {
            const right = this.walk.right(ring, access), key = JSON.stringify(right);
            const group = alike.get(key) ?? { right, accesses: [] };
            group.accesses.push(this.words.access(access));
            alike.set(key, group);
        }
        for (const { right, accesses } of alike.values()) {
            const why = right.why === 'EXPLAIN_NOTHING' ? '' : ` (${this.decider(right.why, right.level)})`;
            this.say(label, `${this.words.text(right.allowed ? 'TEXT_MAY' : 'TEXT_MAY_NOT')} ${accesses.join(', ')}${why}`);
            label = 'LABEL_MORE';
        }
    }

    // ---- frame, neighbours, devices ----

    private sayFrame(physical: number) {
        const { text } = this.words, frame = frameInfo(this.kernel, physical);
        if (!frame) {
            this.say('LABEL_FRAME', `${hex(physical)} ${text('TEXT_NO_FRAME')}`);
        } else {
            const said = [frame.owner ?? text('TEXT_LOST'), frame.reserved ? text('TEXT_RESERVED') : '',
                          frame.zeroPage ? text('TEXT_ZERO_PAGE') : ''].filter(word => word).join(', ');
            this.say('LABEL_FRAME', `${hex(physical)} ${said}; ${text('TEXT_REFERENCES')} ${frame.references}`);
            if (frame.blockFrames > 1)
                this.say('LABEL_MORE', `${text('TEXT_BLOCK_OF')} ${frame.blockFrames} ${text('TEXT_FRAMES_AT')} ${hex(frame.block)}, ` +
                    `${text('TEXT_ITS_REFERENCES')} ${frame.blockReferences}`);
        }
        this.sayAliases(physical);
    }

    /* The first of them, as many as the kernel lists, and the number of the others. */
    private sayAliases(physical: number) {
        const { text } = this.words, found = aliases(this.kernel, this.space.mm, this.address, physical);
        const list = this.kernel.json.structs.explain_aliases.fields.list.type;
        const most = list.kind === 'array' ? list.count : 0;
        found.slice(0, most).forEach((alias, i) => this.say(i ? 'LABEL_MORE' : 'LABEL_ALSO', this.aliasText(alias)));
        if (!found.length)
            this.say('LABEL_ALSO', text('TEXT_NO_OTHER'));
        if (found.length > most)
            this.say('LABEL_MORE', `${text('TEXT_AND_MORE')} ${found.length - most} ${text('TEXT_MORE')}`);
    }

    private aliasText(alias: Alias): string {
        const { text } = this.words;
        const whose = alias.mm ? `${text('TEXT_OF')} ${this.processText(alias.mm)}` : this.kernel.region(alias.address).name;
        return `${hex(alias.address + this.address % PAGE_SIZE)} ${whose}${alias.present ? '' : `, ${text('TEXT_KEPT')}`}`;
    }

    private sayNeighbours() {
        const { area, above, below, gap } = this.place;
        if (area)
            return;
        this.sayArea('LABEL_ABOVE', above, gap === 'EXPLAIN_STACK_GAP' ? gap : undefined);
        this.sayArea('LABEL_BELOW', below, gap === 'EXPLAIN_GUARD_PAGE' ? gap : undefined);
    }

    private sayDevice() {
        const [read, write] = dmaVerdicts(this.kernel, this.place.region, this.address);
        if (read === write) {
            this.sayVerdict('LABEL_DEVICE', 'TEXT_HAVE', read);
            return;
        }
        this.sayVerdict('LABEL_DEVICE', 'TEXT_READ', read);
        this.sayVerdict('LABEL_MORE', 'TEXT_WRITE', write);
    }

    private sayVerdict(label: string, verb: string, verdict: string) {
        const { text } = this.words;
        if (verdict === 'DMA_GRANTED') {
            const may = ['TEXT_MAY', verb, 'TEXT_IT', 'TEXT_AT', 'TEXT_PHYSICAL'].map(text).join(' ');
            this.say(label, `${may} ${hex(this.walk.physical ?? 0)}`);
            return;
        }
        const { name, why } = this.words.refusal(verdict);
        this.say(label, `${text('TEXT_MAY_NOT')} ${text(verb)} ${text('TEXT_IT')}: ${name}`);
        this.say('LABEL_MORE', why);
    }
}

function frameBase(step: Level): number {
    const size = step.form === 'EXPLAIN_LARGE' ? 2 ** 22 : PAGE_SIZE;
    return step.entry.value - step.entry.value % size;
}
