/* What a page says about itself, and the elements that it has from the start. */

export function byId(id: string): HTMLElement {
    const found = document.getElementById(id);
    if (!found)
        throw new Error(`the page has no element ${id}`);
    return found;
}

export function say(sentence: string): void {
    byId('status').textContent = sentence;
}

/* Do what a button asks for; if it fails, the status line says why. Until it is done, other buttons do nothing. They are not disabled,
   because a button that is disabled loses the focus of the keyboard. */
export async function play(work: () => Promise<void>): Promise<void> {
    const { dataset } = document.body;
    if (dataset.busy)
        return;
    dataset.busy = 'true';
    say('');
    try {
        await work();
    } catch (error) {
        say(error instanceof Error ? error.message : String(error));
    }
    delete dataset.busy;
}
