/* A slider over the recorded past, and buttons. Pause stops the machine; the slider and the steps look at the past, whether it is paused or
   not. */

import { element, setText } from './dom.js';

export interface Recorded {
    readonly length: number;
    readonly index: number | 'live';
    goTo(index: number | 'live'): void;
    changed(index: number): string;  // what differs from the record before; '' if nothing does
}

export interface Pausable {
    readonly paused: boolean;
    pause(): void;
    resume(): void;
}

/* The next record in this direction that differs from the one before it, or `from` itself. */
export function nextChange(history: Recorded, from: number, direction: 1 | -1): number {
    for (let i = from + direction; i >= 0 && i < history.length; i += direction) {
        if (history.changed(i) !== '')
            return i;
    }
    return from;
}

export class Timeline {
    private readonly slider = element('input', { type: 'range', min: 0, step: 1, 'aria-label': 'Recorded past' });
    private readonly pause = element('button', { type: 'button' });
    private readonly back = element('button', { type: 'button' }, '◀ change');
    private readonly forward = element('button', { type: 'button' }, 'change ▶');
    private readonly live = element('button', { type: 'button' }, 'live');
    private readonly text = element('p', { class: 'view-status', role: 'status' });

    constructor(host: HTMLElement, private readonly history: Recorded, private readonly machine: Pausable) {
        host.classList.add('view', 'timeline');
        this.back.setAttribute('aria-label', 'back to the change before');
        this.forward.setAttribute('aria-label', 'forward to the next change');
        host.append(element('div', { class: 'timeline-row', role: 'group', 'aria-label': 'Time' },
            this.pause, this.back, this.slider, this.forward, this.live), this.text);
        this.listen();
    }

    private listen(): void {
        this.slider.addEventListener('input', () => this.goTo(Number(this.slider.value)));
        this.back.addEventListener('click', () => this.step(-1));
        this.forward.addEventListener('click', () => this.step(1));
        this.live.addEventListener('click', () => this.goTo('live'));
        this.pause.addEventListener('click', () => {
            if (this.machine.paused)
                this.machine.resume();
            else
                this.machine.pause();
            this.show();
        });
    }

    private get newest(): number {
        return Math.max(this.history.length - 1, 0);
    }

    private get position(): number {
        return this.history.index === 'live' ? this.newest : this.history.index;
    }

    private step(direction: 1 | -1): void {
        this.goTo(nextChange(this.history, this.position, direction));
    }

    private goTo(index: number | 'live'): void {
        this.history.goTo(index);
        this.show();
    }

    /* The history has grown, or another record of it is shown. */
    show(): void {
        const isLive = this.history.index === 'live', position = this.position;
        const text = isLive ? 'live' : `record ${position + 1} of ${this.history.length}: ${this.history.changed(position) || 'no change'}`;

        this.slider.max = String(this.newest);
        this.slider.value = String(position);
        this.slider.setAttribute('aria-valuetext', text);
        this.slider.disabled = this.history.length < 2;
        this.live.setAttribute('aria-pressed', String(isLive));
        setText(this.pause, this.machine.paused ? 'resume' : 'pause');
        setText(this.text, this.machine.paused && isLive ? 'paused' : text);
    }
}
