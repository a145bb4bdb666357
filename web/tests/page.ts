/* The page in a browser without a window: its prompt, an answer, and a visit without a network. Run by tests/run/web/test_web.py, under
   Node.

       node page.mjs CHROMIUM FOLDER

   FOLDER is served as `make web-run` does it. Prints TAP. */
import { spawn, type ChildProcess } from 'node:child_process';
import { launch, type Page } from 'puppeteer-core';
import { point, run } from './lib/tap.js';

const PROMPT = /^attic>$/m;
const HELP = /^help .*\n[^]*^attic>$/m;
const PROMPT_SECONDS = 3;
const LONG = 120_000;

/* How many times longer a program that only computes takes here than on an idle machine. */
function slowness(): number {
    const start = performance.now(), before = process.cpuUsage();
    let used = 0;
    while (used < 200_000) {
        const { user, system } = process.cpuUsage(before);
        used = user + system;
    }
    return Math.max(1, (performance.now() - start) * 1000 / used);
}

function serve(folder: string): Promise<{ server: ChildProcess; address: string }> {
    return new Promise((started, failed) => {
        const server = spawn('/usr/bin/python3', ['-u', '-m', 'http.server', '--bind', '127.0.0.1', '--directory', folder, '0'],
                             { stdio: ['ignore', 'pipe', 'ignore'] });
        server.stdout.on('data', data => {
            const found = /http:\S+\//.exec(String(data));
            if (found)
                started({ server, address: found[0] });
        });
        server.on('exit', () => failed(new Error('the server does not start')));
    });
}

/* What the page says about itself, and what its terminal shows, without the blanks at the ends of lines. */
function seen(page: Page): Promise<{ status: string; terminal: string }> {
    return page.evaluate(() => ({
        status: document.querySelector('#status')?.textContent ?? '',
        terminal: [...document.querySelectorAll('.xterm-rows > div')]
            .map(row => (row.textContent ?? '').replaceAll('\u00a0', ' ').trimEnd()).join('\n').trimEnd(),
    }));
}

/* A point: the machine runs, and the terminal shows this. */
async function shows(page: Page, pattern: RegExp, name: string): Promise<void> {
    const end = performance.now() + LONG;
    let now = await seen(page);
    while ((now.status || !pattern.test(now.terminal)) && performance.now() < end) {
        await new Promise(later => setTimeout(later, 50));
        now = await seen(page);
    }
    point(!now.status && pattern.test(now.terminal), name, `${now.status}\n${now.terminal}`);
}

/* The errors that the browser reports, and the requests that leave the folder, while the page lives. */
function watch(page: Page, address: string): { errors: string[]; outside: string[] } {
    const errors: string[] = [], outside: string[] = [];
    page.on('pageerror', error => errors.push(String(error)));
    page.on('console', message => {
        if (message.type() === 'error')
            errors.push(message.text());
    });
    page.on('request', request => {
        if (!/^(?:blob|data):/.test(request.url()) && !request.url().startsWith(address))
            outside.push(request.url());
    });
    return { errors, outside };
}

async function firstVisit(page: Page, address: string): Promise<void> {
    const before = slowness(), start = performance.now();
    await page.goto(address, { timeout: LONG });
    await shows(page, PROMPT, 'the page reaches the prompt');
    const seconds = (performance.now() - start) / 1000, idle = seconds / ((before + slowness()) / 2);
    console.log(`# ${seconds.toFixed(1)} s to the prompt, about ${idle.toFixed(1)} s on an idle machine`);
    point(idle < PROMPT_SECONDS, `within ${PROMPT_SECONDS} s, on an idle machine`, `${seconds} s, on an idle machine about ${idle} s`);
    await page.type('#terminal textarea', 'help help\r');
    await shows(page, HELP, 'help answers');
}

/* The page is closed in the end: a browser draws only the one in front. */
async function visitWithoutWebAssembly(page: Page, address: string): Promise<void> {
    await page.evaluateOnNewDocument('delete globalThis.WebAssembly');
    await page.goto(address, { timeout: LONG });
    const { status } = await seen(page);
    point(/needs WebAssembly/.test(status), 'a browser without WebAssembly is told so', status);
    await page.close();
}

async function visits(chromium: string, folder: string): Promise<void> {
    const { server, address } = await serve(folder);
    const root = process.getuid?.() === 0;  // Chromium's sandbox is not for root
    const browser = await launch({ executablePath: chromium, args: root ? ['--no-sandbox'] : [], timeout: LONG, protocolTimeout: LONG });
    try {
        const page = await browser.newPage();
        await page.setViewport({ width: 1280, height: 800 });
        const { errors, outside } = watch(page, address);
        await firstVisit(page, address);
        point(errors.length === 0, 'the browser reports no error', errors.join('\n'));
        await visitWithoutWebAssembly(await browser.newPage(), address);
        await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
        server.kill();
        await page.bringToFront();
        await page.reload({ timeout: LONG });
        await shows(page, PROMPT, 'a reload without the server reaches the prompt');
        await page.type('#terminal textarea', 'help help\r');
        await shows(page, HELP, 'and help answers there');
        point(outside.length === 0, 'no request leaves the folder', outside.join('\n'));
    } finally {
        server.kill();
        await browser.close();
    }
}

const [chromium, folder] = process.argv.slice(2);
run(() => visits(chromium, folder));
