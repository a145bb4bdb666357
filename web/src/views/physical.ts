/* Physical memory: a cell for each frame, or for a group of frames where the canvas is small, in the look of its owner. There are two
   canvases: the lower one has the cells, of which only those that changed are drawn again; the upper one has what comes and goes: the
   glow of changes, what is lit up or isolated, and the selection. */

import { PAGE_SHIFT, hex, type Picture } from '../reader/picture.js';
import type { Changes } from '../reader/changes.js';
import { element, setText, Surface } from './dom.js';
import { eachRun, fitGrid, frameOfCell, groupOwner, type Grid } from './frame_grid.js';
import { Glow } from './glow.js';
import { Legend } from './legend.js';
import { frameText } from './links.js';
import type { Palette } from './palette.js';

const MARGIN = 84;        // for the addresses of the rows, in pixels of CSS
const LABEL_STEP = 26;    // at least, between two of them
const LEAST_CELL = 3;
const HEIGHT_SHARE = 0.32;  // of the window, at most
const HEIGHTS = [220, 480];
const BOXES = 256;

export interface PhysicalEvents {
    hover(frame: number | null): void;
    select(frame: number): void;
    redraw(): void;
}

export class PhysicalView {
    private readonly below = new Surface({ 'aria-hidden': 'true' });
    private readonly above = new Surface({
        tabindex: 0, role: 'application', 'aria-label': 'Physical memory: arrow keys select a frame',
    });
    private readonly status = element('p', { class: 'view-status', role: 'status' });
    private readonly heading = element('p', { class: 'view-note' });
    private readonly stage: HTMLElement;
    private readonly legend: Legend;
    private readonly glow = new Glow();
    private picture: Picture | null = null;
    private grid: Grid = { columns: 0, rows: 0, cell: 1, group: 1 };
    private patterns: CanvasPattern[] = [];
    private stale = true;               // every cell must be drawn
    private readonly changed = new Set<number>();  // cells that must be
    private lit: readonly number[] = [];
    private dim = false;
    private isolated: string | null = null;
    private selected: number | null = null;
    private hovered: number | null = null;

    constructor(host: HTMLElement, private readonly palette: Palette, private readonly events: PhysicalEvents) {
        this.legend = new Legend(palette, owner => this.isolate(owner));
        this.stage = element('div', { class: 'physical-stage' }, this.below.canvas, this.above.canvas);
        host.classList.add('view', 'physical');
        host.append(this.heading, this.stage, this.status, this.legend.list);
        this.listen();
    }

    /* ---- what is shown ---- */

    show(picture: Picture, changes: Changes, now: number): void {
        const owners = (p: Picture | null) => p ? p.frames.owners.map(owner => owner.use + owner.name).join() : '';

        if (picture.frames.owner.length !== this.picture?.frames.owner.length || owners(picture) !== owners(this.picture))
            this.stale = true;
        this.picture = picture;
        this.glow.add(changes.frames, now);
        for (const frame of changes.frames)
            this.changed.add(Math.floor(frame / this.grid.group));
        this.legend.show(picture.frames.owners);
        this.describe();
    }

    /* While the pointer is at something, the frames that do not belong to it are dim; what is only selected has boxes. */
    light(frames: readonly number[], dim: boolean): void {
        this.lit = frames;
        this.dim = dim;
    }

    select(frame: number | null): void {
        this.selected = frame;
        this.describe();
    }

    themeChanged(): void {
        this.stale = true;
        this.legend.repaint(this.picture?.frames.owners ?? []);
    }

    private isolate(owner: string | null): void {
        this.isolated = owner;
        this.events.redraw();
    }

    private describe(): void {
        const frame = this.hovered ?? this.selected;

        if (!this.picture)
            return;
        const bytes = this.picture.frames.owner.length << PAGE_SHIFT - 10;
        const cell = this.grid.group === 1 ? 'a frame of 4 KiB' : `${this.grid.group} frames of 4 KiB`;
        setText(this.heading, `${(bytes / 1024).toLocaleString('en')} MiB of RAM; each cell is ${cell}`);
        setText(this.status, frame === null ? 'Point at a frame, or use the arrow keys.'
            : frameText(this.picture, frame, this.grid.group));
    }

