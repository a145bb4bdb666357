/* Plays a scene step by step, as a lecturer would: each “next” types a command, waits for the prompt, and points at an address. */
import type { Picture } from '../reader/picture.js';
import type { Pointed, Scene } from './scenes.js';

/* What the stage needs of a desk. */
export interface House {
    restart(machine?: string): Promise<void>;          // the machine as it was saved at the prompt
    type(line: string): Promise<string>;               // returns what was printed
    picture(): Picture;                                // of now
    show(pointed: Pointed): void;
}

/* Says what happens now; left: steps that come after this one. */
export type Say = (title: string, sentence: string, left: number) => void;

const HOW = 'Each button starts the machine again, types commands, and points at what happens.';

export class Stage {
    private scene: Scene | null = null;
    private at = 0;
    private printed = '';

    constructor(private readonly house: House, private readonly say: Say) { }

    /* Start a scene, with its first step. Fails when the machine does not do what the scene says. */
    async start(scene: Scene): Promise<void> {
        this.scene = null;
        await this.house.restart(scene.machine);
        [this.at, this.printed] = [0, ''];
        await this.step(scene);
    }

    /* The machine is another one: the scene is over. */
    stop(): void {
        this.scene = null;
        this.say('', HOW, 0);
    }

    /* The next step; nothing while one is being done, and after the last. */
    async next(): Promise<void> {
        const { scene } = this;
        this.scene = null;
        if (scene && this.at < scene.steps.length)
            await this.step(scene);
    }

    /* A scene whose step fails is over. */
    private async step(scene: Scene): Promise<void> {
        const step = scene.steps[this.at++];
        this.say(scene.title, step.say, scene.steps.length - this.at);
        if (step.type)
            await this.type(step.type(this.printed), step.prints ?? /(?:)/);
        if (step.show)
            this.house.show(step.show(this.printed, this.house.picture()));
        this.scene = scene;
    }

    private async type(line: string, wanted: RegExp): Promise<void> {
        const said = await this.house.type(line);
        this.printed += `${said}\n`;
        if (said.search(wanted) < 0)  // a global pattern's test() would go on from its last match
            throw new Error(`The scene ends here: “${line}” was answered otherwise than expected.`);
    }
}
