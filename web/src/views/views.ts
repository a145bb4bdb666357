/* All views together: gives each new picture to them, keeps what the pointer is at and what is selected the same in all, and draws, once
   before the next frame of the screen, and again while something glows. */

import { PAGE_SIZE, type Picture, type Space } from '../reader/picture.js';
import { changesBetween } from '../reader/changes.js';
import { DirectoriesView } from './directories.js';
import { DARK, hasGuard, lightOf, placeToWalk, rangeOf, spaceOf, type Focus } from './links.js';
import { MapView } from './map.js';
import { pageOf } from './mappings.js';
import { Palette } from './palette.js';
import { PhysicalView } from './physical.js';
import { Timeline, type Pausable, type Recorded } from './timeline.js';
import { WalkBox, type Explainer } from './walk_box.js';

/* A glow fades in steps: the emulator needs the time more. */
const FADE_STEP_MS = 40;

export interface Hosts {
    physical: HTMLElement;
    map: HTMLElement;
    directories: HTMLElement;
    walk: HTMLElement;
    timeline: HTMLElement;
}

export class Views {
    private readonly palette = new Palette();
    private readonly physical: PhysicalView;
    private readonly map: MapView;
    private readonly directories: DirectoriesView;
    private readonly walk: WalkBox;
    private readonly timeline: Timeline;
    private picture: Picture | null = null;
    private hovered: Focus | null = null;
    private selected: Focus | null = null;
    private waiting = false;   // for the next frame of the screen
    private fresh = false;     // more than a glow has changed since
    private drawn = 0;         // then

    constructor(hosts: Hosts, reader: Explainer, history: Recorded, machine: Pausable) {
        const hover = (focus: Focus | null) => this.hover(focus), select = (focus: Focus) => this.select(focus);
        const redraw = () => this.redraw();

        this.physical = new PhysicalView(hosts.physical, this.palette, {
            hover: frame => hover(frame === null ? null : { kind: 'frame', frame }),
            select: frame => select({ kind: 'frame', frame }),
            redraw,
        });
        this.map = new MapView(hosts.map, this.palette, { hover, select, redraw });
        this.directories = new DirectoriesView(hosts.directories, this.palette, { hover, select, redraw });
        this.walk = new WalkBox(hosts.walk, reader, (address, space) => this.goTo(address, space));
        this.timeline = new Timeline(hosts.timeline, history, machine);
        window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.themeChanged());
        for (const host of Object.values(hosts) as HTMLElement[])
            host.addEventListener('keydown', event => event.key === 'Escape' && this.select(null));
    }

    /* Shows a picture. Its arrays must not change afterwards: the next picture is compared with them. */
    show(picture: Picture): void {
        const now = performance.now(), changes = changesBetween(this.picture, picture);

        if (!this.picture)
            this.begin(picture);
        this.picture = picture;
        for (const view of [this.physical, this.map, this.directories])
            view.show(picture, changes, now);
        this.walk.show(picture);
        this.timeline.show();
        this.relight();
    }

    /* The walk box begins with the lowest area that was made on demand. */
    private begin(picture: Picture): void {
        const area = picture.areas.find(hasGuard);

        if (area)
            this.walk.set(area.start, null);
    }

    /* The history has grown, or the machine was paused or resumed. */
    timeChanged(): void {
        this.timeline.show();
    }

    /* Points at an address, as if the user had entered it. */
    point(address: number, space: Space | null): void {
        const area = this.picture?.areas.find(one => hasGuard(one) && one.start === address);

        this.walk.set(address, space);
        this.goTo(address, space);
        if (area)
            this.mark(rangeOf(area, null));
        this.relight();
    }

    private hover(focus: Focus | null): void {
        this.hovered = focus;
        this.relight();
    }

    private select(focus: Focus | null): void {
        this.mark(focus);
        if (focus)
            this.setAddress(focus);
        this.relight();
    }

    private mark(focus: Focus | null): void {
        this.selected = focus;
        this.physical.select(focus?.kind === 'frame' ? focus.frame : null);
        this.map.select(focus);
        this.directories.select(focus);
    }

    private setAddress(focus: Focus): void {
        const picture = this.picture;

        if (!picture)
            return;
        if (focus.kind === 'range') {
            const space = spaceOf(picture, focus.directory);
            this.walk.set(focus.start, space);
            this.map.lookAt(focus.start, focus.last, space);
            return;
        }
        const place = placeToWalk(picture, lightOf(picture, focus).places);
        if (!place)
            return;
        this.walk.set(place.address, place.space);
        this.map.lookAt(place.address, place.last, place.space);
    }

    /* The user has entered an address: its page is selected. */
    private goTo(address: number, space: Space | null): void {
        const start = pageOf(address), user = this.picture && address < this.picture.pageOffset ? space : null;

        this.mark({ kind: 'range', start, last: start + PAGE_SIZE - 1, directory: user?.directory ?? 0 });
        this.map.lookAt(start, start, user);
        this.relight();
    }

    private relight(): void {
        const light = this.picture ? lightOf(this.picture, this.hovered ?? this.selected) : DARK;

        this.physical.light(light.frames, this.hovered !== null);
        this.map.light(light);
        this.directories.light(light);
        this.redraw();
    }

    private themeChanged(): void {
        this.palette.read();
        this.physical.themeChanged();
        this.map.redraw();
        this.directories.redraw();
    }

    private redraw(): void {
        this.fresh = true;
        this.await();
    }

    private await(): void {
        if (this.waiting)
            return;
        this.waiting = true;
        requestAnimationFrame(() => this.draw());
    }

    private draw(): void {
        const now = performance.now();

        this.waiting = false;
        if (!this.fresh && now - this.drawn < FADE_STEP_MS) {
            this.await();
            return;
        }
        this.fresh = false;
        this.drawn = now;
        const glowing = [this.physical, this.map, this.directories].map(view => view.draw(now));
        if (glowing.includes(true))
            this.await();
    }
}
