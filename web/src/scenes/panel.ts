/* The scenes as buttons, the sentence of the step that plays, and the button for the next one. */
import { element, setText } from '../views/dom.js';
import type { Scene } from './scenes.js';

export class ScenePanel {
    private readonly title = element('strong');
    private readonly sentence = element('span');
    private readonly next = element('button', { type: 'button' }, 'Next ▶');
    private readonly buttons: HTMLButtonElement[];

    constructor(host: HTMLElement, scenes: Scene[], start: (scene: Scene) => void, next: () => void) {
        this.buttons = scenes.map(scene => {
            const button = element('button', { type: 'button', 'data-scene': scene.id, title: scene.title }, scene.name);
            button.addEventListener('click', () => start(scene));
            return button;
        });
        this.next.addEventListener('click', next);
        host.append(element('div', { class: 'scene-list', role: 'group', 'aria-label': 'Scenes' }, ...this.buttons),
                    element('div', { class: 'scene-step' }, this.next, element('p', { role: 'status' }, this.title, ' ', this.sentence)));
        this.next.hidden = true;
    }

    /* What happens now; left: steps that come after it. */
    say(title: string, sentence: string, left: number): void {
        setText(this.title, title && `${title}.`);
        setText(this.sentence, sentence);
        this.next.hidden = left === 0;
        for (const button of this.buttons)
            button.setAttribute('aria-pressed', String(button.title === title));
    }
}
