/**
 * What dtypes cost in quality on the trained reference model, on texts it wrote itself: q8 and w8a8 within 1 % of f32's
 * perplexity, q4 within 5 %. Skipped where the folder of reference models is absent.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DTYPES } from '../src/core/shape.js';
import { measureQuality, type QualityReport } from '../src/engine/quality/index.js';
import { openCheckpoint } from '../src/model/open.js';

const MODEL = fileURLToPath(new URL('../../shared/models/stories260k', import.meta.url));
const REASON = existsSync(MODEL) ? '' : ' (the folder of reference models is not here)';

function ownTexts(): string {
  const reference = JSON.parse(readFileSync(join(MODEL, 'reference.json'), 'utf8')) as {
    cases: { text: string }[];
  };
  return reference.cases.map(({ text }) => text).join('\n');
}

describe.skipIf(!existsSync(MODEL))(`stories260k${REASON}`, () => {
  let cacheFolder = '';
  beforeAll(() => {
    cacheFolder = mkdtempSync(join(tmpdir(), 'kvr-quality-'));
  });
  afterAll(() => rmSync(cacheFolder, { recursive: true, force: true }));

  async function measure(text: string): Promise<QualityReport> {
    const checkpoint = await openCheckpoint(MODEL, { cacheFolder });
    const options = { text, windowTokens: 512, dtypes: DTYPES, cacheFolder };
    return measureQuality(checkpoint, options).finally(() => checkpoint.close());
  }

  test('q8 and w8a8 lose less than 1 % of perplexity, q4 less than 5 %', async () => {
    const { dtypes, predictedTokens } = await measure(ownTexts());
    expect(predictedTokens).toBeGreaterThan(800);
    const change = Object.fromEntries(dtypes.map(({ dtype, perplexityChange }) => [dtype, perplexityChange]));
    expect(change['f32']).toBe(0);
    for (const dtype of ['q8', 'w8a8']) expect(Math.abs(change[dtype] ?? 1)).toBeLessThan(0.01);
    expect(Math.abs(change['q4'] ?? 1)).toBeLessThan(0.05);
    // A trained model that is read rightly finds its own greedy text likely.
    expect(dtypes[0]?.perplexity).toBeLessThan(4);
    for (const { meanDivergence } of dtypes.slice(1)) expect(meanDivergence).toBeGreaterThan(0);
  });

  test('a text of one token is refused', async () => {
    await expect(measure('')).rejects.toMatchObject({ code: 'BAD_INPUT' });
  });
});
