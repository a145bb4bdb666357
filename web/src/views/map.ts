/* The virtual map: a strip of all addresses, and under it a lens that shows the pages around the pointer, because an area of 8 KiB is
   less than a pixel of the strip. The strip's user half has a row for each process; the kernel half is the same for all. */

import { PAGE_SIZE, type Area, type Picture, type Space } from '../reader/picture.js';
import { keyAddress, keyDirectory, type Changes } from '../reader/changes.js';
import { element, setText, Surface } from './dom.js';
import { Glow } from './glow.js';
import { areaAt, areaText, hasGuard, loadedSpace, rangeOf, regionText, spaceOf, type Focus, type Light } from './links.js';
import { CELLS, drawLens, LENS_HEIGHT } from './map_lens.js';
import { drawStrip, rowOf, STRIP_HEIGHT, STRIP_TOP } from './map_strip.js';
import { pageOf } from './mappings.js';
import type { Palette } from './palette.js';
import { Lens, Scale } from './scale.js';

const GAP = 26;  // between the strip and the lens
const HEIGHT = STRIP_HEIGHT + GAP + LENS_HEIGHT;
const STAY_MS = 150;
const NEAR = 4;  // pixels: so near an area the pointer means it

export interface MapEvents {
    hover(focus: Focus | null): void;
    select(focus: Focus): void;
    redraw(): void;
}

/* What a point of the map is. */
interface Spot {
    address: number;
    space: Space | null;   // null in the kernel half
    area: Area | null;
    inLens: boolean;
}

export class MapView {
    private readonly surface = new Surface({
        tabindex: 0, role: 'application',
        'aria-label': 'Virtual map: left and right select an area, Page Up and Page Down move the lens, plus and minus magnify',
    });
    private readonly status = element('p', { class: 'view-status', role: 'status' });
    private readonly glow = new Glow();
    private picture: Picture | null = null;
    private scale = new Scale(1, 1);
    private readonly lens = new Lens(1);
    private lensDirectory = 0;     // whose user half the lens shows
    private stale = true;          // must be drawn again
    private glowing = false;
    private placed = false;        // the lens is at an area
    private lit: Light | null = null;
    private selected: Focus | null = null;
    private hovered: Spot | null = null;
    private entered = 0;           // when the pointer came to the strip
    private drag: { x: number, first: number } | null = null;

    constructor(private readonly host: HTMLElement, private readonly palette: Palette, private readonly events: MapEvents) {
        host.classList.add('view', 'map');
        host.append(this.surface.canvas, this.status);
        this.listen();
    }

    /* ---- what is shown ---- */

    show(picture: Picture, changes: Changes, now: number): void {
        this.picture = picture;
        this.stale = true;
        this.glow.add(changes.pages, now);
        this.describe();
    }

    /* At first the lens shows the vmalloc areas, as far as they have room. */
    private place(picture: Picture): void {
        const areas = picture.areas.filter(hasGuard);

        if (areas.length === 0 || this.placed)
            return;
        const pages = (areas[areas.length - 1].last + 1 - areas[0].start) / PAGE_SIZE;
        this.lens.fit(pages + 2);
        this.lens.moveTo(areas[0].start);
        this.placed = true;
    }

    light(light: Light): void {
        this.lit = light;
        this.stale = true;
    }

    select(focus: Focus | null): void {
        this.selected = focus;
        this.describe();
    }

    /* Moves the lens to the range, unless it shows a part of it already. */
    lookAt(start: number, last: number, space: Space | null): void {
        this.lensDirectory = space?.directory ?? this.lensDirectory;
        if (last < this.lens.first || start >= this.lens.end)
            this.lens.centreOn(start);
    }

    private get lensSpace(): Space | null {
        return this.picture && (spaceOf(this.picture, this.lensDirectory) ?? loadedSpace(this.picture));
    }

    private describe(): void {
        const spot = this.hovered ?? this.selectedSpot();

        setText(this.status, spot ? this.spotText(spot) : 'Point at an area, or use the left and right keys.');
    }

    private selectedSpot(): Spot | null {
        if (!this.picture || this.selected?.kind !== 'range')
            return null;
        return this.spotAt(this.selected.start, spaceOf(this.picture, this.selected.directory));
    }

    private spotText(spot: Spot): string {
        const picture = this.picture!;
        const region = picture.regions.find(region => region.first <= spot.address && spot.address <= region.last);

        if (spot.area && spot.address > spot.area.last)
            return `guard page, never mapped, of ${areaText(picture, spot.area, spot.space)}`;
        if (spot.area)
            return areaText(picture, spot.area, spot.space);
        return region ? regionText(region) : '';
    }

