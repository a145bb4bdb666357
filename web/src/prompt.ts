/* Commands that the page types at the monitor's prompt. */
import type { Machine } from './machine.js';

export const PROMPT = 'attic> ';
const SILENCE_MS = 20_000;

/* Type a line and wait until the prompt is back. Returns what was printed between, without carriage returns. */
export function command(machine: Machine, line: string): Promise<string> {
    return new Promise((resolve, reject) => {
        let printed = '';
        const fail = () => finish(() => reject(new Error(`no answer to “${line}” in ${SILENCE_MS / 1000} seconds`)));
        let timer = setTimeout(fail, SILENCE_MS);
        const finish = (how: () => void) => {
            clearTimeout(timer);
            stop();
            how();
        };
        const stop = machine.onSerial(text => {
            printed += text;
            clearTimeout(timer);
            timer = setTimeout(fail, SILENCE_MS);
            const lines = printed.replaceAll('\r', '').split('\n');
            if (lines.length > 1 && lines[lines.length - 1] === PROMPT)
                finish(() => resolve(lines.slice(1, -1).join('\n')));
        });
        machine.send(`${line}\n`);
    });
}
