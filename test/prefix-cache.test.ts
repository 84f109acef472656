/**
 * Rows kept of earlier requests: a later prompt that begins alike gets the tokens it gets without them, whatever the
 * strategy and the cut, and never more is kept than was allowed. Models made here, f32, against the plain forward pass.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kvBytesPerToken } from '../src/core/shape.js';
import { Engine, type GenerateRequest, type GenerationResult } from '../src/index.js';
import { ReferenceModel } from './reference/forward.js';
import { saveHfFolder } from './support/hf-folder.js';
import { expectSameAnswer } from './support/same-answer.js';
import { SMALL_CHECKPOINT, SMALL_LLAMA, smallPrompt } from './support/small-llama.js';

const TOKEN_BYTES = kvBytesPerToken(SMALL_LLAMA, 'f32');
const STEPS = 6;

let folder = '';
let reference: ReferenceModel;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kvr-prefix-'));
  await saveHfFolder(SMALL_CHECKPOINT, join(folder, 'model'));
  reference = await ReferenceModel.load(SMALL_CHECKPOINT);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function load(options: Partial<Parameters<typeof Engine.load>[0]>): Promise<Engine> {
  const common = { model: join(folder, 'model'), threads: 1, calibrate: false, cacheDir: folder };
  return Engine.load({ ...common, chunkTokens: 16, ...options });
}

/** Runs a prompt and checks its tokens and logits. */
function answer(
  engine: Engine,
  promptIds: number[],
  request: GenerateRequest = {},
  tolerance?: number,
): Promise<GenerationResult> {
  const expected = {
    ...reference.greedy(promptIds, STEPS),
    ...(tolerance !== undefined && { tolerance }),
  };
  return expectSameAnswer(engine, { promptIds, maxTokens: STEPS, ...request }, expected);
}

/** A conversation's next prompt: what was said, and more. */
function nextTurn(promptIds: number[], { tokenIds }: GenerationResult, more: number[]): number[] {
  return [...promptIds, ...tokenIds, ...more];
}

const CUTS: readonly { readonly label: string; readonly cut: GenerateRequest }[] = [
  { label: 'auto', cut: {} },
  { label: 'single', cut: { strategy: 'single' } },
  { label: 'kvr on one worker', cut: { workers: 1, partition: 'e' } },
  { label: 'two even slices', cut: { workers: 2, partition: 'e' } },
  { label: 'three even slices', cut: { partition: 'e' } },
];

describe('three workers', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await load({ workers: 3, prefixCacheBytes: 1000 * TOKEN_BYTES });
  });
  afterAll(() => engine.close());

  // Every pair of cuts: the partition moves between a request and the one that goes on from it.
  describe.each(CUTS)('after $label', ({ cut: before }) => {
    test.each(CUTS)('$label', async ({ label, cut }) => {
      const first = smallPrompt(40, CUTS.findIndex((each) => each.cut === before) * 10 + label.length);
      const turn = nextTurn(first, await answer(engine, first, before), smallPrompt(30, 7));
      const second = await answer(engine, turn, cut);
      expect(second.cachedTokens).toBeGreaterThan(0);
      const most = second.workers === 1 ? 45 : Math.min(45, second.partition[0] ?? 0);
      expect(second.cachedTokens).toBe(most);
      expect((await answer(engine, turn, { ...cut, prefixCache: false })).cachedTokens).toBe(0);
    });
  });

  test('all-gathers use no kept rows, and what they leave is used', async () => {
    const first = smallPrompt(33, 91);
    const turn = nextTurn(first, await answer(engine, first, { strategy: 'tsp' }), [1, 2, 3]);
    expect((await answer(engine, turn, { strategy: 'tsp' })).cachedTokens).toBe(0);
    expect((await answer(engine, [...turn, 5, 6], {})).cachedTokens).toBeGreaterThanOrEqual(turn.length);
  });

  test('a prompt that was asked before computes its last two tokens only', async () => {
    const prompt = smallPrompt(50, 92);
    await answer(engine, prompt);
    expect((await answer(engine, prompt)).cachedTokens).toBe(48);
  });

  test('prompts that part in the middle share what comes before, also at once', async () => {
    const common = smallPrompt(40, 93);
    await answer(engine, [...common, 1, 2, 3]);
    const ends = [4, 5, 6, 7].map((end) => [...common, end, end, end]);
    const results = await Promise.all(ends.map((ids) => answer(engine, ids)));
    expect(results.map(({ cachedTokens }) => cachedTokens)).toEqual([40, 40, 40, 40]);
  });

  test('a request that is cancelled while it decodes leaves its prompt behind', async () => {
    const prompt = smallPrompt(48, 94);
    for await (const event of engine.generate({ promptIds: prompt, maxTokens: 200 }))
      if (event.type === 'token') break;
    // The next request reaches the worker after the cancel, and its answer after the news of what was kept.
    await answer(engine, smallPrompt(20, 95), { workers: 1 });
    await expect
      .poll(async () => (await answer(engine, [...prompt, 9, 9])).cachedTokens)
      .toBeGreaterThanOrEqual(48);
  });
});

test('rows that are kept in f16 are half as large, and make the same answers, on one worker and on three', async () => {
  // Room for 100 tokens in f32 is room for 200.
  const engine = await load({ workers: 3, kvDtype: 'f16', prefixCacheBytes: 100 * TOKEN_BYTES });
  const tolerance = 5e-3;
  try {
    const first = smallPrompt(150, 21);
    const turn = nextTurn(first, await answer(engine, first, {}, tolerance), smallPrompt(30, 22));
    const cuts: GenerateRequest[] = [{ strategy: 'single' }, { partition: 'e' }, { partition: [160, 20, 6] }];
    for (const cut of cuts)
      expect((await answer(engine, turn, cut, tolerance)).cachedTokens).toBeGreaterThan(50);
  } finally {
    await engine.close();
  }
});

test('never more is kept than the budget, and what was used last stays', async () => {
  const engine = await load({ workers: 1, prefixCacheBytes: 100 * TOKEN_BYTES });
  try {
    const [a, b, c] = [1, 2, 3].map((seed) => smallPrompt(40, seed)) as [number[], number[], number[]];
    await answer(engine, a);
    await answer(engine, b);
    expect((await answer(engine, [...a, 3, 3])).cachedTokens).toBe(40);
    await answer(engine, c);
    expect((await answer(engine, [...b, 3])).cachedTokens).toBe(0);
    expect((await answer(engine, smallPrompt(120, 4))).cachedTokens).toBe(0);
    expect((await answer(engine, [...smallPrompt(120, 4), 1])).cachedTokens).toBe(0);
  } finally {
    await engine.close();
  }
});

test('kept rows make room for a request that needs it, those it goes on from too', async () => {
  const kvMemoryBytes = 100 * TOKEN_BYTES;
  const engine = await load({ workers: 1, kvMemoryBytes, prefixCacheBytes: kvMemoryBytes });
  try {
    const first = smallPrompt(60, 5);
    const turn = nextTurn(first, await answer(engine, first), [1, 2]);
    expect((await answer(engine, turn)).cachedTokens).toBe(65);
    expect((await answer(engine, smallPrompt(90, 6))).cachedTokens).toBe(0);
    expect((await answer(engine, turn)).cachedTokens).toBe(0);
  } finally {
    await engine.close();
  }
});

test('without a budget nothing is kept', async () => {
  const engine = await load({ workers: 1 });
  try {
    const prompt = smallPrompt(40, 1);
    await answer(engine, prompt);
    expect((await answer(engine, prompt)).cachedTokens).toBe(0);
  } finally {
    await engine.close();
  }
});
