/* The page: a machine at its desk, the scenes, and what the buttons do. */
import { Desk } from './desk.js';
import { bytes, chosen, download, isCd, unpacked } from './files.js';
import type { MachineOptions } from './machine.js';
import type { Finding } from './recorder.js';
import { ScenePanel } from './scenes/panel.js';
import { SCENES } from './scenes/scenes.js';
import { Stage } from './scenes/stage.js';
import { byId, play, say } from './status.js';

const KERNEL = { description: 'kernel.json', state: 'attic' };
const TICK_MS = 2000;
const BOOTS = 'The machine boots. Its memory is drawn when the kernel runs; until then the pictures are those of before.';
const BOOK = 'book/docs/book/index.html';
const CD = 'attic.iso', SAVED = 'attic.state.gz';
const LOADED = 'The machine is loaded; Enter shows its prompt.\r\n';
const FOREIGN = 'This kernel is not the one that the page was built with: its memory is not drawn. `make web` builds a page for it.';

export async function openPage(options: MachineOptions): Promise<void> {
    const places = { terminal: byId('terminal'), physical: byId('physical'), map: byId('map'), directories: byId('directories'),
                     walk: byId('walk'), timeline: byId('timeline') };
    const desk = await Desk.create(options, KERNEL, places, (finding: Finding) => say(finding === 'foreign' ? FOREIGN : ''));
    await new Page(desk).restart();
    desk.terminal.focus();
}

class Page {
    private readonly stage: Stage;

    constructor(private readonly desk: Desk) {
        const panel = new ScenePanel(byId('scenes'), SCENES, scene => play(() => this.stage.start(scene)),
                                     () => play(() => this.stage.next()));
        this.stage = new Stage(desk, (title, sentence, left) => panel.say(title, sentence, left));
        this.addButtons();
    }

    async restart(): Promise<void> {
        this.stage.stop();
        await this.desk.restart();
    }

    // ---- buttons ----

    private addButtons(): void {
        byId('read').addEventListener('click', event => this.showBook(event.currentTarget as HTMLElement));
        const buttons: [id: string, work: () => Promise<void>][] = [
            ['restart', () => this.restart()],
            ['boot', async () => this.boot(await bytes(CD))],
            ['open-iso', async () => this.withFile('.iso', file => this.bootFile(file))],
            ['tick', () => this.tick()],
            ['save', () => this.save()],
            ['load', () => this.withFile('.gz', file => this.load(file))],
        ];
        for (const [id, work] of buttons)
            byId(id).addEventListener('click', () => play(work));
    }

    /* The book beside the terminal, or the pictures again. It stays at the page that was read. */
    private showBook(button: HTMLElement): void {
        const book = byId('book') as HTMLIFrameElement;
        book.hidden = !book.hidden;
        button.ariaPressed = String(!book.hidden);
        if (!book.src)
            book.src = BOOK;
        book.scrollIntoView({ block: 'nearest' });  // on a narrow window it is below the machine
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
        if (this.desk.recorder.finding === 'starting')
            throw new Error('The machine can be saved when it has booted.');
        await download(SAVED, await this.desk.machine.save());
    }

    private async boot(iso: ArrayBuffer): Promise<void> {
        this.stage.stop();
        this.desk.terminal.reset();
        await this.desk.machine.boot(iso);
        this.desk.recorder.restart();
        say(BOOTS);
    }

    /* Continue until the kernel's clock has ticked, and pause again. */
    private async tick(): Promise<void> {
        await this.desk.machine.pause();
        const before = this.desk.recorder.ticks();
        const end = performance.now() + TICK_MS;
        await this.desk.machine.run();
        while (this.desk.recorder.ticks() === before && performance.now() < end)
            await new Promise(later => setTimeout(later));
        await this.desk.pause();
        if (this.desk.recorder.ticks() === before)
            throw new Error('The clock does not tick: the kernel has ended, or has not started yet.');
    }

    /* A machine that was saved. One that is not of this kernel changes nothing. */
    private async load(file: File): Promise<void> {
        const before = await this.desk.machine.save();
        try {
            await this.desk.machine.load(await unpacked(file).catch(() => { throw new Error('it is no machine that was saved here'); }));
            if (!this.desk.recorder.isOurs())
                throw new Error('it is of another kernel');
        } catch (error) {
            await this.desk.machine.load(before);
            await this.desk.machine.run();
            throw new Error(`${file.name} cannot be loaded: ${error instanceof Error ? error.message : error}`);
        }
        this.stage.stop();
        this.desk.began(LOADED);
        await this.desk.machine.run();
    }
}
