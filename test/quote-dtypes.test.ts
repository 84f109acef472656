/**
 * The model that ships with the package still answers right when its weights, and in w8a8 its activations, are rounded to
 * 8 bits: a few questions here, as many as one likes with bench/door-codes.ts.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Dtype } from '../src/core/shape.js';
import { Engine } from '../src/index.js';
import { doorCodeDocument } from './reference/door-codes.js';

const TOKENS = 1024;

let cacheDir = '';
beforeAll(() => {
  cacheDir = mkdtempSync(join(tmpdir(), 'kvr-quote-'));
});
afterAll(() => rmSync(cacheDir, { recursive: true, force: true }));

test.each(['q8', 'w8a8'] satisfies Dtype[])('quote quotes door codes exactly in %s', async (dtype) => {
  const engine = await Engine.load({ model: 'quote', workers: 2, dtype, calibrate: false, cacheDir });
  try {
    const { questions } = doorCodeDocument({ tokens: TOKENS, facts: 6, seed: 4 });
    for (const { prompt, answer } of questions) {
      const { text } = await engine.complete({ prompt, maxTokens: answer.length, partition: 'e' });
      expect(text).toBe(answer);
    }
  } finally {
    await engine.close();
  }
});
