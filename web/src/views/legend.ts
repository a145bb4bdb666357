/* The legend of physical memory: a button for each owner, with its cell, name and number of frames. While one is hovered or focused,
   the frames of the others are dim. */

import type { Owner } from '../reader/picture.js';
import { element, setText } from './dom.js';
import type { Palette } from './palette.js';

const SWATCH = 7, REPEAT = 2;  // pixels of a cell of a swatch, and cells of its side

interface Entry {
    count: HTMLElement;
    swatch: HTMLCanvasElement;
}

export class Legend {
    readonly list = element('ul', { class: 'legend', 'aria-label': 'Owners of frames' });
    private readonly entries = new Map<string, Entry>();

    constructor(private readonly palette: Palette, private readonly isolate: (owner: string | null) => void) { }

    /* An owner that has had frames keeps its entry, so that nothing moves when it has none for a moment. */
    show(owners: Owner[]): void {
        for (const owner of owners) {
            if (owner.use === 'none' || owner.frames === 0 && !this.entries.has(owner.name))
                continue;
            setText(this.entry(owner).count, owner.frames.toLocaleString('en'));
        }
    }

    private entry(owner: Owner): Entry {
        let entry = this.entries.get(owner.name);

        if (!entry) {
            entry = this.add(owner);
            this.entries.set(owner.name, entry);
        }
        return entry;
    }

    private add(owner: Owner): Entry {
        const count = element('span', { class: 'legend-count' });
        const swatch = element('canvas', { width: SWATCH * REPEAT, height: SWATCH * REPEAT, 'aria-hidden': 'true' });
        const button = element('button', { type: 'button' }, swatch, element('span', {}, owner.name), count);
        const item = element('li', {}, button);

        for (const name of ['pointerenter', 'focus'])
            button.addEventListener(name, () => this.isolate(owner.name));
        for (const name of ['pointerleave', 'blur'])
            button.addEventListener(name, () => this.isolate(null));
        this.list.append(item);
        this.paint(swatch, owner);
        return { count, swatch };
    }

    private paint(swatch: HTMLCanvasElement, owner: Owner): void {
        const context = swatch.getContext('2d')!;

        context.clearRect(0, 0, swatch.width, swatch.height);
        context.fillStyle = context.createPattern(this.palette.tile(this.palette.look(owner), SWATCH), 'repeat')!;
        context.fillRect(0, 0, swatch.width, swatch.height);
    }

    /* The theme has changed. */
    repaint(owners: Owner[]): void {
        for (const owner of owners) {
            const entry = this.entries.get(owner.name);
            if (entry)
                this.paint(entry.swatch, owner);
        }
    }
}
