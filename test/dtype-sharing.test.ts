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
import { asFalcon, TINY_LLAMA, withHeadDim } from './reference/shapes.js';
import { saveHfFolder } from './support/hf-folder.js';
import { HeardMessages } from './support/heard.js';
import { largestDifference } from './support/same-answer.js';
import { until } from './support/until.js';

const STEPS = 10;
/** Of answers that only begin otherwise. */
const FEW_STEPS = 6;
/** Sequences that are handed in at once. */
const TOGETHER = 6;
/** Of log-probabilities: f32's own noise is under 1e-5, one rounding that turned over is above 1e-2. */
const TOLERANCE = 1e-3;

/** Wide enough for a last digit to show: on models 64 wide it hardly ever turns a rounding over. */
const LLAMA: ModelShape = withHeadDim(
  {
    ...TINY_LLAMA,
    layers: 2,
    hidden: 256,
    heads: 8,
    feedForward: 688,
    vocabulary: 513,
    contextTokens: 512,
  },
  32,
);
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

async function answerOf(engine: Engine, request: GenerateRequest): Promise<Answer> {
  const logprobs: Float32Array[] = [];
  for await (const event of engine.generate({ ...request, sampling: { topLogprobs: 5 } })) {
    if (event.type === 'token' && event.logprobs) {
      const { logprob, top } = event.logprobs;
      logprobs.push(Float32Array.from([logprob, ...top.map((one) => one.logprob)]));
    }
    if (event.type !== 'done') continue;
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

/** Every dtype with a gated MLP and with a plain one, and every cache with every dtype and every kind of heads. */
const CASES: readonly (readonly [dtype: Dtype, kvDtype: KvDtype, name: keyof typeof SHAPES])[] = [
  ['f32', 'f32', 'Llama'],
  ['f32', 'f16', 'Falcon'],
  ['q8', 'f16', 'Llama'],
  ['q8', 'f32', 'Falcon'],
  ['q4', 'f32', 'Falcon'],
  ['q4', 'f16', 'Llama without shared heads'],
  ['w8a8', 'f32', 'Llama without shared heads'],
  ['w8a8', 'f16', 'Falcon'],
];

/** The most requests that had their first token and not their last at one time, as the last worker tells. */
function mostAtOnce(heard: HeardMessages): number {
  const decoding = new Set<number | undefined>();
  let most = 0;
  for (const { message } of heard.all) {
    if (message.type === 'token') decoding.add(message.request);
    if (message.type === 'finished') decoding.delete(message.request);
    most = Math.max(most, decoding.size);
  }
  return most;
}

/** Does something while no worker of the engine runs, so that all that is asked meanwhile reaches them at once. */
async function whileStopped(engine: Engine, act: () => Promise<void>): Promise<void> {
  const signalAll = (signal: NodeJS.Signals): void =>
    engine.workers.forEach(({ ready }) => process.kill(ready.pid, signal));
  signalAll('SIGSTOP');
  await act().finally(() => signalAll('SIGCONT'));
}

describe.each(CASES)('%s, %s cache, %s', (dtype, kvDtype, name) => {
  const shape = SHAPES[name] as ModelShape;
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
    const requests = Array.from({ length: TOGETHER }, () => ({
      ...{ promptIds: randomIds(1 + random.below(70)), maxTokens: STEPS },
      ...fresh,
    }));
    const alone: Answer[] = [];
    for (const request of requests) alone.push(await answerOf(engine, request));
    const heard = new HeardMessages(engine);
    let answers: Promise<Answer>[] = [];
    await whileStopped(engine, async () => {
      answers = requests.map((request) => answerOf(engine, request));
      await until(() => engine.load.running === TOGETHER, 'all requests to be handed out');
    });
    const together = await Promise.all(answers);
    expect(mostAtOnce(heard)).toBeGreaterThan(TOGETHER / 2);
    for (const [index, answer] of together.entries()) expectSame(answer, alone[index] as Answer);
  });

  test('wherever the context is cut, a prompt gets what it gets from one worker', async () => {
    for (const [tokens, ends] of [
      [67, [1, 35, 66]],
      [130, [33, 97, 129]],
    ] as const) {
      const request = { promptIds: randomIds(tokens), maxTokens: 4, ...fresh };
      const single = await answerOf(engine, { ...request, strategy: 'single' });
      for (const first of ends)
        expectSame(await answerOf(engine, { ...request, partition: [first, tokens - first] }), single);
    }
  });

  test('a chat goes on from kept rows as it would without them', async () => {
    let turn: number[] = [];
    let kept = 0;
    for (const tokens of [60, 9, 30, 21]) {
      turn = [...turn, ...randomIds(tokens)];
      const without = await answerOf(engine, { promptIds: turn, maxTokens: FEW_STEPS, ...fresh });
      const answer = await answerOf(engine, { promptIds: turn, maxTokens: FEW_STEPS });
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
      without.push(await answerOf(engine, { promptIds: ids, maxTokens: FEW_STEPS, ...fresh }));
    await answerOf(engine, { promptIds, maxTokens: 1 });
    const answers = await Promise.all(
      prompts.map((ids) => answerOf(engine, { promptIds: ids, maxTokens: FEW_STEPS })),
    );
    expect(answers.map(({ cachedTokens }) => cachedTokens)).toEqual([88, 87, 70, 40]);
    for (const [index, answer] of answers.entries()) expectSame(answer, without[index] as Answer);
  });
});
