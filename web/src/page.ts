/* The page: the machine, its terminal, what is recorded of it and drawn, and what the buttons do. */
import type { Terminal } from '@xterm/xterm';
import { bytes, chosen, download, isCd, text, unpacked } from './files.js';
import type { Machine } from './machine.js';
import { command } from './prompt.js';
import type { Picture } from './reader/picture.js';
import type { Reader } from './reader/reader.js';
import { Recorder } from './recorder.js';
import { ScenePanel } from './scenes/panel.js';
import type { Pointed } from './scenes/scenes.js';
import { Stage, type House } from './scenes/stage.js';
import { openTerminal } from './terminal.js';
import { Views } from './views/views.js';

const FIRST_STATE = 'attic';
const TICK_MS = 2000;
const BOOTS = 'The machine boots. Its memory is drawn when the kernel runs; until then the pictures are those of before.';
const CD = 'attic.iso', SAVED = 'attic.state.gz';
const FOREIGN = 'This kernel is not the one that the page was built with: its memory is not drawn. `make web` builds a page for it.';

function byId(id: string): HTMLElement {
    const found = document.getElementById(id);
    if (!found)
        throw new Error(`the page has no element ${id}`);
    return found;
}

export function say(sentence: string): void {
    byId('status').textContent = sentence;
}

export class Page implements House {
    readonly terminal: Terminal;
    private readonly recorder: Recorder;
    private readonly views: Views;
    private readonly panel: ScenePanel;
    private readonly stage = new Stage(this);

    constructor(private readonly machine: Machine, reader: Reader) {
        this.terminal = openTerminal(byId('terminal'), machine);
        this.recorder = new Recorder(machine, reader, picture => this.views.show(picture), () => this.views.timeChanged(),
                                     finding => say(finding === 'foreign' ? FOREIGN : ''));
        const time = {
            get paused() { return !machine.isRunning; },
            pause: () => void this.play(() => this.pause()),
            resume: () => void this.play(() => machine.run()),
        };
        const hosts = { physical: byId('physical'), map: byId('map'), directories: byId('directories'), walk: byId('walk'),
                        timeline: byId('timeline') };
        this.views = new Views(hosts, this.recorder, this.recorder, time);
        this.panel = new ScenePanel(byId('scenes'), scene => this.play(() => this.stage.start(scene)),
                                    () => this.play(() => this.stage.next()));
        this.addButtons();
    }

    /* The machine that was saved at the prompt. */
    async restart(state = FIRST_STATE): Promise<void> {
        this.stage.stop();
        const [saved, before] = await Promise.all([bytes(`${state}.state.zst`), text(`${state}.txt`)]);
        await this.machine.load(saved);
        this.terminal.reset();
        this.terminal.write(before.replaceAll('\n', '\r\n'));
        this.recorder.restart();
        await this.machine.run();
    }

    private async pause(): Promise<void> {
        await this.machine.pause();
        this.recorder.record();
        this.views.timeChanged();
    }

    // ---- buttons ----

    private addButtons(): void {
        const buttons: [id: string, work: () => Promise<void>][] = [
            ['restart', () => this.restart()],
            ['boot', async () => this.boot(await bytes(CD))],
            ['open-iso', async () => this.withFile('.iso', file => this.bootFile(file))],
            ['tick', () => this.tick()],
            ['save', () => this.save()],
            ['load', () => this.withFile('.gz', file => this.load(file))],
        ];
        for (const [id, work] of buttons)
            byId(id).addEventListener('click', () => this.play(work));
    }

    /* Do what a button asks for; if it fails, the status line says why. Until it is done, other buttons do nothing. They are not disabled,
       because a button that is disabled loses the focus of the keyboard. */
    private async play(work: () => Promise<void>): Promise<void> {
        const { dataset } = document.body;
        if (dataset.busy)
            return;
        dataset.busy = 'true';
        say('');
        try {
            await work();
        } catch (error) {
            say(error instanceof Error ? error.message : String(error));
        }
        delete dataset.busy;
    }

    private async withFile(accept: string, use: (file: File) => Promise<void>): Promise<void> {
        const file = await chosen(accept);
        if (file)
            await use(file);
    }

    private async bootFile(file: File): Promise<void> {
        const iso = await file.arrayBuffer();
        if (!isCd(iso))
            throw new Error(`${file.name} is no image of a CD.`);
        await this.boot(iso);
    }

    /* Not while it boots: the CD is not saved, and GRUB still reads from it. */
    private async save(): Promise<void> {
        if (this.recorder.finding === 'starting')
            throw new Error('The machine can be saved when it has booted.');
        await download(SAVED, await this.machine.save());
    }

    private async boot(iso: ArrayBuffer): Promise<void> {
        this.stage.stop();
        this.terminal.reset();
        await this.machine.boot(iso);
        this.recorder.restart();
        say(BOOTS);
    }

    /* Continue until the kernel's clock has ticked, and pause again. */
    private async tick(): Promise<void> {
        await this.machine.pause();
        const before = this.recorder.ticks();
        const end = performance.now() + TICK_MS;
        await this.machine.run();
        while (this.recorder.ticks() === before && performance.now() < end)
            await new Promise(later => setTimeout(later));
        await this.pause();
        if (this.recorder.ticks() === before)
            throw new Error('The clock does not tick: the kernel has ended, or has not started yet.');
    }

    /* A machine that was saved. One that is not of this kernel changes nothing. */
    private async load(file: File): Promise<void> {
        const before = await this.machine.save();
        try {
            await this.machine.load(await unpacked(file).catch(() => { throw new Error('it is no machine that was saved here'); }));
            if (!this.recorder.isOurs())
                throw new Error('it is of another kernel');
        } catch (error) {
            await this.machine.load(before);
            await this.machine.run();
            throw new Error(`${file.name} cannot be loaded: ${error instanceof Error ? error.message : error}`);
        }
        this.stage.stop();
        this.terminal.reset();
        this.terminal.write('The machine is loaded; Enter shows its prompt.\r\n');
        this.recorder.restart();
        await this.machine.run();
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
            byId(view).scrollIntoView({ block: 'nearest' });
        const at = typeof address === 'number' ? address : this.recorder.address(address);
        if (at === null)
            throw new Error(`the kernel has no ${address}`);
        this.views.point(at, this.picture().spaces.find(one => String(one.pid) === space) ?? null);
    }

    say(title: string, sentence: string, left: number): void {
        this.panel.say(title, sentence, left);
    }
}

