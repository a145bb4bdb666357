/* Small helpers for the elements and canvases of the views. */

type Attributes = Record<string, string | number | boolean>;

/* An element with attributes and children. An attribute that is false is left out. */
export function element<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Attributes = {},
    ...children: (Node | string)[]): HTMLElementTagNameMap[K] {
    const made = document.createElement(tag);

    for (const [name, value] of Object.entries(attributes)) {
        if (value !== false)
            made.setAttribute(name, value === true ? '' : String(value));
    }
    made.append(...children);
    return made;
}

/* Sets a text only if it differs: a live region would be read out again. */
export function setText(node: Element, text: string): void {
    if (node.textContent !== text)
        node.textContent = text;
}

/* A canvas whose pixels are those of the device. `ratio` of them are a pixel of CSS. */
export class Surface {
    readonly canvas: HTMLCanvasElement;
    readonly context: CanvasRenderingContext2D;
    ratio = 1;
    width = 0;   // in pixels of CSS
    height = 0;

    constructor(attributes: Attributes = {}) {
        this.canvas = element('canvas', attributes);
        this.context = this.canvas.getContext('2d')!;
    }

    /* Setting the size of a canvas clears it, so an equal size is not set. Returns whether it has changed. */
    resize(width: number, height: number): boolean {
        const ratio = window.devicePixelRatio || 1;

        if (width === this.width && height === this.height && ratio === this.ratio)
            return false;
        [this.width, this.height, this.ratio] = [width, height, ratio];
        this.canvas.width = Math.round(width * ratio);
        this.canvas.height = Math.round(height * ratio);
        this.canvas.style.width = `${width}px`;
        this.canvas.style.height = `${height}px`;
        return true;
    }

    clear(): void {
        this.context.setTransform(1, 0, 0, 1, 0, 0);
        this.context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    }

    /* A point of an event, in pixels of CSS from the corner of the canvas. */
    point(event: PointerEvent): { x: number, y: number } {
        const box = this.canvas.getBoundingClientRect();
        return { x: event.clientX - box.left, y: event.clientY - box.top };
    }
}
