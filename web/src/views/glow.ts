/* Things that changed a moment ago, by a number that names each, and how strongly they still glow. */

export const GLOW_MS = 500;

export class Glow {
    private readonly since = new Map<number, number>();

    add(keys: Iterable<number>, now: number): void {
        for (const key of keys)
            this.since.set(key, now);
    }

    /* Calls `each` for what still glows, with a strength from 1 to 0; forgets the rest. Returns whether anything glows. */
    each(now: number, each: (key: number, strength: number) => void): boolean {
        for (const [key, start] of this.since) {
            const strength = 1 - (now - start) / GLOW_MS;
            if (strength <= 0)
                this.since.delete(key);
            else
                each(key, Math.min(strength, 1));
        }
        return this.since.size > 0;
    }
}
