/**
 * GGUF files with ids and logits that were computed in f64 from the weights in them: what we read from a file gives those,
 * and its tokenizer gives the ids that the model's own tokenizer gives.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Engine } from '../src/index.js';
import { MARGIN, LOGIT_TOLERANCE } from './support/same-answer.js';

const FOLDER = fileURLToPath(new URL('../../shared/models/families/gguf', import.meta.url));
const isHere = existsSync(FOLDER);
const NAMES = isHere ? readdirSync(FOLDER).filter((name) => name.endsWith('.gguf')) : [];

type Reference = {
  readonly cases: readonly {
    readonly prompt_ids: number[];
    readonly output_ids: number[];
    readonly margins: number[];
    /** The first of all logits. */
    readonly prompt_logits: number[];
  }[];
  readonly tokenizer?: readonly { readonly text: string; readonly ids: number[] }[];
};

const referenceOf = (name: string): Reference =>
  JSON.parse(readFileSync(join(FOLDER, name.replace('.gguf', '.reference.json')), 'utf8')) as Reference;

let cacheDir = '';
beforeAll(() => {
  cacheDir = mkdtempSync(join(tmpdir(), 'kvr-gguf-'));
});
afterAll(() => rmSync(cacheDir, { recursive: true, force: true }));

describe.skipIf(!isHere)(
  `GGUF files${isHere ? '' : ' (skipped: they are not part of the repository)'}`,
  () => {
    test('are there', () => expect(NAMES.length).toBeGreaterThan(0));

    test.each(NAMES)('%s', async (name) => {
      const { cases, tokenizer = [] } = referenceOf(name);
      const settings = { workers: 1, threads: 1, calibrate: false, cacheDir };
      const engine = await Engine.load({ model: join(FOLDER, name), ...settings });
      try {
        for (const { text, ids } of tokenizer)
          expect([text, engine.model.tokenizer.encode(text)]).toEqual([text, ids]);
        for (const each of cases) {
          const { ids, logits } = await answer(engine, each.prompt_ids, each.output_ids.length);
          const narrow = each.margins.findIndex((margin) => margin < MARGIN);
          const steps = narrow < 0 ? each.output_ids.length : narrow;
          expect(ids.slice(0, steps)).toEqual(each.output_ids.slice(0, steps));
          const differences = each.prompt_logits.map((logit, i) => Math.abs(logit - (logits[i] ?? NaN)));
          expect(Math.max(...differences)).toBeLessThan(LOGIT_TOLERANCE);
        }
      } finally {
        await engine.close();
      }
    });
  },
);

/** Activations of block products are rounded to 8 bits; logits go from -6 to 20. */
const ROUNDED_TOLERANCE = 1;
const OWN_DTYPES = NAMES.filter((name) => /q[48]_0/.test(name));

test.skipIf(!isHere).each(OWN_DTYPES)('%s with its own codes is near the reference', async (name) => {
  const dtype = name.includes('q4_0') ? 'q4' : 'q8';
  const settings = { workers: 1, threads: 1, calibrate: false, cacheDir, dtype } as const;
  const engine = await Engine.load({ model: join(FOLDER, name), ...settings });
  try {
    for (const each of referenceOf(name).cases) {
      const { ids, logits } = await answer(engine, each.prompt_ids, 1);
      const differences = each.prompt_logits.map((logit, i) => Math.abs(logit - (logits[i] ?? NaN)));
      expect(Math.max(...differences)).toBeLessThan(ROUNDED_TOLERANCE);
      if ((each.margins[0] ?? 0) > 2 * ROUNDED_TOLERANCE) expect(ids[0]).toBe(each.output_ids[0]);
    }
  } finally {
    await engine.close();
  }
});

async function answer(
  engine: Engine,
  promptIds: number[],
  maxTokens: number,
): Promise<{ ids: readonly number[]; logits: Float32Array }> {
  let logits: Float32Array | undefined;
  let ids: readonly number[] = [];
  const request = { promptIds, maxTokens, wantLogits: true };
  for await (const event of engine.generate(request)) {
    if (event.type === 'token') logits ??= event.logits;
    if (event.type === 'done') ids = event.result.tokenIds;
  }
  return { ids, logits: logits ?? new Float32Array() };
}
