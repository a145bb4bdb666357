/* The machine without a page: what web/src/machine.ts offers, on the state that the page starts with. Run by tests/run/web/test_web.py,
   under Node.

       node machine.mjs FOLDER

   FOLDER is that of `make web`. Prints TAP. */
import { Machine } from '../src/machine.js';
import { command } from '../src/prompt.js';
import { emulator, read, saved } from './lib/files.js';
import { point, run } from './lib/tap.js';

const PG = 0x80000000;

run(async () => {
    const machine = await saved(process.argv[2], 'attic');
    point(!machine.isRunning, 'a new machine does not run yet', '');
    await machine.run();
    const hello = await command(machine, 'run hello');
    point(/hello from ring 3/.test(hello), 'a program runs', hello);

    await machine.pause();
    point(!machine.isRunning, 'pause() stops it', '');
    const registers = machine.registers(), shown = JSON.stringify(registers);
    point((registers.cr0 & PG) !== 0 && registers.cr3 !== 0 && registers.cr3 % 4096 === 0, 'registers(): paging is on', shown);
    point(registers.cpl === 0 && registers.eip >= 0xc0000000, 'at the prompt the kernel waits', shown);
    const memory = machine.memory();
    point(memory.length === 32 << 20, 'memory() is all of it', `${memory.length}`);
    const high = new DataView(memory.buffer, memory.byteOffset + registers.cr3, 4096).getUint32(4 * 768, true);
    point((high & 1) === 1, 'and CR3 leads to a directory that maps 0xc0000000', high.toString(16));

    const state = await machine.save();
    await machine.run();
    const later = await command(machine, 'run hello');
    await machine.load(state);
    await machine.run();
    const again = await command(machine, 'run hello');
    point(again === later, 'after load() the same happens again', `${later}\n${again}`);
    await machine.load(new ArrayBuffer(4096)).then(() => point(false, 'a damaged state is refused', 'it was loaded'),
                                                   () => point(true, 'a damaged state is refused', ''));
    const small = await Machine.create({ ...emulator(process.argv[2]), iso: read(process.argv[2], 'attic.iso'), memory: 16 });
    const greeting = new Promise<void>(greeted => small.onSerial(text => /Attic/.test(text) && greeted()));
    await small.run();
    await greeting;
    await small.pause();
    const smaller = await small.save();
    await small.destroy();
    const refusal = await machine.load(smaller).then(() => '', error => error.message);
    point(refusal === 'it has 16 MiB of memory, this machine 32', 'and that of a smaller machine', refusal);
    await machine.destroy();
});
