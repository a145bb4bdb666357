/* Looks at the machine at least ten times a second, while it runs, and keeps what the views show: the moment of now, or one of the past. */
import type { Machine } from './machine.js';
import { Copy, NoMemory, type Pages } from './reader/copy.js';
import type { Explanation } from './reader/explain/explain.js';
import { History } from './reader/history.js';
import type { Picture, Registers, Space } from './reader/picture.js';
import type { Reader } from './reader/reader.js';
import { CR0_PG } from './reader/tables.js';
import { Damaged } from './reader/value.js';
import type { Step } from './views/walk_box.js';

const PERIOD_MS = 80;
const UNREADABLE = 'The kernel cannot be read: it is in the middle of a change, or its memory is damaged.';

/* What is known of the kernel in the machine. */
export type Finding = 'starting' | 'known' | 'foreign';

export class Recorder {
    private history: History;
    private past: { number: number; pages: Pages } | null = null;  // the step, counted from the restart; null: now
    private registers: Registers;
    finding: Finding = 'starting';

    /* show: a picture of now, or of another moment than the one before; grown: the history has another step; found: which kernel runs. */
    constructor(private readonly machine: Machine, private readonly reader: Reader, private readonly show: (picture: Picture) => void,
                private readonly grown: () => void, private readonly found: (finding: Finding) => void) {
        this.history = this.newHistory();
        this.registers = machine.registers();
        setInterval(() => machine.isRunning && this.record(), PERIOD_MS);
    }

    /* Forget the past: the machine is another one. */
    restart(): void {
        this.reader.forget();
        this.history = this.newHistory();
        this.past = null;
        this.finding = 'starting';
        this.record();
    }

    private newHistory(): History {
        return new History(new Copy(() => this.machine.memory()), this.reader);
    }

    /* Look at the machine now. */
    record(): void {
        if (!this.isKnown())
            return;
        const registers = this.machine.registers(), before = this.history.picture, steps = this.count;
        const picture = this.history.record(registers);
        if (!this.past && picture && picture !== before) {
            this.registers = registers;
            this.show(picture);
        }
        if (this.count !== steps)
            this.grown();
    }

    /* Whether the machine runs the kernel of this page. Before paging is on, and for a moment afterwards, nobody knows. */
    private isKnown(): boolean {
        if (this.finding !== 'known' && pagingIsOn(this.machine.registers())) {
            const finding = this.isOurs() ? 'known' : 'foreign';
            if (finding !== this.finding) {
                this.finding = finding;
                this.found(finding);
            }
        }
        return this.finding === 'known';
    }

    /* Whether the machine has the kernel of this page in its memory. */
    isOurs(): boolean {
        return this.reader.isIn(this.machine.memory());
    }

    /* The kernel's clock, which counts ticks, now. */
    ticks(): number {
        return this.reader.ticks(new Copy(() => this.machine.memory()));
    }

    /* The picture of now, whatever the views show. */
    now(): Picture {
        this.record();
        if (!this.history.picture)
            throw new Error('the kernel is still starting');
        return this.history.picture;
    }

    // ---- the past, for the timeline ----

    get length(): number {
        return this.history.steps.length;
    }

    get index(): number | 'live' {
        return this.past ? Math.max(this.past.number - this.history.dropped, 0) : 'live';
    }

    /* Steps since the restart. */
    private get count(): number {
        return this.history.dropped + this.history.steps.length;
    }

    goTo(index: number | 'live'): void {
        if (index === 'live') {
            this.past = null;
            this.registers = this.machine.registers();
            if (this.history.picture)
                this.show(this.history.picture);
            return;
        }
        const { registers } = this.history.steps[index], pages = this.history.past(index);
        const picture = readable(() => this.reader.picture(pages, registers), null);
        this.past = { number: this.history.dropped + index, pages };
        this.registers = registers;
        if (picture)
            this.show(picture);
    }

    changed(index: number): string {
        return this.history.steps[index]?.text ?? '';
    }

    // ---- one address, for the walk box ----

    address(name: string): number | null {
        return this.reader.address(name);
    }

    explain(address: number, space: Space | null): string[] {
        return readable(() => this.explanation(address, space).lines, [UNREADABLE]);
    }

    walk(address: number, space: Space | null): Step[] {
        return readable(() => this.boxes(this.explanation(address, space), space), []);
    }

    private boxes(found: Explanation, space: Space | null): Step[] {
        const { steps, physical, frame } = found.walk;
        const boxes: Step[] = [{ level: 'CR3', index: -1, at: -1, value: this.registers.cr3, words: [] }];
        if (space)
            boxes[0] = { level: 'directory', index: -1, at: -1, value: space.directory, words: [space.name] };
        for (const step of steps)
            boxes.push({ ...step.entry, words: found.bitTexts(step) });
        if (physical !== null && frame !== null)
            boxes.push({ level: 'frame', index: -1, at: -1, value: frame, words: [found.frameText] });
        return boxes;
    }

    private explanation(address: number, space: Space | null): Explanation {
        return this.reader.explain(this.past?.pages ?? this.history.copy, this.registers, address, space?.directory);
    }
}

function pagingIsOn(registers: Registers): boolean {
    return (registers.cr0 & CR0_PG) !== 0;
}

/* What is read, or something else when the kernel is in the middle of a change, or its memory is damaged. */
function readable<T>(read: () => T, otherwise: T): T {
    try {
        return read();
    } catch (error) {
        if (error instanceof Damaged || error instanceof NoMemory)
            return otherwise;
        throw error;
    }
}
