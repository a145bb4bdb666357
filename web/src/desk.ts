/* One machine and all that is shown of it: its terminal, what is recorded, and the views. The page has one desk, the comparison two. */
import type { Terminal } from '@xterm/xterm';
import { bytes, json, text } from './files.js';
import { Machine, type MachineOptions } from './machine.js';
import { command } from './prompt.js';
import type { KernelJson } from './reader/kernel_json.js';
import type { Picture } from './reader/picture.js';
import { Reader } from './reader/reader.js';
import { Recorder, type Finding } from './recorder.js';
import type { Pointed } from './scenes/scenes.js';
import type { House } from './scenes/stage.js';
import { play, say } from './status.js';
import { openTerminal } from './terminal.js';
import { Views, type Hosts } from './views/views.js';

const PAUSED = 'The machine is paused: what you type is read when it resumes.';

/* The elements that a desk fills. */
export interface Places extends Hosts {
    terminal: HTMLElement;
}

/* A kernel that make has built for the page. */
export interface Kernel {
    description: string;  // the file that says where its variables lie
    state: string;        // the machine that was saved at the prompt
}

export class Desk implements House {
    readonly terminal: Terminal;
    readonly recorder: Recorder;
    private readonly views: Views;

    private constructor(readonly machine: Machine, reader: Reader, private readonly state: string, private readonly places: Places,
                        found: (finding: Finding) => void) {
        this.terminal = openTerminal(places.terminal, machine);
        this.recorder = new Recorder(machine, reader, picture => this.views.show(picture), () => this.views.timeChanged(), found);
        const time = {
            get paused() { return !machine.isRunning; },
            pause: () => void play(() => this.pause()),
            resume: () => void play(() => machine.run()),
        };
        this.views = new Views(places, this.recorder, this.recorder, time);
        this.terminal.onData(() => this.typed());
    }

    /* The machine that answers is the one of now. */
    private typed(): void {
        if (this.recorder.index !== 'live')
            this.recorder.goTo('live');
        if (!this.machine.isRunning)
            say(PAUSED);
    }

    /* found: which kernel the machine runs, whenever that is another one. */
    static async create(options: MachineOptions, kernel: Kernel, places: Places, found: (finding: Finding) => void): Promise<Desk> {
        const [description, machine] = await Promise.all([json<KernelJson>(kernel.description), Machine.create(options)]);
        return new Desk(machine, new Reader(description), kernel.state, places, found);
    }

    async restart(state = this.state): Promise<void> {
        const [saved, before] = await Promise.all([bytes(`${state}.state.zst`), text(`${state}.txt`)]);
        await this.machine.load(saved);
        this.began(before.replaceAll('\n', '\r\n'));
        await this.machine.run();
    }

    /* The machine is another one: the terminal begins with a text. */
    began(shown = ''): void {
        this.terminal.reset();
        this.terminal.write(shown);
        this.recorder.restart();
    }

    async pause(): Promise<void> {
        await this.machine.pause();
        this.recorder.record();
        this.views.timeChanged();
    }

    // ---- what the scenes need ----

    async type(line: string): Promise<string> {
        this.recorder.goTo('live');
        await this.machine.run();
        return command(this.machine, line);
    }

    picture(): Picture {
        return this.recorder.now();
    }

    show({ address, space, view }: Pointed): void {
        if (view)
            this.places[view].scrollIntoView({ block: 'nearest' });
        const at = typeof address === 'number' ? address : this.recorder.address(address);
        if (at === null)
            throw new Error(`the kernel has no ${address}`);
        this.views.point(at, this.picture().spaces.find(one => String(one.pid) === space) ?? null);
    }
}
