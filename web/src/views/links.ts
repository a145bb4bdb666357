/* What the pointer or the keyboard is at, and what lights up for it in the other views. Pure functions. */

import { PAGE_SHIFT, PAGE_SIZE, hex, type Area, type Picture, type Region, type Space } from '../reader/picture.js';
import { addressesOf, framesOf, runsOf, type Place } from './mappings.js';

/* A frame, or a range of addresses; a range of the user half is one of the space with this directory. */
export type RangeFocus = { kind: 'range', start: number, last: number, directory: number };
export type Focus = { kind: 'frame', frame: number } | RangeFocus;

/* What lights up: frames in physical memory, places in the map and in the directories. */
export interface Light {
    frames: readonly number[];
    places: readonly Place[];
}

export const DARK: Light = { frames: [], places: [] };

export function spaceOf(picture: Picture, directory: number): Space | null {
    return picture.spaces.find(space => space.directory === directory) ?? null;
}

/* The space that CR3 has, or the first. */
export function loadedSpace(picture: Picture): Space | null {
    return picture.spaces.find(space => space.running) ?? picture.spaces[0] ?? null;
}

export function rangeOf(area: Area, space: Space | null): Focus {
    return { kind: 'range', start: area.start, last: area.last, directory: space ? space.directory : 0 };
}

export function lightOf(picture: Picture, focus: Focus | null): Light {
    if (!focus)
        return DARK;
    if (focus.kind === 'frame')
        return { frames: [focus.frame], places: addressesOf(picture, focus.frame) };
    const space = spaceOf(picture, focus.directory);
    return { frames: framesOf(picture, focus.start, focus.last, space), places: [{ address: focus.start, last: focus.last, space }] };
}

function count(n: number, word: string): string {
    return n === 1 ? `1 ${word}` : `${n} ${word}s`;
}

function placeText(place: Place): string {
    return place.space ? `${hex(place.address)} of ${place.space.name}` : hex(place.address);
}

/* More than these are counted, not listed: a page that many processes share would fill the line. */
const LISTED = 4;

function placesText(places: Place[]): string {
    const more = places.length - LISTED;

    if (places.length === 0)
        return 'not mapped';
    return 'mapped at ' + places.slice(0, LISTED).map(placeText).join(', ') + (more > 0 ? `, and ${more} more` : '');
}

/* A line about a frame. In a picture where a cell is a group of frames, `group` is their number. */
export function frameText(picture: Picture, frame: number, group = 1): string {
    const owner = picture.frames.owners[picture.frames.owner[frame]];
    const cell = group > 1 ? `, one of ${group} in this cell` : '';

    return `frame ${hex(frame << PAGE_SHIFT)}${cell}: ${owner ? owner.name : 'no RAM'}; ${placesText(addressesOf(picture, frame))}`;
}

export function areaText(picture: Picture, area: Area, space: Space | null): string {
    const frames = framesOf(picture, area.start, area.last, space);
    const pages = Math.ceil((area.last + 1 - area.start) / PAGE_SIZE);
    const owner = space ? `${space.name}: ` : '';
    const what = frames.length === 0 ? `none of ${count(pages, 'page')} mapped`
        : `${count(frames.length, 'frame')} in ${count(runsOf(frames), 'run')}`;

    return `${hex(area.start)}..${hex(area.last)} ${owner}${area.text}; ${what}`;
}

export function regionText(region: Region): string {
    return `${hex(region.first)}..${hex(region.last)} ${region.text}`;
}

/* The address that the walk box shows for a frame: one that was made on demand, if there is one, because that of lowmem is the frame's
   own plus a constant. */
export function placeToWalk(picture: Picture, places: readonly Place[]): Place | null {
    const rows = picture.areas.filter(area => area.kind === 'row');
    const inRow = (place: Place) => rows.some(row => row.start <= place.address && place.address <= row.last);

    return places.find(place => !inRow(place)) ?? places[0] ?? null;
}

/* The area that has the address, its guard page included, or null. */
export function areaAt(areas: readonly Area[], address: number): Area | null {
    return areas.find(area => area.start <= address && address <= area.last + (hasGuard(area) ? PAGE_SIZE : 0)) ?? null;
}

export function hasGuard(area: Area): boolean {
    return area.kind === 'vmalloc' || area.kind === 'vmap' || area.kind === 'ioremap';
}
