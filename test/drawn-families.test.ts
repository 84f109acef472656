/**
 * A model of odd sizes for every family, drawn at random and written as that family's files are: the ids and logits of a plain
 * pass in f64 over what was drawn, whatever the cut. `npm run bench -- families` does the same for many seeds and weight types.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DRAWN_FAMILIES } from './reference/families/index.js';
import { LOGIT_TOLERANCE } from './support/same-answer.js';
import { checkDrawnModel } from './support/drawn-model-check.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kvr-drawn-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Longer than any window and than what positions are stretched from; with slices of one row. */
const PROMPT_TOKENS = 31;
const CUTS = [[31], [1, 28, 2], [5, 6, 7, 1, 12]];

test.each(Object.keys(DRAWN_FAMILIES))('%s', async (family) => {
  const found = await checkDrawnModel({ family, seed: 1, folder, promptTokens: PROMPT_TOKENS, cuts: CUTS });
  for (const { cut, gap, ids, expectedIds } of found) {
    expect(gap, `slices of ${cut.join()}`).toBeLessThan(LOGIT_TOLERANCE);
    expect(ids, `slices of ${cut.join()}`).toEqual(expectedIds);
  }
});
