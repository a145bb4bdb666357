/* How frames are laid out as cells: pure arithmetic. A row has a multiple of 32 cells, and a cell has a power of two of frames, so that
   the addresses of rows are readable numbers. */

export interface Grid {
    columns: number;
    rows: number;
    cell: number;   // the side of a cell, in pixels of the device
    group: number;  // frames of a cell
}

const COLUMN_STEP = 32;

function isPowerOfTwo(n: number): boolean {
    return (n & n - 1) === 0;
}

/* The grid with the largest cells for so many cells; of two with equal cells the one whose rows are a power of two. */
function largestCells(cells: number, width: number, height: number, group: number): Grid {
    let best: Grid = { columns: COLUMN_STEP, rows: Math.ceil(cells / COLUMN_STEP), cell: 0, group };

    for (let columns = COLUMN_STEP; columns <= width && columns < cells + COLUMN_STEP; columns += COLUMN_STEP) {
        const rows = Math.ceil(cells / columns);
        const cell = Math.floor(Math.min(width / columns, height / rows));
        if (cell > best.cell || cell === best.cell && isPowerOfTwo(columns) && !isPowerOfTwo(best.columns))
            best = { columns, rows, cell, group };
    }
    return best;
}

/* The grid for `frames` frames in width x height pixels: a cell for each frame, or for a group of as few as leave cells of `least`
   pixels. */
export function fitGrid(frames: number, width: number, height: number, least: number): Grid {
    let group = 1;
    let grid = largestCells(frames, width, height, group);

    while (grid.cell < least && group < frames) {
        group *= 2;
        grid = largestCells(Math.ceil(frames / group), width, height, group);
    }
    return { ...grid, cell: Math.max(grid.cell, 1) };
}

const votes = new Uint16Array(256);  // by owner; all 0 between calls

/* The owner that most frames of the group have, the first of them if two have as many. */
export function groupOwner(owner: Uint8Array, first: number, group: number): number {
    const end = Math.min(first + group, owner.length);
    let best = owner[first];

    if (group === 1)
        return best;
    for (let i = first; i < end; i++)
        votes[owner[i]]++;
    for (let i = first; i < end; i++) {
        if (votes[owner[i]] > votes[best])
            best = owner[i];
    }
    for (let i = first; i < end; i++)
        votes[owner[i]] = 0;
    return best;
}

/* The frame that stands for a cell: the first that has the owner the cell shows. */
export function frameOfCell(owner: Uint8Array, cell: number, group: number): number {
    const first = cell * group;
    const shown = groupOwner(owner, first, group);

    return owner.indexOf(shown, first);
}

/* Calls `run` for cells that are neighbours in a row and have the same key. The cells are in ascending order. */
export function eachRun(cells: readonly number[], columns: number, key: (cell: number) => number,
    run: (first: number, length: number, key: number) => void): void {
    for (let i = 0; i < cells.length;) {
        const first = cells[i], same = key(first), room = columns - first % columns;
        let length = 1;

        while (length < room && cells[i + length] === first + length && key(cells[i + length]) === same)
            length++;
        run(first, length, same);
        i += length;
    }
}
