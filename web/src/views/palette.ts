/* The colours of the canvases, read from the custom properties in colours.css, which differ between the dark and the light theme; and what
   an owner of frames looks like: a colour and a texture. An owner keeps its look while the page is open, by its name. Frames in use have
   plain colours that remain different to colour-blind people; reserved frames, which lie in long runs, have muted ones with a texture. */

import type { Owner } from '../reader/picture.js';

export const USED_LOOKS = 10, RESERVED_LOOKS = 10;

const NAMES = ['ground', 'text', 'muted', 'line', 'glow', 'select', 'accent', 'free', 'none', 'guard', 'device', 'area', 'row', 'table',
    'large', 'user', 'scrim', 'wrong'] as const;
export type ColourName = typeof NAMES[number];

type Texture = 'plain' | 'rising' | 'falling' | 'rows' | 'columns' | 'dots' | 'grid';

export interface Look {
    colour: string;
    texture: Texture;
}

const USED_TEXTURES: Texture[] = ['plain', 'plain', 'plain', 'plain', 'plain', 'plain', 'plain', 'dots', 'rising', 'rows'];
const RESERVED_TEXTURES: Texture[] =
    ['rising', 'columns', 'dots', 'falling', 'rows', 'grid', 'rising', 'columns', 'dots', 'falling'];

/* Whether a pixel of a cell has the ink of the texture. The textures continue in the next cell. */
function inked(texture: Texture, x: number, y: number, size: number): boolean {
    const width = Math.max(1, Math.round(size / 5)), middle = Math.floor((size - width) / 2);
    const at = (n: number) => n >= middle && n < middle + width;

    switch (texture) {
    case 'plain': return false;
    case 'rising': return (x + y) % size < width;
    case 'falling': return (x - y + size) % size < width;
    case 'rows': return at(y);
    case 'columns': return at(x);
    case 'dots': return at(x) && at(y);
    case 'grid': return at(x) || at(y);
    }
}

export class Palette {
    private colours = {} as Record<ColourName, string>;
    private used: string[] = [];
    private reserved: string[] = [];
    private readonly slots = new Map<string, number>();
    private readonly taken = { used: 0, reserved: 0 };

    constructor() {
        this.read();
    }

    /* Reads the custom properties again: the theme has changed. */
    read(): void {
        const style = getComputedStyle(document.documentElement);
        const value = (name: string) => style.getPropertyValue(name).trim();

        for (const name of NAMES)
            this.colours[name] = value(`--view-${name}`);
        this.used = Array.from({ length: USED_LOOKS }, (_, i) => value(`--used-${i}`));
        this.reserved = Array.from({ length: RESERVED_LOOKS }, (_, i) => value(`--reserved-${i}`));
    }

    colour(name: ColourName): string {
        return this.colours[name];
    }

    private slot(owner: Owner, use: 'used' | 'reserved'): number {
        const key = `${use} ${owner.name}`;

        if (!this.slots.has(key))
            this.slots.set(key, this.taken[use]++);
        return this.slots.get(key)!;
    }

    look(owner: Owner | undefined): Look {
        if (!owner || owner.use === 'none')
            return { colour: this.colours.none, texture: 'falling' };
        if (owner.use === 'free')
            return { colour: this.colours.free, texture: 'plain' };
        const slot = this.slot(owner, owner.use);
        if (owner.use === 'used')
            return { colour: this.used[slot % USED_LOOKS], texture: USED_TEXTURES[slot % USED_LOOKS] };
        return { colour: this.reserved[slot % RESERVED_LOOKS], texture: RESERVED_TEXTURES[slot % RESERVED_LOOKS] };
    }

    /* A cell of `size` pixels of the device, with a gap at its right and lower edge if it is large enough for one. */
    tile(look: Look, size: number): HTMLCanvasElement {
        const tile = document.createElement('canvas');
        const context = tile.getContext('2d')!;
        const side = size >= 5 ? size - 1 : size;

        tile.width = tile.height = size;
        context.fillStyle = look.colour;
        context.fillRect(0, 0, side, side);
        context.fillStyle = this.colours.ground;
        context.globalAlpha = 0.55;
        for (let y = 0; y < side; y++) {
            for (let x = 0; x < side; x++) {
                if (inked(look.texture, x, y, size))
                    context.fillRect(x, y, 1, 1);
            }
        }
        return tile;
    }
}
