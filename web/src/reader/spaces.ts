/* An address space: a directory, and the kernel's structure of the process that has it. */
import type { Kernel } from './kernel.js';
import { FRAME, type Registers } from './picture.js';
import type { Value } from './value.js';

export interface AddressSpace {
    directory: number;  // physical
    mm: Value | null;   // null: the master, which no process has
}

/* The space with the directory at a physical address; without one, that of CR3. */
export function spaceAt(kernel: Kernel, registers: Registers, directory = (registers.cr3 & FRAME) >>> 0): AddressSpace {
    return { directory, mm: kernel.mms().find(mm => mm.field('pgd_phys').number === directory) ?? null };
}
