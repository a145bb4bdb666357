/* The strip of all addresses, from 0 at the left to 4 GiB at the right: the user half in a small part of it, the kernel half to scale in
   the rest. And the lens, which shows a few pages of it, each several pixels wide. */

import { PAGE_SIZE } from '../reader/picture.js';
import { pageOf } from './mappings.js';

export const ADDRESSES = 2 ** 32;
const USER_SHARE = 0.14;

export class Scale {
    readonly userWidth: number;

    constructor(readonly pageOffset: number, readonly width: number) {
        this.userWidth = Math.round(width * USER_SHARE);
    }

    toX(address: number): number {
        if (address < this.pageOffset)
            return address / this.pageOffset * this.userWidth;
        return this.userWidth + (address - this.pageOffset) / (ADDRESSES - this.pageOffset) * (this.width - this.userWidth);
    }

    toAddress(x: number): number {
        const inside = Math.min(Math.max(x, 0), this.width);

        if (inside < this.userWidth)
            return Math.floor(inside / this.userWidth * this.pageOffset);
        const part = (inside - this.userWidth) / (this.width - this.userWidth);
        return Math.min(this.pageOffset + Math.floor(part * (ADDRESSES - this.pageOffset)), ADDRESSES - 1);
    }

    /* How many addresses a pixel has, there. */
    perPixel(address: number): number {
        if (address < this.pageOffset)
            return this.pageOffset / this.userWidth;
        return (ADDRESSES - this.pageOffset) / (this.width - this.userWidth);
    }
}

const ZOOMS = [2, 3, 4, 6, 8, 12, 16, 24];  // pixels of a page

export class Lens {
    first = 0;  // the address at its left edge, that of a page
    private zoom = ZOOMS.indexOf(8);

    constructor(private width: number) { }

    get pageWidth(): number {
        return ZOOMS[this.zoom];
    }

    get pages(): number {
        return Math.max(1, Math.floor(this.width / this.pageWidth));
    }

    get end(): number {
        return Math.min(this.first + this.pages * PAGE_SIZE, ADDRESSES);
    }

    toX(address: number): number {
        return (address - this.first) / PAGE_SIZE * this.pageWidth;
    }

    toAddress(x: number): number {
        return Math.min(this.first + Math.floor(x / this.pageWidth) * PAGE_SIZE, ADDRESSES - PAGE_SIZE);
    }

    moveTo(first: number): void {
        const highest = ADDRESSES - this.pages * PAGE_SIZE;
        this.first = pageOf(Math.min(Math.max(first, 0), highest));
    }

    centreOn(address: number): void {
        this.moveTo(address - Math.floor(this.pages / 2) * PAGE_SIZE);
    }

    resize(width: number): void {
        this.width = width;
        this.moveTo(this.first);
    }

    /* The largest zoom that shows so many pages. */
    fit(pages: number): void {
        const fitting = ZOOMS.filter(width => width * pages <= this.width);
        this.zoom = Math.max(fitting.length - 1, 0);
    }

    /* One step of zoom, about the page at its middle. */
    zoomBy(step: number): void {
        const middle = this.first + Math.floor(this.pages / 2) * PAGE_SIZE;
        this.zoom = Math.min(Math.max(this.zoom + step, 0), ZOOMS.length - 1);
        this.centreOn(middle);
    }
}
