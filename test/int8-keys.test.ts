/**
 * Keys and values in int8 with a scale for each head of a row: every cut and every number of workers gives the same logits to
 * the last digit, and those are of a plain forward pass that rounds by the same rule, in f64; kept rows change no token. A
 * model whose layers see all rows, and one whose layers see a window.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kvBytesPerToken } from '../src/core/shape.js';
import { Engine, type GenerateRequest, type GenerationResult } from '../src/index.js';
import { openCheckpoint } from '../src/model/open.js';
import { ReferenceModel } from './reference/forward.js';
import { ROUNDINGS } from './reference/rounding.js';
import { saveHfFolder } from './support/hf-folder.js';
import { COMMITTED_MODELS } from './support/reference-checkpoint.js';
import { largestDifference } from './support/same-answer.js';
import { SMALL_CHECKPOINT, smallPrompt } from './support/small-llama.js';

const STEPS = 6;
const PROMPT_TOKENS = 96;
/** A number that f32 and f64 put on two sides of the middle between two steps of int8 is off by one of 127 of them. */
const TOLERANCE = 5e-3;

const CUTS: readonly GenerateRequest[] = [
  { strategy: 'single' },
  { workers: 2, partition: 'e' },
  { workers: 3, partition: 'e' },
  { partition: [1, 95] },
  { partition: [95, 1] },
  { partition: [1, 94, 1] },
  { partition: [37, 11, 48] },
];

let folder = '';
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kvr-int8-keys-'));
  await saveHfFolder(SMALL_CHECKPOINT, join(folder, 'llama'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Rows of a window are kept near a prompt's end, where the first slice of a chain does not reach. */
const MODELS = [
  { name: 'all rows', path: () => join(folder, 'llama'), reusing: [1, 2, 3] },
  { name: 'a window of 32', path: () => join(COMMITTED_MODELS, 'mistral'), reusing: [1] },
];

type Answer = { readonly logits: Float32Array; readonly result: GenerationResult };

async function answerOf(engine: Engine, promptIds: number[], cut: GenerateRequest): Promise<Answer> {
  let logits = new Float32Array();
  const request = { promptIds, maxTokens: STEPS, wantLogits: true, prefixCache: false, ...cut };
  for await (const event of engine.generate(request)) {
    if (event.type === 'token' && logits.length === 0) logits = Float32Array.from(event.logits ?? []);
    if (event.type === 'done') return { logits, result: event.result };
  }
  throw new Error('a generation ended without a result');
}

describe.each(MODELS)('layers that see $name', ({ path, reusing }) => {
  const prompt = smallPrompt(PROMPT_TOKENS, 31);
  let engine: Engine;
  let reference: ReferenceModel;
  let alone: Answer;
  beforeAll(async () => {
    const checkpoint = await openCheckpoint(path(), { cacheFolder: folder });
    reference = await ReferenceModel.load(checkpoint);
    await checkpoint.close();
    engine = await Engine.load({
      ...{ model: path(), workers: 3, threads: 1, calibrate: false, cacheDir: folder, chunkTokens: 16 },
      ...{ dtype: 'f32', kvDtype: 'q8', prefixCacheBytes: 10_000_000 },
    });
    alone = await answerOf(engine, prompt, { workers: 1, partition: 'e' });
  });
  afterAll(() => engine.close());

  test('one worker answers as the plain pass that rounds', () => {
    const wanted = reference.start(ROUNDINGS.q8).feed(prompt);
    const { ids, margins } = reference.start(ROUNDINGS.q8).greedy(prompt, STEPS);
    expect(largestDifference(alone.logits, wanted)).toBeLessThan(TOLERANCE);
    // As far as the choice is certain; and an exact pass is further away, so the rows were rounded.
    const certain = [...margins, 0].findIndex((margin) => margin < 2 * TOLERANCE);
    expect(certain).toBeGreaterThan(1);
    expect(alone.result.tokenIds.slice(0, certain)).toEqual(ids.slice(0, certain));
    const exact = largestDifference(alone.logits, reference.logits(prompt));
    expect(exact).toBeGreaterThan(largestDifference(alone.logits, wanted));
    expect(alone.result.kvDtype).toBe('q8');
  });

  test.each(CUTS)('the same to the last digit with $strategy $workers $partition', async (cut) => {
    const { logits, result } = await answerOf(engine, prompt, cut);
    expect(logits).toEqual(alone.logits);
    expect(result.tokenIds).toEqual(alone.result.tokenIds);
  });

  test('the tokens are the same with rows that are kept, some of which decoding has made', async () => {
    const { tokenIds } = (await answerOf(engine, prompt, { prefixCache: true, partition: [40, 30, 26] }))
      .result;
    const turn = [...prompt, ...tokenIds, ...smallPrompt(20, 32)];
    const whole = await answerOf(engine, turn, { workers: 1, partition: 'e' });
    for (const workers of reusing) {
      const again = await answerOf(engine, turn, { prefixCache: true, partition: 'e', workers });
      expect(again.result.cachedTokens).toBeGreaterThan(0);
      expect(largestDifference(again.logits, whole.logits)).toBeLessThan(TOLERANCE);
      expect(again.result.tokenIds).toEqual(whole.result.tokenIds);
    }
  });
});

test('a rank sends a scale and an int8 for each number, and the cache takes as much', async () => {
  const engine = await Engine.load({
    ...{ model: join(folder, 'llama'), workers: 2, threads: 1, calibrate: false, cacheDir: folder },
    ...{ dtype: 'f32', kvDtype: 'q8' },
  });
  try {
    const { shape } = engine.model;
    const tokenBytes = 2 * shape.layers * shape.kvHeads * (4 + shape.headDim);
    expect(kvBytesPerToken(shape, 'q8')).toBe(tokenBytes);
    const { result } = await answerOf(engine, smallPrompt(60, 33), { partition: [50, 10] });
    expect(result.timeline[0]?.sentBytes).toBe(50 * tokenBytes);
  } finally {
    await engine.close();
  }
});