    /* ---- drawing ---- */

    redraw(): void {
        this.stale = true;
        this.events.redraw();
    }

    draw(now: number): boolean {
        const picture = this.picture;

        if (!picture || !this.stale && !this.glowing)
            return false;
        this.fit(picture);
        const context = this.surface.context;
        this.surface.clear();
        context.setTransform(this.surface.ratio, 0, 0, this.surface.ratio, 0, 0);
        const frame = { context, palette: this.palette, picture, light: this.lit, selected: this.selected };
        drawStrip(frame, this.scale);
        this.drawWindow(context);
        context.translate(0, STRIP_HEIGHT + GAP);
        drawLens(frame, this.lens, this.lensSpace);
        context.translate(0, -STRIP_HEIGHT - GAP);
        this.stale = false;
        this.glowing = this.drawGlow(now);
        return this.glowing;
    }

    private fit(picture: Picture): void {
        const width = this.host.clientWidth;

        this.surface.resize(width, HEIGHT);
        if (this.scale.width !== width || this.scale.pageOffset !== picture.pageOffset) {
            this.scale = new Scale(picture.pageOffset, width);
            this.lens.resize(width);
        }
        this.place(picture);
    }

    /* The part of the strip that the lens shows, and the lines from it to the lens. */
    private drawWindow(context: CanvasRenderingContext2D): void {
        const left = this.scale.toX(this.lens.first);
        const width = Math.max(this.scale.toX(this.lens.end) - left, 2);
        const top = STRIP_TOP.bottom;

        context.beginPath();
        context.moveTo(left, top);
        context.lineTo(left + width, top);
        context.lineTo(this.surface.width, STRIP_HEIGHT + GAP);
        context.lineTo(0, STRIP_HEIGHT + GAP);
        context.closePath();
        context.globalAlpha = 0.12;
        context.fillStyle = this.palette.colour('accent');
        context.fill();
        context.globalAlpha = 1;
        context.strokeStyle = this.palette.colour('accent');
        context.lineWidth = 1.5;
        context.strokeRect(left - 0.75, STRIP_TOP.top - 2, width + 1.5, STRIP_TOP.bottom - STRIP_TOP.top + 4);
    }

    private drawGlow(now: number): boolean {
        const context = this.surface.context;

        context.fillStyle = this.palette.colour('glow');
        const more = this.glow.each(now, (key, strength) => this.glowPage(key, strength));
        context.globalAlpha = 1;
        return more;
    }

    private glowPage(key: number, strength: number): void {
        const context = this.surface.context, address = keyAddress(key), directory = keyDirectory(key);
        const row = rowOf(this.picture!, directory);

        context.globalAlpha = strength;
        if (row)
            context.fillRect(this.scale.toX(address) - 1.5, row.top, 3, row.height);
        const shown = directory === 0 || directory === this.lensSpace?.directory;
        if (shown && address >= this.lens.first && address < this.lens.end)
            context.fillRect(this.lens.toX(address), STRIP_HEIGHT + GAP, this.lens.pageWidth, CELLS);
    }

    /* ---- pointer ---- */

    private listen(): void {
        const canvas = this.surface.canvas;

        canvas.addEventListener('pointermove', event => this.pointer(event));
        canvas.addEventListener('pointerdown', event => this.press(event));
        for (const name of ['pointerup', 'pointercancel'])
            canvas.addEventListener(name, () => this.drag = null);
        canvas.addEventListener('pointerleave', () => this.hover(null));
        canvas.addEventListener('keydown', event => this.key(event));
        new ResizeObserver(() => this.redraw()).observe(this.host);
    }

    private inLens(y: number): boolean {
        return y >= STRIP_HEIGHT + GAP / 2;
    }

    private pointer(event: PointerEvent): void {
        const { x, y } = this.surface.point(event);

        if (!this.picture)
            return;
        if (this.drag) {
            this.lens.moveTo(this.drag.first - Math.round((x - this.drag.x) / this.lens.pageWidth) * PAGE_SIZE);
            this.redraw();
        }
        const spot = this.inLens(y) ? this.lensSpot(x) : this.stripSpot(x, y);
        if (!this.inLens(y) && this.hasStayed(event)) {
            this.lensDirectory = spot.space?.directory ?? this.lensDirectory;
            this.lens.centreOn(spot.address);
        }
        this.hover(spot);
    }

