/* An address, what the kernel would say of it, and the way of the processor to its frame, level by level. What is said comes from the two
   functions of the reader; this box only shows it. */

import { hex, type Picture, type Space } from '../reader/picture.js';
import { element, setText } from './dom.js';

/* A level of the walk: CR3, PDE, PTE, frame. */
export interface Step {
    level: string;
    index: number;    // of the entry in its table; below 0: none
    at: number;       // where the entry is, physical; below 0: nowhere in memory
    value: number;
    words: string[];  // each bit in words
}

/* `space` is null for the loaded one. */
export interface Explainer {
    explain(address: number, space: Space | null): string[];
    walk(address: number, space: Space | null): Step[];
    address(name: string): number | null;  // of a function or variable of the kernel
}

/* An address in hexadecimal with 0x, or in decimal; null if it is neither. */
export function parseAddress(text: string): number | null {
    const trimmed = text.trim();
    const value = /^(0x[0-9a-f]{1,8}|\d{1,10})$/i.test(trimmed) ? Number(trimmed) : NaN;

    return value < 2 ** 32 ? value : null;
}

const LOADED = 'loaded';

export class WalkBox {
    private readonly input = element('input', {
        type: 'text', spellcheck: 'false', autocomplete: 'off', placeholder: '0x...', size: 12, 'aria-label': 'Address',
    });
    private readonly select = element('select', { 'aria-label': 'Address space' }, element('option', { value: LOADED }, 'loaded in CR3'));
    private readonly said = element('p', { class: 'unseen', role: 'status' });
    private readonly text = element('pre', { tabindex: 0, 'aria-label': 'What the kernel says of the address' });
    private readonly figure = element('ol', { class: 'walk-steps', 'aria-label': 'Walk' });
    private picture: Picture | null = null;
    private spaces = '';
    private steps = '';

    constructor(host: HTMLElement, private readonly reader: Explainer,
        private readonly chosen: (address: number, space: Space | null) => void) {
        const form = element('form', { class: 'walk-form' }, element('label', {}, 'address ', this.input),
            element('label', {}, 'through ', this.select), element('button', { type: 'submit' }, 'Walk'));

        host.classList.add('view', 'walk-box');
        host.append(form, this.said, element('div', { class: 'walk-body' }, this.figure, this.text));
        setText(this.text, 'Click on any view, or enter an address.');
        form.addEventListener('submit', event => this.submit(event));
        this.select.addEventListener('change', () => this.submit());
    }

    show(picture: Picture): void {
        this.picture = picture;
        this.showSpaces(picture.spaces);
        this.update();
    }

    /* Shows an address; a space of null leaves the choice as it is. */
    set(address: number, space: Space | null): void {
        this.input.value = hex(address);
        if (space)
            this.select.value = String(space.directory);
        this.update();
        this.announce();
    }

    private submit(event?: Event): void {
        const address = this.address;

        event?.preventDefault();
        this.update();
        this.announce();
        if (address !== null)
            this.chosen(address, this.space);
    }

    /* For those who hear the page: the address that was chosen. What changes later by itself is not read out. */
    private announce(): void {
        setText(this.said, this.text.textContent?.split('\n')[0] ?? '');
    }

    /* What is in the field; null if it is no address. */
    private get address(): number | null {
        const text = this.input.value;

        return parseAddress(text) ?? this.reader.address(text.trim());
    }

    private get space(): Space | null {
        return this.picture?.spaces.find(space => String(space.directory) === this.select.value) ?? null;
    }

    private showSpaces(spaces: Space[]): void {
        const key = spaces.map(space => `${space.directory} ${space.name}`).join('\n'), chosen = this.select.value;

        if (key === this.spaces)
            return;
        this.spaces = key;
        const options = spaces.map(space => element('option', { value: space.directory }, space.name));
        this.select.replaceChildren(this.select.options[0], ...options);
        this.select.value = chosen;
        if (this.select.selectedIndex < 0)
            this.select.value = LOADED;
    }

    private update(): void {
        const address = this.address;
        const bad = address === null && this.input.value.trim() !== '';

        this.input.setAttribute('aria-invalid', String(bad));
        if (!this.picture || address === null) {
            if (bad)
                setText(this.text, 'Not an address: 0x and up to eight hexadecimal digits, a decimal number, or a name of the kernel’s.');
            return;
        }
        setText(this.text, this.reader.explain(address, this.space).join('\n'));
        this.showSteps(this.reader.walk(address, this.space));
    }

    private showSteps(steps: Step[]): void {
        const key = JSON.stringify(steps);

        if (key === this.steps)
            return;
        this.steps = key;
        this.figure.replaceChildren(...steps.map(stepBox));
    }
}

function stepBox(step: Step): HTMLLIElement {
    const level = step.index < 0 ? step.level : `${step.level} ${step.index}`;
    const box = element('li', {}, element('h3', {}, level), element('p', { class: 'value' }, hex(step.value)));

    if (step.at >= 0)
        box.append(element('p', { class: 'at' }, `at ${hex(step.at)}`));
    if (step.words.length > 0)
        box.append(element('ul', {}, ...step.words.map(word => element('li', {}, word))));
    return box;
}
