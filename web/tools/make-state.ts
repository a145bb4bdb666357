/* Boot an image to the prompt and save the machine's state, with which the page starts in a second: run by make, under Node.

       node make-state.mjs IMAGE.iso FOLDER OUT

   FOLDER holds v86.wasm, bios.bin and vgabios.bin. Writes OUT.state.zst, compressed by zstd, and OUT.txt, what the machine has printed.
   Another machine has to continue from that state and show the prompt again; otherwise nothing is written. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { Machine } from '../src/machine.js';

const PROMPT = /^attic> $/m;
const SECONDS = 120;
const LAST_LINES = 20;

class Failure extends Error {}

function buffer(data: Uint8Array): ArrayBuffer {
    return new Uint8Array(data).buffer;
}

function read(path: string): ArrayBuffer {
    return buffer(readFileSync(path));
}

/* All that the machine prints from now on, up to the prompt. */
function untilPrompt(machine: Machine, what: string): Promise<string> {
    return new Promise((reached, failed) => {
        let output = '';
        const timer = setTimeout(() => {
            const last = output.trimEnd().split('\n').slice(-LAST_LINES).join('\n');
            failed(new Failure(`${what}: no prompt within ${SECONDS} s; ${last ? `its last lines:\n${last}` : 'it printed nothing'}`));
        }, SECONDS * 1000);
        machine.onSerial(text => {
            output += text.replaceAll('\r', '');
            if (PROMPT.test(output.slice(-20))) {
                clearTimeout(timer);
                reached(output);
            }
        });
    });
}

async function main(iso: string, folder: string, out: string): Promise<void> {
    const files = { wasm: read(`${folder}/v86.wasm`), bios: read(`${folder}/bios.bin`), vgaBios: read(`${folder}/vgabios.bin`) };
    const booted = await Machine.create({ ...files, iso: read(iso) });
    const prompt = untilPrompt(booted, iso);
    await booted.run();
    const output = await prompt;
    await booted.pause();
    const state = execFileSync('zstd', ['-19', '--quiet', '--stdout'], { input: new Uint8Array(await booted.save()), maxBuffer: 1 << 30 });

    const continued = await Machine.create({ ...files, state: buffer(state) });
    const again = untilPrompt(continued, `the state of ${iso}`);
    await continued.run();
    continued.send('\r');
    await again;
    writeFileSync(`${out}.txt`, output);
    writeFileSync(`${out}.state.zst`, state);
}

const args = process.argv.slice(2);
if (args.length !== 3) {
    console.error('usage: make-state IMAGE.iso FOLDER OUT');
    process.exit(2);
}
main(args[0], args[1], args[2]).then(() => process.exit(0), error => {
    console.error(`make-state: ${error instanceof Failure ? error.message : error.stack}`);
    process.exit(1);
});
