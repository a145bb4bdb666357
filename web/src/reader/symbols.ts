/* Names for the kernel's addresses: functions and global variables, as kernel/symbols.c prints them. */
import { hex } from './picture.js';

export class Symbols {
    constructor(private symbols: [start: number, end: number, name: string][]) { }

    find(address: number): [start: number, end: number, name: string] | null {
        let low = 0, high = this.symbols.length;
        while (low < high) {
            const middle = (low + high) >> 1;
            if (this.symbols[middle][0] <= address)
                low = middle + 1;
            else
                high = middle;
        }
        const found = this.symbols[low - 1];
        return found && address < found[1] ? found : null;
    }

    /* The address of a function or variable; null if there is none of that name. */
    address(name: string): number | null {
        return this.symbols.find(symbol => symbol[2] === name)?.[0] ?? null;
    }

    /* name+0x12/0x34, or the number. */
    text(address: number): string {
        const found = this.find(address);
        if (!found)
            return hex(address);
        return `${found[2]}+0x${(address - found[0]).toString(16)}/0x${(found[1] - found[0]).toString(16)}`;
    }
}
