/* The page in a browser without a window: its prompt, an answer, and a visit without a network. Run by tests/run/web/test_web.py, under
   Node.

       node page.mjs CHROMIUM FOLDER

   FOLDER is served as `make web-run` does it. Prints TAP. */
import type { Browser, Page } from 'puppeteer-core';
import { inBrowser, LONG, PROMPT, seen, shows, watch } from './lib/browser.js';
import { point, run } from './lib/tap.js';

const HELP = /^help .*\n[^]*^attic>$/m;
const PROMPT_SECONDS = 3;

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

/* Returns the seconds to the prompt, as they would be on an idle machine. */
async function visit(page: Page, address: string): Promise<number> {
    const before = slowness(), start = performance.now();
    await page.goto(address, { timeout: LONG });
    await shows(page, PROMPT, 'the page reaches the prompt');
    const seconds = (performance.now() - start) / 1000, idle = seconds / ((before + slowness()) / 2);
    console.log(`# ${seconds.toFixed(1)} s to the prompt, about ${idle.toFixed(1)} s on an idle machine`);
    return idle;
}

/* The first time the browser itself may have to be read from the disk: the better of two first visits counts. */
async function firstVisits(browser: Browser, page: Page, address: string): Promise<void> {
    const other = await browser.createBrowserContext();
    const first = await visit(await other.newPage(), address);
    await other.close();
    const seconds = Math.min(first, await visit(page, address));
    point(seconds < PROMPT_SECONDS, `within ${PROMPT_SECONDS} s, on an idle machine`, `about ${seconds} s`);
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

run(() => inBrowser(process.argv[2], process.argv[3], async ({ browser, page, address, server }) => {
    const { errors, outside } = watch(page, address);
    await page.bringToFront();
    await firstVisits(browser, page, address);
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
}));
