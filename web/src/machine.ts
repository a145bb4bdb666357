/* The machine: v86, an emulator of a PC, used as memory, registers and a serial line. There is no screen, keyboard or network. The page and
   the programs of web/tools/ and web/tests/ use the same class.

   A machine boots from the image of a CD, or continues from a state that save() has made, also one compressed with zstd: v86 recognizes
   it. Everything runs in one thread: while a function here runs, the guest does not. */
import { V86 } from 'v86';
import type { Registers } from './reader/picture.js';

export interface MachineOptions {
    wasm: ArrayBuffer;
    bios: ArrayBuffer;
    vgaBios: ArrayBuffer;
    iso?: ArrayBuffer;
    state?: ArrayBuffer;
    memory?: number;   // MiB; 32 by default. A state fits only a machine of the same size.
}

/* What v86 has, but does not declare. */
interface Internals {
    v86: { cpu: { cr: Int32Array; cpl: Uint8Array; memory_size: Int32Array; get_eflags(): number; get_real_eip(): number } };
}

const MIB = 1 << 20;
const SMALLEST_VGA = 2 * MIB;
const DESTROY_MS = 2000;

export class Machine {
    private readonly listeners = new Set<(text: string) => void>();
    private readonly decoder = new TextDecoder();
    private readonly encoder = new TextEncoder();
    private output: number[] = [];

    private constructor(private readonly emulator: V86, private readonly bytes: number) {
        emulator.add_listener('serial0-output-byte', byte => this.received(byte));
    }

    /* A machine that is ready and does not run yet, so that no output is missed. */
    static async create(options: MachineOptions): Promise<Machine> {
        const module = await WebAssembly.compile(options.wasm);
        const bytes = (options.memory ?? 32) * MIB;
        const emulator = new V86({
            wasm_fn: async imports => (await WebAssembly.instantiate(module, imports)).exports,
            bios: { buffer: options.bios },
            vga_bios: { buffer: options.vgaBios },
            ...(options.iso && { cdrom: { buffer: options.iso } }),
            memory_size: bytes,
            vga_memory_size: SMALLEST_VGA,
            disable_keyboard: true,
            disable_mouse: true,
            disable_speaker: true,
        });
        await new Promise<void>(ready => emulator.add_listener('emulator-ready', () => ready()));
        const machine = new Machine(emulator, bytes);
        if (options.state)
            await machine.load(options.state);
        return machine;
    }

    /* Put a CD into the machine and start it from its BIOS. */
    async boot(iso: ArrayBuffer): Promise<void> {
        await this.emulator.set_cdrom({ buffer: iso });
        this.emulator.restart();
        await this.run();
    }

    run(): Promise<void> {
        return this.emulator.run();
    }

    pause(): Promise<void> {
        return this.emulator.stop();
    }

    get isRunning(): boolean {
        return this.emulator.is_running();
    }

    /* The listener gets what the guest writes to its serial line. Returns a function that removes the listener. */
    onSerial(listener: (text: string) => void): () => void {
        this.listeners.add(listener);
        return () => this.listeners.delete(listener);
    }

    /* Type at the serial line. */
    send(text: string): void {
        this.emulator.serial_send_bytes(0, this.encoder.encode(text));
    }

    /* Physical memory itself, not a copy. Ask again each time: when v86 needs more memory for itself, an old array becomes empty. */
    memory(): Uint8Array {
        return this.emulator.read_memory(0, this.bytes);
    }

    private get cpu(): Internals['v86']['cpu'] {
        return (this.emulator as unknown as Internals).v86.cpu;
    }

    registers(): Registers {
        const { cpu } = this;
        const [cr0, , cr2, cr3, cr4] = [0, 1, 2, 3, 4].map(number => cpu.cr[number] >>> 0);
        return { cr0, cr2, cr3, cr4, cpl: cpu.cpl[0], eip: cpu.get_real_eip() >>> 0, eflags: cpu.get_eflags() >>> 0 };
    }

    /* The state of the machine, uncompressed. The CD is ejected first: it would be most of the state, and is read only by GRUB. */
    async save(): Promise<ArrayBuffer> {
        this.emulator.eject_cdrom();
        return this.emulator.save_state();
    }

    /* Continue from a state, with run(). Fails, with an error of v86's, if it is damaged or of another version of v86, and if it is of a
       machine of another size; then no machine is there until another state is loaded. */
    async load(state: ArrayBuffer): Promise<void> {
        await this.pause();          // v86 restores no machine that runs,
        this.emulator.eject_cdrom();  // and none with another CD than the state's: none
        await this.emulator.restore_state(state);
        const bytes = this.cpu.memory_size[0];
        if (bytes !== this.bytes)
            throw new Error(`it has ${bytes / MIB} MiB of memory, this machine ${this.bytes / MIB}`);
    }

    /* End the machine. v86 waits for the end of its main loop, in vain if that has failed. */
    async destroy(): Promise<void> {
        this.listeners.clear();
        let timer: ReturnType<typeof setTimeout> | undefined;
        const limit = new Promise<void>(ended => { timer = setTimeout(ended, DESTROY_MS); });
        await Promise.race([this.emulator.destroy(), limit]);
        clearTimeout(timer);
    }

    /* v86 reports single bytes: listeners get those of one turn of its main loop together. */
    private received(byte: number): void {
        if (this.output.length === 0)
            queueMicrotask(() => this.deliver());
        this.output.push(byte);
    }

    private deliver(): void {
        const text = this.decoder.decode(Uint8Array.from(this.output), { stream: true });
        this.output = [];
        for (const listener of this.listeners)
            listener(text);
    }
}
