/* Plays a scene step by step, as a lecturer would: each “next” types a command, waits for the prompt, and points at an address. */
import type { Picture } from '../reader/picture.js';
import type { Pointed, Scene } from './scenes.js';

/* What the stage needs of the page. */
export interface House {
    restart(machine?: string): Promise<void>;          // the machine as it was saved at the prompt
    type(line: string): Promise<string>;               // returns what was printed
    picture(): Picture;                                // of now
    show(pointed: Pointed): void;
    say(title: string, sentence: string, left: number): void;  // left: steps that come after this one
}

export class Stage {
    private scene: Scene | null = null;
    private at = 0;
    private printed = '';
    private busy = false;

    constructor(private house: House) { }

    /* Start a scene, with its first step. Fails when the machine does not do what the scene says. */
    async start(scene: Scene): Promise<void> {
        await this.alone(async () => {
            this.scene = null;
            await this.house.restart(scene.machine);
            [this.scene, this.at, this.printed] = [scene, 0, ''];
            await this.step(scene);
        });
    }

    /* The next step; nothing while one is being done, and after the last. */
    async next(): Promise<void> {
        const { scene } = this;
        if (scene && this.at < scene.steps.length)
            await this.alone(() => this.step(scene));
    }

    private async alone(work: () => Promise<void>): Promise<void> {
        if (this.busy)
            return;
        this.busy = true;
        try {
            await work();
        } finally {
            this.busy = false;
        }
    }

    private async step(scene: Scene): Promise<void> {
        const step = scene.steps[this.at++];
        this.house.say(scene.title, step.say, scene.steps.length - this.at);
        if (step.type)
            this.printed += await this.house.type(step.type(this.printed)) + '\n';
        if (step.show)
            this.house.show(step.show(this.printed, this.house.picture()));
    }
}
