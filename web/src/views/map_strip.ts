/* Draws the strip of the map: the regions to scale, the areas in them, and in the user half a row for each space. */

import { hex, type Area, type Picture, type Region } from '../reader/picture.js';
import type { Focus, Light } from './links.js';
import type { Palette } from './palette.js';
import type { Scale } from './scale.js';

export interface MapFrame {
    context: CanvasRenderingContext2D;
    palette: Palette;
    picture: Picture;
    light: Light | null;
    selected: Focus | null;
}

const LABELS = 36;      // above the strip: two lines
const BAND = 46;
const ADDRESSES = 18;   // under it
export const STRIP_TOP = { top: LABELS, bottom: LABELS + BAND };
export const STRIP_HEIGHT = LABELS + BAND + ADDRESSES;

const LEAST = 2;        // pixels of an area, however small it is
export const SANS = '12px system-ui, sans-serif';
export const MONO = "11.5px ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace";

export interface Row {
    top: number;
    height: number;
    bottom: number;
}

/* The part of the strip's height that a space has in the user half; directory 0, the kernel half, has all. */
export function rowOf(picture: Picture, directory: number): Row | null {
    const index = picture.spaces.findIndex(space => space.directory === directory);

    if (directory === 0)
        return { top: STRIP_TOP.top, height: BAND, bottom: STRIP_TOP.bottom };
    if (index < 0)
        return null;
    const height = BAND / picture.spaces.length;
    const top = STRIP_TOP.top + index * height;
    return { top, height: Math.max(height - 1, 1), bottom: top + height };
}

export function drawStrip(frame: MapFrame, scale: Scale): void {
    drawRegions(frame, scale);
    drawAreas(frame, scale);
    drawLit(frame, scale);
    drawRegionNames(frame, scale);
    drawEdges(frame, scale);
}

function isMapped(picture: Picture, region: Region): boolean {
    return picture.areas.some(area => area.kind === 'row' && area.start <= region.last && area.last >= region.first);
}

function drawRegions({ context, palette, picture }: MapFrame, scale: Scale): void {
    const { top, bottom } = STRIP_TOP;

    for (const region of picture.regions) {
        const left = scale.toX(region.first), right = scale.toX(region.last + 1);
        const has = picture.areas.some(area => area.start <= region.last && area.last >= region.first);
        const user = region.first < picture.pageOffset;
        context.fillStyle = palette.colour(isMapped(picture, region) ? 'row' : has || user ? 'free' : 'none');
        context.fillRect(left, top, Math.max(right - left, 1), bottom - top);
    }
    context.fillStyle = palette.colour('line');
    for (const region of picture.regions)
        context.fillRect(Math.round(scale.toX(region.first)) - 0.5, top, 1, bottom - top);
}

function markArea(context: CanvasRenderingContext2D, scale: Scale, area: { start: number, last: number }, row: Row): void {
    const left = scale.toX(area.start), width = scale.toX(area.last + 1) - left;

    context.fillRect(left, row.top, Math.max(width, LEAST), row.height);
}

function drawAreas({ context, palette, picture }: MapFrame, scale: Scale): void {
    const band = rowOf(picture, 0)!;
    const shown = picture.areas.filter(area => area.kind !== 'row');

    context.fillStyle = palette.colour('area');
    for (const area of shown)
        markArea(context, scale, area, band);
    for (const space of picture.spaces) {
        const row = rowOf(picture, space.directory)!;
        context.fillStyle = palette.colour(space.running ? 'accent' : 'user');
        for (const area of space.areas)
            markArea(context, scale, area, row);
    }
}

/* A small triangle under each lit place, and the place itself. */
function drawLit({ context, palette, picture, light }: MapFrame, scale: Scale): void {
    context.fillStyle = palette.colour('select');
    for (const place of light?.places ?? []) {
        const row = rowOf(picture, place.space?.directory ?? 0);
        if (!row)
            continue;
        markArea(context, scale, { start: place.address, last: place.last }, row);
        const x = (scale.toX(place.address) + scale.toX(place.last + 1)) / 2;
        context.beginPath();
        context.moveTo(x, STRIP_TOP.top);
        context.lineTo(x - 4, STRIP_TOP.top - 6);
        context.lineTo(x + 4, STRIP_TOP.top - 6);
        context.fill();
    }
}

/* Names over the middle of their regions, within the width; one that would touch another goes a line higher, or is left out if that
   line is taken, too. The large regions come first. */
function drawRegionNames({ context, palette, picture }: MapFrame, scale: Scale): void {
    const lines: [number, number][][] = [[], []];
    const largest = [...picture.regions].sort((a, b) => scale.toX(b.last) - scale.toX(b.first) - scale.toX(a.last) + scale.toX(a.first));

    context.font = SANS;
    context.textBaseline = 'alphabetic';
    context.fillStyle = palette.colour('text');
    for (const region of largest) {
        const width = context.measureText(region.name).width, middle = scale.toX((region.first + region.last) / 2);
        const left = Math.min(Math.max(middle - width / 2, 0), scale.width - width);
        const line = lines.findIndex(taken => taken.every(([from, to]) => left > to + 8 || left + width < from - 8));
        if (line < 0)
            continue;
        lines[line].push([left, left + width]);
        context.fillText(region.name, left, STRIP_TOP.top - 8 - line * 15);
    }
}

/* The addresses of the edges, as far as there is room; that of the kernel half first. */
function drawEdges({ context, palette, picture }: MapFrame, scale: Scale): void {
    const edges = picture.regions.map(region => region.first).filter(first => first !== picture.pageOffset);
    const taken: [number, number][] = [];

    context.font = MONO;
    context.textBaseline = 'top';
    context.fillStyle = palette.colour('muted');
    for (const edge of [picture.pageOffset, ...edges.reverse()]) {
        const text = hex(edge), width = context.measureText(text).width;
        const left = Math.min(Math.max(scale.toX(edge) - width / 2, 0), scale.width - width);
        if (taken.some(([from, to]) => left < to + 8 && left + width > from - 8))
            continue;
        taken.push([left, left + width]);
        context.fillText(text, left, STRIP_TOP.bottom + 5);
    }
}

export function isSelected(selected: Focus | null, area: Area, directory: number): boolean {
    return selected?.kind === 'range' && selected.directory === directory && selected.start === area.start;
}
