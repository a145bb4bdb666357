/* The terminal on the serial line of the machine: xterm, as wide and high as its element. */
import { FitAddon } from '@xterm/addon-fit';
import { Terminal, type ITheme } from '@xterm/xterm';
import type { Machine } from './machine.js';

const DARK: ITheme = { background: '#0d1117', foreground: '#e6edf3', cursor: '#e6edf3', selectionBackground: '#264f78' };
const LIGHT: ITheme = {
    background: '#ffffff', foreground: '#1f2328', cursor: '#1f2328', selectionBackground: '#b6d7ff',
    // xterm's own colours are for dark pages.
    black: '#24292f', red: '#cf222e', green: '#116329', yellow: '#8f5d00',
    blue: '#0550ae', magenta: '#8250df', cyan: '#1b7c83', white: '#57606a',
    brightBlack: '#8c959f', brightRed: '#a40e26', brightGreen: '#1a7f37', brightYellow: '#633c01',
    brightBlue: '#0969da', brightMagenta: '#6639ba', brightCyan: '#3192aa', brightWhite: '#24292f',
};

/* The kernel's lines have up to 80 characters: the letters are as large as leaves room for so many. */
const COLUMNS = 83;          // with the padding and the scrollbar
const LETTER = 0.61;         // width of a letter, of its height
const SMALLEST = 10, LARGEST = 15;

/* Returns the terminal, which shows what the machine prints. */
export function openTerminal(element: HTMLElement, machine: Machine): Terminal {
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const terminal = new Terminal({ theme: dark.matches ? DARK : LIGHT, screenReaderMode: true, minimumContrastRatio: 4.5 });
    const fit = new FitAddon();
    terminal.loadAddon(fit);
    terminal.open(element);
    terminal.onData(text => machine.send(text));
    let leaving = false;
    // The terminal takes the tab key itself, except after Escape.
    terminal.attachCustomKeyEventHandler(event => {
        const leave = leaving && event.key === 'Tab';
        if (event.type === 'keydown')
            leaving = event.key === 'Escape' || leaving && event.key === 'Shift';
        return !leave;
    });
    machine.onSerial(text => terminal.write(text));
    dark.addEventListener('change', () => { terminal.options.theme = dark.matches ? DARK : LIGHT; });
    new ResizeObserver(() => {
        const size = Math.floor(element.clientWidth / COLUMNS / LETTER);
        terminal.options.fontSize = Math.min(Math.max(size, SMALLEST), LARGEST);
        fit.fit();
    }).observe(element);
    return terminal;
}