    /* On its way to the lens the pointer crosses the strip; the lens must not move for that. */
    private hasStayed(event: PointerEvent): boolean {
        if (!this.hovered || this.hovered.inLens)
            this.entered = event.timeStamp;
        return event.buttons !== 0 || event.timeStamp - this.entered > STAY_MS;
    }

    private press(event: PointerEvent): void {
        const { x, y } = this.surface.point(event);

        this.pointer(event);
        if (this.inLens(y)) {
            this.drag = { x, first: this.lens.first };
            this.surface.canvas.setPointerCapture(event.pointerId);
        }
        if (this.hovered)
            this.events.select(this.focusOf(this.hovered));
    }

    private hover(spot: Spot | null): void {
        const same = spot?.address === this.hovered?.address && spot?.space?.directory === this.hovered?.space?.directory;

        if (same)
            return;
        this.hovered = spot;
        this.describe();
        this.events.hover(spot && this.focusOf(spot));
    }

    /* An area, or a page where there is no area. */
    private focusOf(spot: Spot): Focus {
        if (spot.area && spot.address <= spot.area.last)
            return rangeOf(spot.area, spot.space);
        const start = pageOf(spot.address);
        return { kind: 'range', start, last: start + PAGE_SIZE - 1, directory: spot.space?.directory ?? 0 };
    }

    private spotAt(address: number, space: Space | null, inLens = false): Spot {
        const kernel = address >= this.picture!.pageOffset;

        const area = areaAt(kernel ? this.picture!.areas : space?.areas ?? [], address);

        return { address, space: kernel ? null : space, area, inLens };
    }

    private lensSpot(x: number): Spot {
        return this.spotAt(this.lens.toAddress(x), this.lensSpace, true);
    }

    /* A point of the strip: the nearest area within a few pixels, or the address itself. */
    private stripSpot(x: number, y: number): Spot {
        const picture = this.picture!, address = this.scale.toAddress(x);
        const kernel = address >= picture.pageOffset;
        const space = kernel ? null : this.spaceInRow(y);
        const areas = kernel ? picture.areas : space?.areas ?? [];
        const near = nearest(areas, address, NEAR * this.scale.perPixel(address));

        if (!near)
            return this.spotAt(address, space);
        return { address: Math.min(Math.max(address, near.start), near.last), space, area: near, inLens: false };
    }

    private spaceInRow(y: number): Space | null {
        const spaces = this.picture!.spaces;
        const row = spaces.findIndex(space => y < (rowOf(this.picture!, space.directory)?.bottom ?? 0));

        return spaces[row < 0 ? spaces.length - 1 : row] ?? null;
    }

    /* ---- keyboard ---- */

    private key(event: KeyboardEvent): void {
        const actions: Record<string, () => void> = {
            ArrowLeft: () => this.step(-1),
            ArrowRight: () => this.step(1),
            PageUp: () => this.lens.moveTo(this.lens.first - this.lens.pages / 2 * PAGE_SIZE),
            PageDown: () => this.lens.moveTo(this.lens.first + this.lens.pages / 2 * PAGE_SIZE),
            '+': () => this.lens.zoomBy(1),
            '-': () => this.lens.zoomBy(-1),
        };

        if (!actions[event.key] || !this.picture)
            return;
        event.preventDefault();
        actions[event.key]();
        this.redraw();
    }

    /* Selects the next area in this direction: those of the space in the lens, then those of the kernel half. */
    private step(direction: number): void {
        const picture = this.picture!, space = this.lensSpace;
        const areas = [...space?.areas ?? [], ...picture.areas];
        const at = this.selected?.kind === 'range' ? this.selected.start : this.lens.first - 1;
        const next = direction > 0 ? areas.find(area => area.start > at) : areas.filter(area => area.start < at).pop();

        if (!next)
            return;
        const user = next.start < picture.pageOffset;
        this.lookAt(next.start, next.last, user ? space : null);
        this.events.select(rangeOf(next, user ? space : null));
    }
}

/* The area nearest to the address, if it is at most so far away. */
function nearest(areas: readonly Area[], address: number, most: number): Area | null {
    const distance = (area: Area) => Math.max(area.start - address, address - area.last, 0);
    let best: Area | null = null;

    for (const area of areas) {
        if (distance(area) <= (best ? distance(best) - 1 : most))
            best = area;
    }
    return best;
}
