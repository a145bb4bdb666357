/* The kernel's page-directory entries, which are the same in all directories: a cell for each, on a canvas. */

import { P, PDE_SHIFT, PS, hex, type Picture } from '../reader/picture.js';
import { element, setText, Surface } from './dom.js';
import { Glow } from './glow.js';
import { differingEntries, ENTRIES, presentIn, type Place } from './mappings.js';
import type { Palette } from './palette.js';

const COLUMNS = 64, CELL_HEIGHT = 11, WIDEST = 24;

function kinds(): HTMLElement {
    const kind = (colour: string, text: string) => element('li', { style: `--kind: var(--view-${colour})` }, text);

    return element('ul', { class: 'kinds' },
        kind('table', 'a page table'), kind('large', 'a large page, 4 MiB'), kind('free', 'not present'));
}

export interface KernelEntryEvents {
    hover(index: number | null): void;
    select(index: number): void;
    redraw(): void;
}

export class KernelEntries {
    private readonly surface = new Surface({
        tabindex: 0, role: 'application', 'aria-label': 'Kernel entries: arrow keys select an entry',
    });
    private readonly title = element('h3');
    private readonly status = element('p', { class: 'view-status', role: 'status' });
    private readonly stage = element('div', {}, this.surface.canvas);
    readonly root = element('div', { class: 'kernel-entries' }, this.title, kinds(), this.stage, this.status);
    private readonly glow = new Glow();
    private picture: Picture | null = null;
    private places: Place[] = [];
    private differing = new Set<number>();  // entries that are not the master's in some directory
    private stale = true;  // must be drawn again
    private glowing = false;
    private hovered: number | null = null;
    private selected: number | null = null;

    constructor(private readonly palette: Palette, private readonly events: KernelEntryEvents) {
        this.listen();
    }

    show(picture: Picture, changed: number[], now: number): void {
        const differing = new Set(picture.spaces.flatMap(space => differingEntries(picture, space)));

        this.stale ||= changed.length > 0 || [...differing].join() !== [...this.differing].join()
            || this.first !== picture.pageOffset >>> PDE_SHIFT;
        this.picture = picture;
        this.glow.add(changed, now);
        this.differing = differing;
        this.root.classList.toggle('running', picture.registers.cr3 === picture.masterAddress);
        setText(this.title, `entries ${this.first}..${ENTRIES - 1}, the kernel half: ${differing.size > 0 ? 'not ' : ''}`
            + `the same in every directory; the master is at ${hex(picture.masterAddress)}`);
        this.describe();
    }

    light(places: Place[]): void {
        this.stale ||= places.length > 0 || this.places.length > 0;
        this.places = places;
    }

    select(index: number | null): void {
        this.stale ||= index !== this.selected;
        this.selected = index;
        this.describe();
    }

    redraw(): void {
        this.stale = true;
        this.events.redraw();
    }

    private get first(): number {
        return (this.picture?.pageOffset ?? 0) >>> PDE_SHIFT;
    }

    private describe(): void {
        const index = this.hovered ?? this.selected;

        setText(this.status, index === null || !this.picture ? '' : this.entryText(this.picture, index));
    }

    private entryText(picture: Picture, index: number): string {
        const pde = picture.master[index], start = `PDE ${index}, from ${hex(index * (1 << PDE_SHIFT))}: ${hex(pde)}`;

        if (!(pde & P))
            return `${start}, not present`;
        return pde & PS ? `${start}, a large page` : `${start}, a page table with ${presentIn(picture.tables.get(index))} pages mapped`;
    }

    /* ---- drawing ---- */

    draw(now: number): boolean {
        if (!this.picture || !this.stale && !this.glowing)
            return false;
        const rows = Math.ceil((ENTRIES - this.first) / COLUMNS), context = this.surface.context;
        this.surface.resize(this.cellWidth * COLUMNS, rows * CELL_HEIGHT);
        this.surface.clear();
        context.setTransform(this.surface.ratio, 0, 0, this.surface.ratio, 0, 0);
        for (let index = this.first; index < ENTRIES; index++)
            this.cell(index, this.colourOf(index, this.picture.master[index]));
        context.strokeStyle = this.palette.colour('select');
        context.lineWidth = 2;
        for (let index = this.first; index < ENTRIES; index++) {
            if (index === this.selected || this.isLit(index))
                this.outline(index);
        }
        const more = this.glow.each(now, (index, strength) => {
            context.globalAlpha = strength;
            this.cell(index, this.palette.colour('glow'));
        });
        context.globalAlpha = 1;
        this.stale = false;
        this.glowing = more;
        return more;
    }

    private get cellWidth(): number {
        return Math.min(Math.max(Math.floor(this.stage.clientWidth / COLUMNS), 4), WIDEST);
    }

    private colourOf(index: number, pde: number): string {
        return this.palette.colour(this.differing.has(index) ? 'wrong' : !(pde & P) ? 'free' : pde & PS ? 'large' : 'table');
    }

    private isLit(index: number): boolean {
        return this.places.some(place => place.address >>> PDE_SHIFT <= index && index <= place.last >>> PDE_SHIFT);
    }

    private corner(index: number): { x: number, y: number } {
        const n = index - this.first;
        return { x: n % COLUMNS * this.cellWidth, y: Math.floor(n / COLUMNS) * CELL_HEIGHT };
    }

    private cell(index: number, colour: string): void {
        const { x, y } = this.corner(index);
        this.surface.context.fillStyle = colour;
        this.surface.context.fillRect(x, y, this.cellWidth - 1, CELL_HEIGHT - 1);
    }

    private outline(index: number): void {
        const { x, y } = this.corner(index);
        this.surface.context.strokeRect(x, y, this.cellWidth - 1, CELL_HEIGHT - 1);
    }

    /* ---- pointer and keyboard ---- */

    private listen(): void {
        const canvas = this.surface.canvas;

        canvas.addEventListener('pointermove', event => this.hover(this.indexAt(event)));
        canvas.addEventListener('pointerleave', () => this.hover(null));
        canvas.addEventListener('pointerdown', event => this.choose(this.indexAt(event)));
        canvas.addEventListener('keydown', event => this.key(event));
        new ResizeObserver(() => this.redraw()).observe(this.stage);
    }

    private indexAt(event: PointerEvent): number | null {
        const { x, y } = this.surface.point(event);
        const index = this.first + Math.floor(y / CELL_HEIGHT) * COLUMNS + Math.floor(x / this.cellWidth);

        return this.picture && index >= this.first && index < ENTRIES ? index : null;
    }

    private hover(index: number | null): void {
        if (index === this.hovered)
            return;
        this.hovered = index;
        this.describe();
        this.events.hover(index);
    }

    private choose(index: number | null): void {
        if (index !== null)
            this.events.select(index);
    }

    private key(event: KeyboardEvent): void {
        const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -COLUMNS, ArrowDown: COLUMNS }[event.key];
        const next = this.selected === null ? this.first : this.selected + (step ?? 0);

        if (step === undefined || next < this.first || next >= ENTRIES)
            return;
        event.preventDefault();
        this.choose(next);
    }
}
