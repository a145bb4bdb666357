/* Two kernels side by side: the scene to its end, and what each step shows of the two. Run by tests/run/web/test_web.py, under Node.

       node comparison.mjs CHROMIUM FOLDER PICTURES

   FOLDER is served as `make web-run` does it; pictures of the page are left in PICTURES. Prints TAP. */
import type { Page } from 'puppeteer-core';
import { inBrowser, LONG, NEXT, press, watch } from './lib/browser.js';
import { point, run } from './lib/tap.js';

/* The text of such an element in each of the two columns. */
function both(page: Page, selector: string): Promise<string[]> {
    return page.$$eval(`#kernels > section ${selector}`, elements => elements.map(element => element.textContent ?? ''));
}

/* What both columns show, compared with what they must. */
async function shows(page: Page, selector: string, [left, right]: [RegExp, RegExp], name: string): Promise<void> {
    const texts = await both(page, selector);
    point(texts.length === 2 && left.test(texts[0]) && right.test(texts[1]), name, texts.join('\n----\n'));
}

async function scene(page: Page): Promise<void> {
    const walk = '.walk-box pre', counter = '.counter';
    await press(page, '[data-scene=sharing]');
    await shows(page, counter, [/^0$/, /^0$/], 'a program has started: no entry has changed');
    await press(page, NEXT);
    await shows(page, counter, [/^0$/, /^2$/], 'two new tables: no entry on the left, two on the right');
    await shows(page, walk, [/^walk +ends at/m, /^walk +stops at PDE/m], 'the directory of the program has them on the left only');
    await press(page, NEXT);
    await shows(page, walk, [/^walk +ends at/m, /^walk +ends at/m], 'the kernel has read there: now the program has them on both sides');
    await press(page, NEXT);
    await shows(page, '.xterm-rows', [/256 of 256 entries are the same/, /255 of 256 entries are the same/], 'pgdiff agrees');
    await press(page, NEXT);
    await shows(page, walk, [/^walk +ends at/m, /^walk +ends at/m], 'the directory of a new program has them on both sides');
    await press(page, NEXT);
    await shows(page, '.xterm-rows', [/all invariants hold/, /all invariants hold/], 'the audit accepts both');
    point(await page.$eval(NEXT, button => (button as HTMLButtonElement).hidden), 'the scene is over', '');
}

async function pictures(page: Page, folder: string): Promise<void> {
    for (const width of [900, 1280, 1920]) {
        await page.setViewport({ width, height: Math.round(width * 0.7) });
        await new Promise(drawn => setTimeout(drawn, 500));
        await page.screenshot({ path: `${folder}/comparison-${width}.png`, fullPage: true });
        const wide = await page.evaluate(() => [...document.querySelectorAll('body, main, main > section')]
            .filter(element => element.scrollWidth > element.clientWidth + 1).map(element => element.id || element.tagName));
        point(wide.length === 0, `${width} pixels: nothing is cut off at the right`, wide.join());
    }
}

run(() => inBrowser(process.argv[2], process.argv[3], async ({ page, address }) => {
    const { errors, outside } = watch(page, address);
    await page.goto(address, { timeout: LONG });
    await Promise.all([page.waitForNavigation({ timeout: LONG }), page.click('a[href="comparison.html"]')]);
    await page.waitForFunction(() => document.querySelector('#status')?.textContent === '', { timeout: LONG });
    await scene(page);
    await press(page, '#restart');
    await shows(page, '.counter', [/^0$/, /^0$/], 'Restart starts both again');
    await pictures(page, process.argv[4]);
    point(outside.length === 0, 'no request leaves the folder', outside.join('\n'));
    point(errors.length === 0, 'the browser reports no error', errors.join('\n'));
}));
