/* The page directories side by side: at the top the kernel's entries, once, with a line to each directory that has them; under it a
   column for each space with its own entries. Entries that are not present are one row, as far as they are adjacent. */

import { FRAME, PDE_SHIFT, PS, hex, type Picture, type Space } from '../reader/picture.js';
import { keyAddress, keyDirectory, type Changes } from '../reader/changes.js';
import { element, setText } from './dom.js';
import { Glow, GLOW_MS } from './glow.js';
import { KernelEntries } from './kernel_entries.js';
import type { Focus, Light, RangeFocus } from './links.js';
import { differingEntries, ENTRIES, entryRuns, presentIn, type EntryRun } from './mappings.js';
import type { Palette } from './palette.js';

export interface DirectoryEvents {
    hover(focus: Focus | null): void;
    select(focus: Focus): void;
    redraw(): void;
}

function entryRange(index: number, directory: number): RangeFocus {
    const start = index * (1 << PDE_SHIFT);
    return { kind: 'range', start, last: start + (1 << PDE_SHIFT) - 1, directory };
}

/* A row of a column: its element, and the entries it stands for. */
interface Row {
    item: HTMLElement;
    value: HTMLElement;  // where its table is
    pages: HTMLElement;  // how many pages the table maps
    run: EntryRun;
}

interface Column {
    root: HTMLElement;
    title: HTMLElement;
    shared: HTMLElement;
    list: HTMLElement;
    rows: Row[];
    key: string;
}

export class DirectoriesView {
    private readonly counter = element('output', { class: 'counter' });
    private readonly counterLine = element('p', { class: 'view-note' },
        'kernel page-directory entries changed since boot: ', this.counter);
    private readonly kernel: KernelEntries;
    private readonly columnsBox = element('div', { class: 'directory-columns' });
    private readonly columns = new Map<number, Column>();
    private readonly glow = new Glow();
    private lit: Light | null = null;

    constructor(host: HTMLElement, palette: Palette, private readonly events: DirectoryEvents) {
        this.kernel = new KernelEntries(palette, {
            hover: index => events.hover(index === null ? null : entryRange(index, 0)),
            select: index => events.select(entryRange(index, 0)),
            redraw: () => events.redraw(),
        });
        host.classList.add('view', 'directories');
        host.append(this.counterLine, element('div', { class: 'directory-scroll' }, this.kernel.root, this.columnsBox));
    }

    show(picture: Picture, changes: Changes, now: number): void {
        this.glow.add(changes.entries, now);
        setText(this.counter, String(picture.changedPdes));
        this.counterLine.classList.toggle('wrong', picture.changedPdes > 0);
        this.kernel.show(picture, changes.entries.filter(key => keyDirectory(key) === 0).map(key => keyAddress(key) >>> PDE_SHIFT), now);
        this.showColumns(picture);
        this.mark(changes.entries);
    }

    light(light: Light): void {
        this.lit = light;
        this.kernel.light(light.places.filter(place => !place.space));
        this.lightRows();
    }

    /* The selection is an entry if it is all addresses of one. */
    select(focus: Focus | null): void {
        const kernel = focus?.kind === 'range' && focus.directory === 0 && focus.last - focus.start + 1 === 1 << PDE_SHIFT;

        this.kernel.select(kernel ? focus.start >>> PDE_SHIFT : null);
    }

    draw(now: number): boolean {
        return this.kernel.draw(now);
    }

    redraw(): void {
        this.kernel.redraw();
    }

    /* ---- columns ---- */

    private showColumns(picture: Picture): void {
        const seen = new Set(picture.spaces.map(space => space.directory));

        for (const [directory, column] of this.columns) {
            if (!seen.has(directory)) {
                column.root.remove();
                this.columns.delete(directory);
            }
        }
        picture.spaces.forEach((space, i) => {
            const column = this.column(space);
            if (this.columnsBox.children[i] !== column.root)
                this.columnsBox.insertBefore(column.root, this.columnsBox.children[i] ?? null);
            this.showColumn(picture, space, column);
        });
    }

