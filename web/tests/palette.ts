/* Reads colours.css, from the root of the repository, and measures the colours of both themes: text against what is behind it, as WCAG 2.2
   does (1.4.3), and owners in use against each other, as people see them who have no long, medium or short cones: matrices of Machado,
   Oliveira and Fernandes (2009), distances in CIELAB (1976). */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

type Triple = [number, number, number];
type Matrix = [Triple, Triple, Triple];

const SIGHT: Record<string, Matrix> = {
    normal: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    protanopia: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    deuteranopia: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    tritanopia: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
};
const TO_XYZ: Matrix = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]];
const WHITE: Triple = [0.9505, 1, 1.089];
const PLAIN = 7;       // the first owners in use have no texture: their colours alone must do
const LEAST = 10;      // about four times what is just noticeable side by side

const times = (m: Matrix, v: Triple) => m.map(row => row[0] * v[0] + row[1] * v[1] + row[2] * v[2]) as Triple;

function linear(hex: string): Triple {
    return [1, 3, 5].map(i => {
        const c = parseInt(hex.slice(i, i + 2), 16) / 255;
        return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    }) as Triple;
}

function lab(rgb: Triple): Triple {
    const [x, y, z] = times(TO_XYZ, rgb).map((v, i) => {
        const t = Math.max(v, 0) / WHITE[i];
        return t > 216 / 24389 ? Math.cbrt(t) : (24389 / 27 * t + 16) / 116;
    });
    return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

const distance = (a: Triple, b: Triple) => Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);

function contrast(a: string, b: string): number {
    const [low, high] = [a, b].map(hex => times(TO_XYZ, linear(hex))[1]).sort((x, y) => x - y);

    return (high + 0.05) / (low + 0.05);
}

function properties(css: string): Map<string, string> {
    return new Map([...css.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(match => [match[1], match[2]]));
}

const [light, dark] = readFileSync('web/src/views/colours.css', 'utf8').split('@media (prefers-color-scheme: dark)').map(properties);

for (const [theme, colours] of Object.entries({ light, dark })) {
    const colour = (name: string) => colours.get(name)!;

    test(`${theme}: text is readable`, () => {
        for (const behind of ['view-ground', 'view-panel', 'view-free']) {
            for (const text of ['view-text', 'view-muted', 'view-wrong', 'view-accent'])
                assert.ok(contrast(colour(text), colour(behind)) >= 4.5, `${text} on ${behind}: ${contrast(colour(text), colour(behind))}`);
        }
    });

    test(`${theme}: owners in use differ from each other and from free frames`, () => {
        const names = ['view-free', ...Array.from({ length: PLAIN }, (_, i) => `used-${i}`)];
        for (const [sight, matrix] of Object.entries(SIGHT)) {
            const seen = names.map(name => lab(times(matrix, linear(colour(name)))));
            seen.forEach((a, i) => seen.slice(0, i).forEach((b, j) =>
                assert.ok(distance(a, b) >= LEAST, `${names[i]} and ${names[j]}, ${sight}: ${distance(a, b)}`)));
        }
    });
}
