/* What the buttons above the terminal do: start, tick, save, load, open an image, and what is typed between. Run by tests/run/web/test_web.py,
   under Node.

       node buttons.mjs CHROMIUM FOLDER FILES

   FOLDER is served as `make web-run` does it; files that are saved and opened lie in FILES. Prints TAP. */
import { existsSync, writeFileSync } from 'node:fs';
import type { Browser, Page } from 'puppeteer-core';
import { inBrowser, LONG, NEXT, play, press, PROMPT, seen, shows, text, watch } from './lib/browser.js';
import { point, run } from './lib/tap.js';

const PAUSE = '.timeline button', SLIDER = '.timeline input';

/* Presses a button that says something. */
async function says(page: Page, selector: string, pattern: RegExp, name: string): Promise<void> {
    await page.$eval(selector, button => (button as HTMLButtonElement).click());
    await saidAtEnd(page, pattern, name);
}

async function saidAtEnd(page: Page, pattern: RegExp, name: string): Promise<void> {
    await page.waitForFunction(() => !document.body.dataset.busy, { timeout: LONG });
    const { status } = await seen(page);
    point(pattern.test(status), name, status);
}

function paused(page: Page): Promise<unknown> {
    return page.waitForFunction(button => document.querySelector(button)?.textContent === 'resume', { timeout: LONG }, PAUSE);
}

/* A start that is broken off, a machine that has ended: another start always works. */
async function starts(page: Page): Promise<void> {
    await press(page, '#restart');
    await says(page, '#boot', /^The machine boots/, 'a machine that boots says so');
    await press(page, '#restart');
    await shows(page, PROMPT, 'a restart breaks it off');
    await page.type('#terminal textarea', 'poweroff\r');
    await shows(page, /Power off/, 'the machine ends');
    await says(page, '#tick', /^The clock does not tick/, 'and its clock does not tick');
}

/* The book beside the machine, which goes on; and the pictures again. */
async function book(page: Page): Promise<void> {
    await page.click('#read');
    const frame = (await (await page.waitForSelector('#book', { visible: true }))!.contentFrame())!;
    await frame.waitForSelector('main a[href^="05"]', { timeout: LONG });
    await frame.click('main a[href^="05"]');
    const title = await frame.waitForSelector('h1[id="5-vmalloc"]', { timeout: LONG }).catch(() => null);
    point(title !== null, 'Book shows the book, and its links lead on', '');
    const seen = (selector: string): Promise<boolean> => page.$eval(selector, one => one.checkVisibility({ visibilityProperty: true }));
    point(!await seen('#physical') && await seen('#terminal'), 'in place of the pictures, beside the terminal', '');
    await page.type('#terminal textarea', 'help audit\r');
    await shows(page, /check the memory invariants/, 'and the machine answers');
    await page.click('#read');
    point(await seen('#physical') && !await seen('#book'), 'a second time the pictures are back', '');
}

/* What is typed goes to the machine of now. */
async function typing(page: Page): Promise<void> {
    await play(page, 'lowmem', 1);
    await page.$eval(PAUSE, button => (button as HTMLButtonElement).click());
    await paused(page);
    await page.type('#terminal textarea', 'x');
    await saidAtEnd(page, /^The machine is paused/, 'who types at a machine that is paused is told so');
    await press(page, NEXT);
    await shows(page, /poke: cannot write/, 'the next step of a scene resumes it');
    await play(page, 'vmalloc');
    await page.$eval(SLIDER, slider => {
        (slider as HTMLInputElement).value = '0';
        slider.dispatchEvent(new Event('input'));
    });
    const past = await text(page, '.timeline .view-status');
    await page.type('#terminal textarea', 'help help\r');
    const now = await text(page, '.timeline .view-status');
    point(now !== past && /^live/.test(now), 'who types in the past is back in the present', `${past}\n${now}`);
}

async function open(page: Page, button: string, file: string): Promise<void> {
    const [chooser] = await Promise.all([page.waitForFileChooser({ timeout: LONG }), page.click(button)]);
    await chooser.accept([file]);
}

async function exists(file: string): Promise<void> {
    const end = performance.now() + LONG;
    while (!existsSync(file)) {
        if (performance.now() > end)
            throw new Error(`there is no ${file}`);
        await new Promise(later => setTimeout(later, 50));
    }
}

async function files(browser: Browser, page: Page, iso: string, folder: string): Promise<void> {
    const session = await browser.target().createCDPSession();
    await session.send('Browser.setDownloadBehavior', { behavior: 'allow', downloadPath: folder });
    await press(page, '#restart');
    await page.type('#terminal textarea', 'vmalloc 16K\r');
    await shows(page, /vmalloc: 0x/, 'an area is made');
    await press(page, '#save');
    await exists(`${folder}/attic.state.gz`);
    await press(page, '#restart');
    await open(page, '#load', `${folder}/attic.state.gz`);
    await shows(page, /The machine is loaded/, 'a machine that was saved is loaded');
    await page.type('#terminal textarea', 'vmallocinfo\r');
    await shows(page, /monitor_vmalloc/, 'and has the area');

    writeFileSync(`${folder}/none.gz`, 'no machine');
    writeFileSync(`${folder}/none.iso`, 'no image');
    await open(page, '#load', `${folder}/none.gz`);
    await saidAtEnd(page, /^none\.gz cannot be loaded/, 'what is no machine is refused');
    await open(page, '#open-iso', `${folder}/none.iso`);
    await saidAtEnd(page, /^none\.iso is no image/, 'and what is no image');
    await page.type('#terminal textarea', 'help help\r');
    await page.waitForFunction(() => /list the commands/.test(document.querySelector('.xterm-rows')?.textContent ?? ''), { timeout: LONG });
    point(true, 'the machine runs on', '');
    await open(page, '#open-iso', iso);
    await saidAtEnd(page, /^The machine boots/, 'an image that was opened boots');
    await shows(page, PROMPT, 'to its prompt');
}

run(() => inBrowser(process.argv[2], process.argv[3], async ({ browser, page, address }) => {
    const { errors } = watch(page, address);
    await page.goto(address, { timeout: LONG });
    await shows(page, PROMPT, 'the page reaches the prompt');
    await book(page);
    await starts(page);
    await typing(page);
    await files(browser, page, `${process.argv[3]}/attic.iso`, process.argv[4]);
    point(errors.length === 0, 'the browser reports no error', errors.join('\n'));
}));
