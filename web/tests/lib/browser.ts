/* A browser without a window, with the page in it, served as `make web-run` does it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { launch, type Browser, type Page } from 'puppeteer-core';
import { point } from './tap.js';

export const PROMPT = /^attic>$/m;
export const LONG = 120_000;
export const MOST_STEPS = 20;   // of a scene
export const NEXT = '.scene-step button';

export interface Visit {
    browser: Browser;
    page: Page;        // empty
    address: string;   // of the page
    server: ChildProcess;
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

/* Serve the folder, start the browser, and end both after the test. */
export async function inBrowser(chromium: string, folder: string, test: (visit: Visit) => Promise<void>): Promise<void> {
    const { server, address } = await serve(folder);
    const root = process.getuid?.() === 0;  // Chromium's sandbox is not for root
    const browser = await launch({ executablePath: chromium, args: root ? ['--no-sandbox'] : [], timeout: LONG, protocolTimeout: LONG });
    try {
        const page = await browser.newPage();
        await page.setViewport({ width: 1280, height: 800 });
        await test({ browser, page, address, server });
    } finally {
        server.kill();
        await browser.close();
    }
}

/* What the page says about itself, and what its terminal shows, without the blanks at the ends of lines. */
export function seen(page: Page): Promise<{ status: string; terminal: string }> {
    return page.evaluate(() => ({
        status: document.querySelector('#status')?.textContent ?? '',
        terminal: [...document.querySelectorAll('.xterm-rows > div')]
            .map(row => (row.textContent ?? '').replaceAll('\u00a0', ' ').trimEnd()).join('\n').trimEnd(),
    }));
}

/* A point: the machine runs, and the terminal shows this. */
export async function shows(page: Page, pattern: RegExp, name: string): Promise<void> {
    const end = performance.now() + LONG;
    let now = await seen(page);
    while ((now.status || !pattern.test(now.terminal)) && performance.now() < end) {
        await new Promise(later => setTimeout(later, 50));
        now = await seen(page);
    }
    point(!now.status && pattern.test(now.terminal), name, `${now.status}\n${now.terminal}`);
}

/* The text of an element. */
export function text(page: Page, selector: string): Promise<string> {
    return page.$eval(selector, element => element.textContent ?? '');
}

/* Until what a button asked for is done. If it fails, the test ends. */
export async function done(page: Page): Promise<void> {
    await page.waitForFunction(() => !document.body.dataset.busy, { timeout: LONG });
    const { status, terminal } = await seen(page);
    if (status)
        throw new Error(`${status}\n${terminal}`);
}

export async function press(page: Page, selector: string): Promise<void> {
    await page.$eval(selector, button => (button as HTMLButtonElement).click());
    await done(page);
}

/* Returns how many steps it had. */
export async function play(page: Page, id: string, most = MOST_STEPS): Promise<number> {
    await press(page, `[data-scene=${id}]`);
    for (let steps = 1; steps < most; steps++) {
        if (await page.$eval(NEXT, button => (button as HTMLButtonElement).hidden))
            return steps;
        await press(page, NEXT);
    }
    return most;
}

/* The errors that the browser reports, and the requests that leave the folder, while the page lives. */
export function watch(page: Page, address: string): { errors: string[]; outside: string[] } {
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
