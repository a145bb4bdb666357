/* Starts the page: loads its files, and continues the machine that was saved at the prompt. */
import { bytes, json } from './files.js';
import { Machine } from './machine.js';
import { Page, say } from './page.js';
import type { KernelJson } from './reader/kernel_json.js';
import { Reader } from './reader/reader.js';

async function start(): Promise<void> {
    const [wasm, bios, vgaBios, kernel] = await Promise.all([
        bytes('v86.wasm'), bytes('bios.bin'), bytes('vgabios.bin'), json<KernelJson>('kernel.json'),
    ]);
    const machine = await Machine.create({ wasm, bios, vgaBios });
    const page = new Page(machine, new Reader(kernel));
    await page.restart();
    page.terminal.focus();
    say('');
}

/* The page works without a network from its second visit on, where the browser allows that: by https, or on this computer. */
async function keepForOffline(): Promise<void> {
    await navigator.serviceWorker?.register('offline.js').catch(() => undefined);  // the page works without it
}

/* The emulator runs by itself, not in a function that is called here: when it fails, the browser reports that to the window. */
window.addEventListener('error', event => say(`The page has failed: ${event.message}. Reload it to start again.`));

if (typeof WebAssembly === 'undefined')
    say('This page needs WebAssembly, which this browser does not have, or does not allow.');
else {
    say('Loading the machine...');
    start().then(keepForOffline).catch(error => say(`Attic cannot start: ${error instanceof Error ? error.message : error}`));
}