    /* ---- drawing ---- */

    /* Returns whether something glows, and another frame of the animation is needed. */
    draw(now: number): boolean {
        if (!this.picture)
            return false;
        this.fit(this.picture);
        if (this.stale)
            this.drawAll(this.picture);
        else
            this.drawCells(this.picture, [...this.changed].sort((a, b) => a - b));
        this.changed.clear();
        this.stale = false;
        return this.drawAbove(this.picture, now);
    }

    private fit(picture: Picture): void {
        const width = this.stage.clientWidth, ratio = window.devicePixelRatio || 1;
        const room = Math.min(Math.max(window.innerHeight * HEIGHT_SHARE, HEIGHTS[0]), HEIGHTS[1]);
        const grid = fitGrid(picture.frames.owner.length, (width - MARGIN) * ratio, room * ratio, LEAST_CELL * ratio);
        const height = grid.rows * grid.cell / ratio;
        const resized = this.below.resize(width, height);

        this.above.resize(width, height);
        this.stage.style.height = `${height}px`;
        if (resized || grid.cell !== this.grid.cell || grid.columns !== this.grid.columns || grid.group !== this.grid.group) {
            this.grid = grid;
            this.stale = true;
            this.describe();
        }
    }

    private drawAll(picture: Picture): void {
        const context = this.below.context;

        this.patterns = picture.frames.owners.map(owner =>
            context.createPattern(this.palette.tile(this.palette.look(owner), this.grid.cell), 'repeat')!);
        this.below.clear();
        this.drawAddresses(context);
        this.drawCells(picture, this.cells(picture));
    }

    private cells(picture: Picture): number[] {
        return Array.from({ length: Math.ceil(picture.frames.owner.length / this.grid.group) }, (_, i) => i);
    }

    private drawAddresses(context: CanvasRenderingContext2D): void {
        const { cell, columns, group, rows } = this.grid, ratio = this.below.ratio;
        const step = 2 ** Math.ceil(Math.log2(LABEL_STEP * ratio / cell));

        context.fillStyle = this.palette.colour('muted');
        context.font = `${11.5 * ratio}px ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace`;
        context.textBaseline = 'top';
        for (let row = 0; row < rows; row += step)
            context.fillText(hex(row * columns * group << PAGE_SHIFT), 0, row * cell);
    }

    private get left(): number {
        return Math.round(MARGIN * this.below.ratio);
    }

    /* Cells in ascending order. Neighbours with the same owner are one rectangle. */
    private drawCells(picture: Picture, cells: readonly number[]): void {
        const { cell: size, columns, group } = this.grid, context = this.below.context;
        const owner = picture.frames.owner;

        context.setTransform(1, 0, 0, 1, this.left, 0);
        eachRun(cells, columns, cell => groupOwner(owner, cell * group, group), (first, length, shown) => {
            const { x, y } = this.corner(first * group);
            context.clearRect(x, y, length * size, size);
            context.fillStyle = this.patterns[shown] ?? this.palette.colour('none');
            context.fillRect(x, y, length * size, size);
        });
        context.setTransform(1, 0, 0, 1, 0, 0);
    }

    private drawAbove(picture: Picture, now: number): boolean {
        const context = this.above.context;

        this.above.clear();
        context.setTransform(1, 0, 0, 1, this.left, 0);
        if (this.isolated !== null)
            this.drawIsolated(picture, this.isolated);
        else if (this.lit.length > 0)
            this.drawLit();
        const more = this.glow.each(now, this.glowFrame());
        if (this.selected !== null)
            this.frameBox(this.selected, this.palette.colour('select'), 2);
        return more;
    }

    private glowFrame(): (frame: number, strength: number) => void {
        const context = this.above.context, size = this.grid.cell;
        const grow = Math.round(size / 3);

        context.fillStyle = this.palette.colour('glow');
        return (frame, strength) => {
            const { x, y } = this.corner(frame), extra = Math.round(grow * strength);
            context.globalAlpha = strength;
            context.fillRect(x - extra, y - extra, size + 2 * extra, size + 2 * extra);
            context.globalAlpha = 1;
        };
    }

