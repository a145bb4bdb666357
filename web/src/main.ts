/* Starts the page: loads its files, continues the machine that was saved at the prompt, and connects the terminal to it. */
import { bytes, text } from './files.js';
import { Machine } from './machine.js';
import { openTerminal } from './terminal.js';

const STATE = 'attic';

function element(id: string): HTMLElement {
    const found = document.getElementById(id);
    if (!found)
        throw new Error(`the page has no element ${id}`);
    return found;
}

function say(sentence: string): void {
    element('status').textContent = sentence;
}

async function start(): Promise<void> {
    const [wasm, bios, vgaBios, state, before] = await Promise.all([
        bytes('v86.wasm'), bytes('bios.bin'), bytes('vgabios.bin'), bytes(`${STATE}.state.zst`), text(`${STATE}.txt`),
    ]);
    const machine = await Machine.create({ wasm, bios, vgaBios, state });
    openTerminal(element('terminal'), machine, before).focus();
    await machine.run();
    say('');
}

/* The page works without a network from its second visit on, where the browser allows that: by https, or on this computer. */
async function keepForOffline(): Promise<void> {
    await navigator.serviceWorker?.register('offline.js');
}

/* The emulator runs by itself, not in a function that is called here: when it fails, the browser reports that to the window. */
window.addEventListener('error', event => say(`The emulator has stopped: ${event.message}. Reload the page to start again.`));

if (typeof WebAssembly === 'undefined')
    say('This page needs WebAssembly, which this browser does not have, or does not allow.');
else
    start().then(keepForOffline).catch(error => say(`Attic cannot start: ${error instanceof Error ? error.message : error}`));
