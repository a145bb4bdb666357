/* Commands that the page types at the monitor's prompt. */
import type { Machine } from './machine.js';

export const PROMPT = 'attic> ';
const ERASE_LINE = '\x15';  // Ctrl-U: the user may have typed something

/* Type a line and wait until the prompt is back. Returns what was printed between, without carriage returns. Fails when the machine is
   silent for so many seconds. */
export function command(machine: Machine, line: string, silence = 20): Promise<string> {
    return new Promise((resolve, reject) => {
        let printed = '';
        const fail = () => finish(() => reject(new Error(`no answer to “${line}” in ${silence} seconds: ${printed}`)));
        let timer = setTimeout(fail, silence * 1000);
        const finish = (how: () => void) => {
            clearTimeout(timer);
            stop();
            how();
        };
        const stop = machine.onSerial(text => {
            printed += text;
            clearTimeout(timer);
            timer = setTimeout(fail, silence * 1000);
            const lines = printed.replaceAll('\r', '').split('\n');
            if (lines.length > 1 && lines[lines.length - 1] === PROMPT)
                finish(() => resolve(lines.slice(1, -1).join('\n')));
        });
        machine.send(`${ERASE_LINE}${line}\n`);
    });
}