    private corner(frame: number): { x: number, y: number } {
        const { cell, columns, group } = this.grid, index = Math.floor(frame / group);

        return { x: index % columns * cell, y: Math.floor(index / columns) * cell };
    }

    /* Makes every cell dim but these, in ascending order. */
    private dimAllBut(cells: readonly number[]): void {
        const context = this.above.context, { cell: size, columns, rows, group } = this.grid;

        context.fillStyle = this.palette.colour('scrim');
        context.fillRect(0, 0, columns * size, rows * size);
        eachRun(cells, columns, () => 0, (first, length) => {
            const { x, y } = this.corner(first * group);
            context.clearRect(x, y, length * size, size);
        });
    }

    private drawIsolated(picture: Picture, name: string): void {
        const index = picture.frames.owners.findIndex(owner => owner.name === name);
        const { group } = this.grid, owner = picture.frames.owner;

        this.dimAllBut(this.cells(picture).filter(cell => groupOwner(owner, cell * group, group) === index));
    }

    private litCells(): number[] {
        const { columns, rows, group } = this.grid, marked = new Uint8Array(columns * rows), cells: number[] = [];

        for (const frame of this.lit)
            marked[Math.floor(frame / group)] = 1;  // a device's frame is beyond the end, where nothing is stored
        marked.forEach((mark, cell) => mark && cells.push(cell));
        return cells;
    }

    /* A box for each of thousands would hide them. */
    private drawLit(): void {
        const cells = this.litCells();

        if (this.dim)
            this.dimAllBut(cells);
        if (cells.length > BOXES)
            return;
        for (const cell of cells)
            this.frameBox(cell * this.grid.group, this.palette.colour('select'), 1);
    }

    /* A box around a cell, a pixel away from it. */
    private frameBox(frame: number, colour: string, width: number): void {
        const { x, y } = this.corner(frame), context = this.above.context;
        const line = Math.round(width * this.above.ratio), gap = Math.round(this.above.ratio) + line / 2;

        context.strokeStyle = colour;
        context.lineWidth = line;
        context.strokeRect(x - gap, y - gap, this.grid.cell + 2 * gap, this.grid.cell + 2 * gap);
    }

    /* ---- pointer and keyboard ---- */

    private listen(): void {
        const canvas = this.above.canvas;

        canvas.addEventListener('pointermove', event => this.hover(this.frameAtPoint(event)));
        canvas.addEventListener('pointerleave', () => this.hover(null));
        canvas.addEventListener('pointerdown', event => {
            const frame = this.frameAtPoint(event);
            if (frame !== null)
                this.events.select(frame);
        });
        canvas.addEventListener('keydown', event => this.key(event));
        new ResizeObserver(() => this.events.redraw()).observe(this.stage);
    }

    private hover(frame: number | null): void {
        if (frame === this.hovered)
            return;
        this.hovered = frame;
        this.describe();
        this.events.hover(frame);
    }

    private frameAtPoint(event: PointerEvent): number | null {
        const { x, y } = this.above.point(event), ratio = this.above.ratio, { cell, columns } = this.grid;
        const column = Math.floor((x * ratio - this.left) / cell), row = Math.floor(y * ratio / cell);

        if (column < 0 || column >= columns || row < 0)
            return null;
        return this.frameOf(row * columns + column);
    }

    private frameOf(cell: number): number | null {
        const owner = this.picture?.frames.owner;

        if (!owner || cell < 0 || cell * this.grid.group >= owner.length)
            return null;
        return frameOfCell(owner, cell, this.grid.group);
    }

    private key(event: KeyboardEvent): void {
        const steps: Record<string, number> = {
            ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.grid.columns, ArrowDown: this.grid.columns,
        };
        const step = steps[event.key];

        if (step === undefined)
            return;
        event.preventDefault();
        const frame = this.frameOf(this.selected === null ? 0 : Math.floor(this.selected / this.grid.group) + step);
        if (frame !== null)
            this.events.select(frame);
    }
}
