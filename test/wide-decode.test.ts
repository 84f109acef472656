/**
 * The last worker decodes with the cores of all while the others have nothing to do: the same numbers to the last digit, in
 * every dtype; given back while a prompt is read; and not missed where the compiled model is gone from the disk.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Dtype, DTYPES, type ModelShape } from '../src/core/shape.js';
import { Engine, type EngineOptions } from '../src/index.js';
import { ALL_CORE_IDLE_TOKENS, ALL_CORE_TOKENS } from '../src/worker/compute/requests/pace.js';
import { STEPS_BETWEEN_TRIES } from '../src/worker/compute/decode/all-core-switch.js';
import { seededRandom } from './reference/random.js';
import { randomCheckpoint } from './reference/random-checkpoint.js';
import { TINY_LLAMA } from './reference/shapes.js';
import { saveHfFolder } from './support/hf-folder.js';

/** Wide enough for the kernels to share rows and columns out. */
const SHAPE: ModelShape = {
  ...TINY_LLAMA,
  layers: 3,
  hidden: 512,
  heads: 8,
  headDim: 64,
  feedForward: 1376,
  vocabulary: 1021,
  contextTokens: 1024,
};
const NEW_TOKENS = ALL_CORE_TOKENS + 40;
const PROMPT_TOKENS = 37;
/** Of an answer that goes on beside several prompts. */
const LONG_TOKENS = 800;
/** At least: graphs open one by one behind the first tokens, and both widths are tried in turn. */
const LEAST_WIDE = 20;

let folder = '';
let model = '';
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kvr-wide-'));
  model = join(folder, 'model');
  await saveHfFolder(randomCheckpoint(SHAPE, 5), model);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const random = seededRandom(3);
const promptIds = Array.from({ length: PROMPT_TOKENS }, () => random.below(SHAPE.vocabulary));

function load(options: Partial<EngineOptions>): Promise<Engine> {
  const cacheDir = join(folder, 'cache');
  return Engine.load({ model, cacheDir, workers: 2, threads: 1, calibrate: false, ...options });
}

type Answer = { readonly logprobs: readonly Float32Array[]; readonly ids: readonly number[]; wide: number };

async function answerOf(engine: Engine, maxTokens = NEW_TOKENS): Promise<Answer> {
  const logprobs: Float32Array[] = [];
  const request = { promptIds, maxTokens, partition: 'e' as const, prefixCache: false };
  for await (const event of engine.generate({ ...request, sampling: { topLogprobs: 5 } })) {
    if (event.type === 'token' && event.logprobs) {
      const { logprob, top } = event.logprobs;
      logprobs.push(Float32Array.of(logprob, ...top.map((each) => each.logprob)));
    }
    if (event.type === 'done') return { logprobs, ids: event.result.tokenIds, wide: event.result.wideTokens };
  }
  throw new Error('no result');
}

describe.each(DTYPES)('%s', (dtype: Dtype) => {
  test(
    'the same log-probabilities with all cores as with one, to the last digit',
    { timeout: 120_000 },
    async () => {
      const narrow = await load({ dtype, decodeThreads: 1 });
      const expected = await answerOf(narrow).finally(() => narrow.close());
      expect(expected.wide).toBe(0);
      const wide = await load({ dtype, decodeThreads: 3 });
      try {
        const answer = await answerOf(wide);
        expect(answer.wide).toBeGreaterThanOrEqual(LEAST_WIDE);
        expect(answer.ids).toEqual(expected.ids);
        expect(answer.logprobs).toEqual(expected.logprobs);
      } finally {
        await wide.close();
      }
    },
  );
});

test(
  'a short answer opens nothing, and f32 keeps to its own cores unless told',
  { timeout: 60_000 },
  async () => {
    const engine = await load({ dtype: 'f32' });
    try {
      expect((await answerOf(engine)).wide).toBe(0);
    } finally {
      await engine.close();
    }
    const quantised = await load({ dtype: 'q8' });
    try {
      for (const turn of [1, 2, 3])
        expect([turn, (await answerOf(quantised, ALL_CORE_IDLE_TOKENS)).wide]).toEqual([turn, 0]);
    } finally {
      await quantised.close();
    }
  },
);

test(
  'graphs are opened while there is nothing to do, for answers of some length',
  { timeout: 60_000 },
  async () => {
    const engine = await load({ dtype: 'w8a8' });
    try {
      const first = await answerOf(engine, 2 * ALL_CORE_IDLE_TOKENS);
      expect(first.wide).toBe(0);
      await delay(1_000);
      const second = await answerOf(engine, 2 * ALL_CORE_IDLE_TOKENS);
      expect(second.wide).toBeGreaterThan(0);
      expect(second.logprobs).toEqual(first.logprobs);
    } finally {
      await engine.close();
    }
  },
);

/** Counts tokens that the last worker tells of the first request between its first and its last word on another one's prompt. */
function watchTokensBesidePrompts({ workers }: Engine) {
  const seen = { tokens: 0, wideTokens: 0, isOver: false };
  let first: number | undefined;
  const underWay = new Set<number>();
  workers.at(-1)?.handle.listen((message) => {
    if (message.type === 'progress') underWay.add(message.request);
    else if (message.type === 'prefilled') underWay.delete(message.request);
    else if (message.type === 'finished') seen.isOver ||= message.request === first;
    else if (message.type === 'token') {
      first ??= message.request;
      if (underWay.size === 0 || message.request !== first) return;
      seen.tokens++;
      if (message.onAllCores) seen.wideTokens++;
    }
  });
  return seen;
}

test('while another prompt is read the cores are given back', { timeout: 120_000 }, async () => {
  const engine = await load({ dtype: 'q8', decodeThreads: 2 });
  try {
    // Makes sure that every graph is open for all cores.
    await answerOf(engine);
    await delay(500);
    const seen = watchTokensBesidePrompts(engine);
    const ids = Array.from({ length: 900 }, (_, index) => (index * 31) % SHAPE.vocabulary);
    const other = { promptIds: ids, maxTokens: 1, partition: [450, 450], prefixCache: false };
    const long = answerOf(engine, LONG_TOKENS);
    await delay(20);
    // Enough tokens for the other way to have been tried several times; see step-width.ts.
    while (seen.tokens < 3 * STEPS_BETWEEN_TRIES && !seen.isOver) await engine.complete(other);
    const answer = await long;
    expect(answer.ids).toHaveLength(LONG_TOKENS);
    expect(answer.wide).toBeGreaterThan(0);
    expect(seen.tokens).toBeGreaterThanOrEqual(3 * STEPS_BETWEEN_TRIES);
    expect(seen.wideTokens).toBe(0);
    const alone = await answerOf(engine, LONG_TOKENS);
    expect(alone.ids).toEqual(answer.ids);
    expect(alone.logprobs).toEqual(answer.logprobs);
  } finally {
    await engine.close();
  }
});

test(
  'a compiled model that is gone from the disk costs speed, not answers',
  { timeout: 60_000 },
  async () => {
    const cacheDir = join(folder, 'deleted');
    const engine = await load({ dtype: 'q8', decodeThreads: 2, cacheDir });
    try {
      for (const name of readdirSync(cacheDir)) rmSync(join(cacheDir, name), { recursive: true });
      const answer = await answerOf(engine);
      expect(answer.ids).toHaveLength(NEW_TOKENS);
      expect(answer.wide).toBe(0);
      expect((await answerOf(engine)).ids).toEqual(answer.ids);
    } finally {
      await engine.close();
    }
  },
);
