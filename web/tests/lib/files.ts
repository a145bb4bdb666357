/* The files of the page, and its machine, for programs under Node. */
import { readFileSync } from 'node:fs';
import { Machine, type MachineOptions } from '../../src/machine.js';

export function read(folder: string, name: string): ArrayBuffer {
    return new Uint8Array(readFileSync(`${folder}/${name}`)).buffer;
}

export function json<T>(folder: string, name: string): T {
    return JSON.parse(readFileSync(`${folder}/${name}`, 'utf8'));
}

/* What every machine needs. */
export function emulator(folder: string): MachineOptions {
    return { wasm: read(folder, 'v86.wasm'), bios: read(folder, 'bios.bin'), vgaBios: read(folder, 'vgabios.bin') };
}

/* The machine that was saved at the prompt. It does not run yet. */
export function saved(folder: string, state: string): Promise<Machine> {
    return Machine.create({ ...emulator(folder), state: read(folder, `${state}.state.zst`) });
}

/* The same, running. */
export async function atPrompt(folder: string, state: string): Promise<Machine> {
    const machine = await saved(folder, state);
    await machine.run();
    return machine;
}
