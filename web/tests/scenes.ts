/* What a visitor does with the page: each scene to its end, the past, an address typed, both themes. Run by tests/run/web/test_web.py,
   under Node.

       node scenes.mjs CHROMIUM FOLDER PICTURES

   FOLDER is served as `make web-run` does it; the pictures of the page are left in PICTURES. Prints TAP. */
import type { Page } from 'puppeteer-core';
import { inBrowser, LONG, MOST_STEPS, play, PROMPT, seen, shows, text, watch } from './lib/browser.js';
import { point, run } from './lib/tap.js';

const WALK = '.walk-box pre', COUNTER = '.counter', SLIDER = '.timeline input';

async function everyScene(page: Page): Promise<void> {
    const ids = await page.$$eval('[data-scene]', buttons => buttons.map(button => (button as HTMLElement).dataset.scene ?? ''));
    point(ids.length >= 11, 'there are scenes', ids.join());
    for (const id of ids) {
        const steps = await play(page, id), { status, terminal } = await seen(page);
        point(!status && steps < MOST_STEPS, `the scene ${id} runs to its end`, `${steps} steps; ${status}\n${terminal}`);
        const counter = await text(page, COUNTER);
        point(counter === '0', `${id}: no entry of the kernel half has changed`, counter);
    }
}

/* The frame of a vmalloc area: there, not yet there in the past, and there again. */
async function past(page: Page): Promise<void> {
    await play(page, 'vmalloc', 1);
    const now = await text(page, WALK);
    point(/^walk +ends at[^]*^frame +0x\w+ vmalloc;/m.test(now), 'an area of vmalloc has frames of vmalloc', now);
    await page.waitForFunction(slider => Number(document.querySelector<HTMLInputElement>(slider)?.max) > 0, { timeout: LONG }, SLIDER);
    await page.$eval(SLIDER, slider => {
        (slider as HTMLInputElement).value = '0';
        slider.dispatchEvent(new Event('input'));
    });
    const before = await text(page, WALK);
    point(/^walk +stops at PTE/m.test(before), 'before it was made, the walk stopped at its entry', before);
    await page.$$eval('.timeline button', buttons =>
        (buttons as HTMLButtonElement[]).find(button => button.textContent === 'live')?.click());
    const again = await text(page, WALK);
    point(again === now, 'and `live` comes back', again);
}

/* The machine answers what the walk box says. */
async function typed(page: Page): Promise<void> {
    await page.$eval('.walk-box input', input => { (input as HTMLInputElement).value = 'sysenter_entry'; });
    await page.$eval('.walk-box form', form => (form as HTMLFormElement).requestSubmit());
    const walk = (await text(page, WALK)).split('\n')[0];
    point(/^address +0x\w+ sysenter_entry/.test(walk), 'a name of the kernel can be typed', walk);
    await page.$eval('.walk-box input', input => { (input as HTMLInputElement).value = 'no_such_name'; });
    await page.$eval('.walk-box form', form => (form as HTMLFormElement).requestSubmit());
    const said = await text(page, WALK);
    point(/^Not an address/.test(said), 'what is none gets a sentence', said);
}

/* Nothing is wider than the window, and all views are there. */
async function pictures(page: Page, folder: string): Promise<void> {
    await play(page, 'cow');
    for (const theme of ['light', 'dark']) {
        await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: theme }]);
        for (const width of [900, 1280, 1920]) {
            await page.setViewport({ width, height: Math.round(width * 0.7) });
            await new Promise(drawn => setTimeout(drawn, 500));
            await page.screenshot({ path: `${folder}/${theme}-${width}.png` });
            const wide = await page.evaluate(() => [...document.querySelectorAll('body, main, main > section')]
                .filter(element => element.scrollWidth > element.clientWidth + 1).map(element => element.id || element.tagName));
            point(wide.length === 0, `${theme}, ${width} pixels: nothing is cut off at the right`, wide.join());
        }
    }
}

run(() => inBrowser(process.argv[2], process.argv[3], async ({ page, address }) => {
    const { errors } = watch(page, address);
    await page.goto(address, { timeout: LONG });
    await shows(page, PROMPT, 'the page reaches the prompt');
    await everyScene(page);
    await past(page);
    await typed(page);
    await pictures(page, process.argv[4]);
    point(errors.length === 0, 'the browser reports no error', errors.join('\n'));
}));
