/* Starts the page, or the comparison: loads the files that both need, and continues the machines that were saved at the prompt. */
import { openComparison } from './comparison.js';
import { bytes } from './files.js';
import { openPage } from './page.js';
import { say } from './status.js';

async function start(): Promise<void> {
    const [wasm, bios, vgaBios] = await Promise.all([bytes('v86.wasm'), bytes('bios.bin'), bytes('vgabios.bin')]);
    const open = document.getElementById('kernels') ? openComparison : openPage;
    await open({ wasm, bios, vgaBios });
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
