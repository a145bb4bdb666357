/* Draws the lens of the map: a cell for each page, in the colour of the owner of its frame, the guard pages, and the areas with what they
   are for. */

import { PAGE_SIZE, hex, type Area, type Picture, type Space } from '../reader/picture.js';
import { hasGuard } from './links.js';
import { isSelected, MONO, SANS, type MapFrame } from './map_strip.js';
import { frameAt, NO_FRAME } from './mappings.js';
import type { Lens } from './scale.js';

export const CELLS = 40;
const BRACKETS = 12, LINE = 15, LINES = 6;
export const LENS_HEIGHT = CELLS + BRACKETS + LINES * LINE + 16;

export function drawLens(frame: MapFrame, lens: Lens, space: Space | null): void {
    const areas = areasIn(frame.picture, lens, space);

    drawPages(frame, lens, space);
    for (const area of areas)
        drawGuard(frame, lens, area);
    drawLit(frame, lens, space);
    drawAreas(frame, lens, areas, space);
    drawPlace(frame, lens, space);
}

function areasIn(picture: Picture, lens: Lens, space: Space | null): Area[] {
    return [...space?.areas ?? [], ...picture.areas].filter(area => area.start < lens.end && area.last >= lens.first);
}

/* Pages with the same colour side by side are one rectangle, then lines separate the pages. */
function drawPages({ context, palette, picture }: MapFrame, lens: Lens, space: Space | null): void {
    const width = lens.pageWidth, right = lens.toX(lens.end);

    context.fillStyle = palette.colour('free');
    context.fillRect(0, 0, right, CELLS);
    for (let address = lens.first; address < lens.end; address += PAGE_SIZE) {
        const frame = frameAt(picture, address, address < picture.pageOffset ? space : null);
        if (frame === NO_FRAME)
            continue;
        const owner = picture.frames.owners[picture.frames.owner[frame]];
        context.fillStyle = owner ? palette.look(owner).colour : palette.colour('device');
        context.fillRect(lens.toX(address), 0, width, CELLS);
    }
    context.fillStyle = palette.colour('ground');
    for (let x = width; width > 2 && x < right; x += width)
        context.fillRect(x - 0.5, 0, 1, CELLS);
}

/* The page behind an area: a cross, because it is never mapped. */
function drawGuard({ context, palette }: MapFrame, lens: Lens, area: Area): void {
    const left = lens.toX(area.last + 1), right = left + lens.pageWidth;

    if (!hasGuard(area))
        return;
    context.strokeStyle = palette.colour('guard');
    context.lineWidth = 1.5;
    context.beginPath();
    for (let y = 0; y < CELLS; y += lens.pageWidth) {
        const bottom = Math.min(y + lens.pageWidth, CELLS);
        context.moveTo(left + 1, y);
        context.lineTo(right - 1, bottom);
        context.moveTo(right - 1, y);
        context.lineTo(left + 1, bottom);
    }
    context.stroke();
}

function drawLit({ context, palette, light }: MapFrame, lens: Lens, space: Space | null): void {
    context.strokeStyle = palette.colour('select');
    context.lineWidth = 2;
    for (const place of light?.places ?? []) {
        if (place.address >= lens.end || place.last < lens.first || place.space && place.space.directory !== space?.directory)
            continue;
        const left = Math.max(lens.toX(place.address), 0);
        context.strokeRect(left, 1, lens.toX(place.last + 1) - left, CELLS - 2);
    }
}

/* What an area is for, in short: the last part of its text; an offset in a function's name is no help here. */
function label(area: Area): string {
    const part = area.text.split(', ').pop()!;

    return part.replace(/\+0x[0-9a-f]+(\/0x[0-9a-f]+)?/g, '');
}

/* A bracket under each area, and its label in the first line where it has room. From right to left: a label must end before the lines
   that lead from brackets down to the labels of areas to its right. */
function drawAreas(frame: MapFrame, lens: Lens, areas: Area[], space: Space | null): void {
    const { context, palette, picture, selected } = frame;
    const width = lens.toX(lens.end), starts = new Array<number>(LINES).fill(Infinity);

    context.font = SANS;
    context.textBaseline = 'top';
    for (const area of [...areas].reverse()) {
        const left = Math.max(lens.toX(area.start), 0), right = Math.min(lens.toX(area.last + 1), width);
        const mine = isSelected(selected, area, area.start < picture.pageOffset && space ? space.directory : 0);
        context.fillStyle = context.strokeStyle = palette.colour(mine ? 'accent' : 'muted');
        drawBracket(context, left + 0.5, right - 0.5, mine ? 2 : 1);
        const text = label(area), end = left + context.measureText(text).width;
        const line = starts.findIndex(start => end + 10 <= start);
        if (line < 0 || end > width && right < width)
            continue;
        starts.fill(left, 0, line + 1);
        drawLeader(context, left + 0.5, line);
        context.fillStyle = palette.colour(mine ? 'accent' : 'text');
        context.fillText(text, left + 3, CELLS + BRACKETS + line * LINE);
    }
}

function drawLeader(context: CanvasRenderingContext2D, x: number, line: number): void {
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(x, CELLS + 7);
    context.lineTo(x, CELLS + BRACKETS + line * LINE + 12);
    context.stroke();
}

function drawBracket(context: CanvasRenderingContext2D, left: number, right: number, width: number): void {
    context.lineWidth = width;
    context.beginPath();
    context.moveTo(left, CELLS + 2);
    context.lineTo(left, CELLS + 7);
    context.lineTo(Math.max(right, left + 1), CELLS + 7);
    context.lineTo(Math.max(right, left + 1), CELLS + 2);
    context.stroke();
}

/* The line under the lens: the addresses at its ends, and between them the regions it shows. */
function drawPlace({ context, palette, picture }: MapFrame, lens: Lens, space: Space | null): void {
    const top = LENS_HEIGHT - 14, width = lens.toX(lens.end), last = lens.end - 1;
    const region = picture.regions.find(region => region.first <= lens.first && lens.first <= region.last);
    const user = lens.first < picture.pageOffset && space ? ` of ${space.name}` : '';

    context.font = MONO;
    context.fillStyle = palette.colour('muted');
    context.fillText(hex(lens.first), 0, top);
    context.textAlign = 'right';
    context.fillText(hex(last), width, top);
    context.textAlign = 'center';
    context.font = SANS;
    context.fillText(`${region ? region.name : ''}${user}; each cell is a page of 4 KiB`, width / 2, top);
    context.textAlign = 'left';
}
