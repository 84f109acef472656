/**
 * Every dtype keeps the promise when requests share or are cut: sequences that decode together, prompts that go on from
 * kept rows, and slices of any length, get the tokens they get alone, without them and on one worker. The kernels of
 * quantised weights round activations to 8 bits, so that rows from elsewhere have to be the same to the last digit, or
 * tokens turn over.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Dtype, type KvDtype, kvBytesPerToken, type ModelShape } from '../src/core/shape.js';
import { Engine, type GenerateRequest } from '../src/index.js';
import { seededRandom } from './reference/random.js';
import { randomCheckpoint } from './reference/random-checkpoint.js';
import { asFalcon, TINY_LLAMA } from './reference/shapes.js';
import { saveHfFolder } from './support/hf-folder.js';
import { largestDifference } from './support/same-answer.js';

const STEPS = 24;
/** Of log-probabilities: f32's own noise is under 1e-5, one rounding that turned over is above 1e-2. */
const TOLERANCE = 1e-3;

/** Wide enough for a last digit to show: on models 64 wide it hardly ever turns a rounding over. */
const LLAMA: ModelShape = {
  ...TINY_LLAMA,
  layers: 3,
  hidden: 256,
  heads: 8,
  headDim: 32,
  feedForward: 688,
  vocabulary: 513,
  contextTokens: 512,
};
const SHAPES: Readonly<Record<string, ModelShape>> = {
  Llama: LLAMA,
  Falcon: asFalcon(LLAMA),
  'Llama without shared heads': { ...LLAMA, kvHeads: 8 },
};

let folder = '';
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kvr-sharing-'));
  for (const [name, shape] of Object.entries(SHAPES))
    await saveHfFolder(randomCheckpoint(shape, 11), join(folder, name));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Answer = {
  readonly ids: readonly number[];
  /** Of every step: the chosen token's log-probability, then the five highest. */
  readonly logprobs: readonly Float32Array[];
  readonly cachedTokens: number;
};

/** Requests that have their first token and not their last. */
let decoding = 0;
let mostDecoding = 0;

async function answerOf(engine: Engine, request: GenerateRequest): Promise<Answer> {
  const logprobs: Float32Array[] = [];
  for await (const event of engine.generate({ ...request, sampling: { topLogprobs: 5 } })) {
    if (event.type === 'token' && event.logprobs) {
      if (logprobs.length === 0) mostDecoding = Math.max(mostDecoding, ++decoding);
      const { logprob, top } = event.logprobs;
      logprobs.push(Float32Array.from([logprob, ...top.map((one) => one.logprob)]));
    }
    if (event.type !== 'done') continue;
    decoding--;
    const { tokenIds, cachedTokens } = event.result;
    return { ids: tokenIds, logprobs, cachedTokens };
  }
  throw new Error('a generation ended without a result');
}

function expectSame(answer: Answer, alone: Answer): void {
  expect(answer.ids).toEqual(alone.ids);
  expect(answer.logprobs).toHaveLength(alone.logprobs.length);
  for (const [step, logprobs] of answer.logprobs.entries())
    expect(largestDifference(logprobs, alone.logprobs[step] ?? [])).toBeLessThan(TOLERANCE);
}

const TYPES: readonly (readonly [dtype: Dtype, kvDtype: KvDtype])[] = [
  ...(['f32', 'q8', 'q4', 'w8a8'] as const).map((dtype) => [dtype, 'f32'] as const),
  ['f32', 'f16'],
  ['q8', 'f16'],
  ['w8a8', 'f16'],
];
const CASES = TYPES.flatMap(([dtype, kvDtype]) =>
  Object.entries(SHAPES).map(([name, shape]) => ({ dtype, kvDtype, name, shape })),
);

describe.each(CASES)('$dtype, $kvDtype cache, $name', ({ dtype, kvDtype, name, shape }) => {
  const random = seededRandom(5);
  const randomIds = (tokens: number): number[] => Array.from({ length: tokens }, () => random.below(513));
  const fresh = { prefixCache: false } as const;
  let engine: Engine;
  beforeAll(async () => {
    engine = await Engine.load({
      ...{ model: join(folder, name), workers: 2, threads: 1, dtype, kvDtype },
      ...{ calibrate: false, cacheDir: folder, chunkTokens: 32 },
      prefixCacheBytes: 4000 * kvBytesPerToken(shape, kvDtype),
    });
  });
  afterAll(() => engine.close());

  test('sequences that decode together get what they get alone', async () => {
    const requests = Array.from({ length: 10 }, () => ({
      ...{ promptIds: randomIds(1 + random.below(70)), maxTokens: STEPS },
      ...fresh,
    }));
    const alone: Answer[] = [];
    for (const request of requests) alone.push(await answerOf(engine, request));
    mostDecoding = 0;
    const together = await Promise.all(requests.map((request) => answerOf(engine, request)));
    expect(mostDecoding).toBeGreaterThan(4);
    for (const [index, answer] of together.entries()) expectSame(answer, alone[index] as Answer);
  });

  test('wherever the context is cut, a prompt gets what it gets from one worker', async () => {
    for (const tokens of [67, 130]) {
      const request = { promptIds: randomIds(tokens), maxTokens: 4, ...fresh };
      const single = await answerOf(engine, { ...request, strategy: 'single' });
      for (const first of [1, 33, 35, tokens - 33, tokens - 1])
        expectSame(await answerOf(engine, { ...request, partition: [first, tokens - first] }), single);
    }
  });

  test('a chat goes on from kept rows as it would without them', async () => {
    let turn: number[] = [];
    let kept = 0;
    for (const tokens of [60, 9, 30, 21]) {
      turn = [...turn, ...randomIds(tokens)];
      const without = await answerOf(engine, { promptIds: turn, maxTokens: STEPS, ...fresh });
      const answer = await answerOf(engine, { promptIds: turn, maxTokens: STEPS });
      expectSame(answer, without);
      // Rows of an answer count only where they are those that a prompt would have.
      expect(answer.cachedTokens).toBe(kept);
      kept = turn.length + (dtype === 'f32' ? answer.ids.length - 1 : 0);
      turn = [...turn, ...answer.ids];
    }
  });

  test('so do prompts that were asked before, and those that part in the middle, at once', async () => {
    const promptIds = randomIds(90);
    const prompts = [
      promptIds,
      ...[3, 20, 50].map((end) => [...promptIds.slice(0, -end), ...randomIds(end)]),
    ];
    const without: Answer[] = [];
    for (const ids of prompts)
      without.push(await answerOf(engine, { promptIds: ids, maxTokens: STEPS, ...fresh }));
    await answerOf(engine, { promptIds, maxTokens: 1 });
    const answers = await Promise.all(
      prompts.map((ids) => answerOf(engine, { promptIds: ids, maxTokens: STEPS })),
    );
    expect(answers.map(({ cachedTokens }) => cachedTokens)).toEqual([88, 87, 70, 40]);
    for (const [index, answer] of answers.entries()) expectSame(answer, without[index] as Answer);
  });
});