    private column(space: Space): Column {
        let column = this.columns.get(space.directory);

        if (!column) {
            column = {
                root: element('section', { class: 'directory' }), title: element('h3'), shared: element('p', { class: 'shared' }),
                list: element('ul'), rows: [], key: '',
            };
            column.root.append(column.shared, element('div', { class: 'directory-body' }, column.title,
                element('p', { class: 'address' }, `at ${hex(space.directory)}`), column.list));
            this.columns.set(space.directory, column);
        }
        return column;
    }

    private showColumn(picture: Picture, space: Space, column: Column): void {
        const first = picture.pageOffset >>> PDE_SHIFT, all = ENTRIES - first;
        const same = all - differingEntries(picture, space).length;
        const runs = entryRuns(space.entries, first);
        const key = runs.map(run => `${run.first}${run.present ? '+' : '-'}`).join();

        setText(column.title, space.name);
        setText(column.shared, `${same} of ${all} equal`);
        column.root.classList.toggle('running', space.running);
        column.root.classList.toggle('wrong', same !== all);
        column.root.setAttribute('aria-label', `directory of ${space.name}${space.running ? ', in CR3' : ''}`);
        if (key !== column.key) {
            column.rows = runs.map(run => this.row(run, space.directory));
            column.list.replaceChildren(...column.rows.map(row => row.item));
            column.key = key;
            this.lightRows();
        }
        for (const row of column.rows)
            this.showRow(space, row);
    }

    private row(run: EntryRun, directory: number): Row {
        const span = (name: string, text = '') => element('span', { class: name }, text);
        const value = span('detail'), pages = span('pages');

        if (!run.present) {
            const name = run.first === run.last ? `${run.first}` : `${run.last}..${run.first}`;
            return { item: element('li', { class: 'empty' }, span('index', name), 'not present'), value, pages, run };
        }
        const range = entryRange(run.first, directory);
        const button = element('button', { type: 'button', title: `addresses from ${hex(range.start)} on` },
            span('index', String(run.first)), span('start', hex(range.start)), value, pages);
        button.addEventListener('click', () => this.events.select(range));
        for (const name of ['pointerenter', 'focus'])
            button.addEventListener(name, () => this.events.hover(range));
        for (const name of ['pointerleave', 'blur'])
            button.addEventListener(name, () => this.events.hover(null));
        return { item: element('li', {}, button), value, pages, run };
    }

    private showRow(space: Space, row: Row): void {
        const pde = space.entries[row.run.first], pages = presentIn(space.tables.get(row.run.first));

        if (!row.run.present)
            return;
        setText(row.value, `→ ${hex(pde & FRAME)}`);
        setText(row.pages, pde & PS ? 'large page' : `${pages} ${pages === 1 ? 'page' : 'pages'}`);
    }

    /* ---- marks ---- */

    /* Rows whose entry has changed glow; CSS lets the glow fade. */
    private mark(keys: number[]): void {
        for (const key of keys) {
            const column = this.columns.get(keyDirectory(key)), index = keyAddress(key) >>> PDE_SHIFT;
            const row = column?.rows.find(row => row.run.first <= index && index <= row.run.last);
            row?.item.animate([{ backgroundColor: 'var(--view-glow)' }, { backgroundColor: 'transparent' }], GLOW_MS);
        }
    }

    private lightRows(): void {
        for (const [directory, column] of this.columns) {
            const places = this.lit?.places.filter(place => place.space?.directory === directory) ?? [];
            for (const row of column.rows) {
                const lit = row.run.present && places.some(place =>
                    place.address >>> PDE_SHIFT <= row.run.first && row.run.first <= place.last >>> PDE_SHIFT);
                row.item.classList.toggle('lit', lit);
            }
        }
    }
}
