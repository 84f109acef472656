/**
 * The last worker decodes with the cores of all while the others have nothing to do: the same numbers to the last digit, in
 * every dtype; given back while a prompt is read; and not missed where the compiled model is gone from the disk.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Dtype, DTYPES, type ModelShape } from '../src/core/shape.js';
import { Engine, type EngineOptions } from '../src/index.js';
import { STEPS_BETWEEN_TRIES, TRY_STEPS } from '../src/worker/compute/decode/all-core-switch.js';
import { ALL_CORE_IDLE_TOKENS, ALL_CORE_TOKENS } from '../src/worker/compute/requests/pace.js';
import { seededRandom } from './reference/random.js';
import { randomCheckpoint } from './reference/random-checkpoint.js';
import { TINY_LLAMA, withHeadDim } from './reference/shapes.js';
import { saveHfFolder } from './support/hf-folder.js';
import { until } from './support/until.js';

/** Wide enough for the kernels to share rows and columns out. */
const SHAPE: ModelShape = withHeadDim(
  {
    ...TINY_LLAMA,
    layers: 2,
    hidden: 512,
    heads: 8,
    feedForward: 1376,
    vocabulary: 1021,
    contextTokens: 8192,
  },
  64,
);
const NEW_TOKENS = ALL_CORE_TOKENS + 40;
const PROMPT_TOKENS = 37;
/** More than any test waits for: answers are left once what is looked for was seen. */
const ENDLESS_TOKENS = 8000;
/** Tokens of an answer that all cores made: both widths are tried in turn. */
const WIDE_TOKENS = 20;
/** So many tokens hold at least one whole try of the other width. */
const TOKENS_WITH_TRY = STEPS_BETWEEN_TRIES + TRY_STEPS;
/** Prompts handed in at once, so that there is never none. */
const PROMPTS_AT_ONCE = 3;

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

type Answer = { readonly logprobs: readonly Float32Array[]; readonly ids: readonly number[] };

/** @param isEnough is asked after every token; where it holds the answer is left */
async function answerUntil(engine: Engine, maxTokens: number, isEnough: () => boolean): Promise<Answer> {
  const logprobs: Float32Array[] = [];
  const ids: number[] = [];
  const request = { promptIds, maxTokens, partition: 'e' as const, prefixCache: false };
  for await (const event of engine.generate({ ...request, sampling: { topLogprobs: 5 } })) {
    if (event.type !== 'token' || !event.logprobs) continue;
    const { logprob, top } = event.logprobs;
    logprobs.push(Float32Array.of(logprob, ...top.map((each) => each.logprob)));
    ids.push(event.id);
    if (isEnough()) break;
  }
  return { logprobs, ids };
}

async function wholeAnswer(engine: Engine, maxTokens = NEW_TOKENS): Promise<Answer & { wide: number }> {
  const seen = watchTokens(engine);
  const answer = await answerUntil(engine, maxTokens, () => false);
  seen.stop();
  return { ...answer, wide: seen.wideTokens };
}

/** Counts the tokens that the last worker tells, and those it tells while it has another request's prompt in hand. */
function watchTokens({ workers }: Engine) {
  const seen = { wideTokens: 0, besidePrompts: 0, wideBesidePrompts: 0, stop: () => undefined as void };
  const underWay = new Set<number>();
  const stop = workers.at(-1)?.handle.listen((message) => {
    if (message.type === 'progress') underWay.add(message.request);
    else if (message.type === 'prefilled') underWay.delete(message.request);
    if (message.type !== 'token') return;
    if (message.onAllCores) seen.wideTokens++;
    if (underWay.size === 0) return;
    seen.besidePrompts++;
    if (message.onAllCores) seen.wideBesidePrompts++;
  });
  seen.stop = () => void stop?.();
  return seen;
}

describe.each(DTYPES)('%s', (dtype: Dtype) => {
  test('the same log-probabilities with all cores as with one, to the last digit', async () => {
    const wide = await load({ dtype, decodeThreads: 3 });
    const seen = watchTokens(wide);
    const isEnough = (): boolean => seen.wideTokens >= WIDE_TOKENS;
    const answer = await answerUntil(wide, ENDLESS_TOKENS, isEnough).finally(() => wide.close());
    expect(seen.wideTokens).toBeGreaterThanOrEqual(WIDE_TOKENS);
    const narrow = await load({ dtype, decodeThreads: 1 });
    const expected = await wholeAnswer(narrow, answer.ids.length).finally(() => narrow.close());
    expect(expected.wide).toBe(0);
    expect(answer.ids).toEqual(expected.ids);
    expect(answer.logprobs).toEqual(expected.logprobs);
  });
});

test('a short answer opens nothing, and f32 keeps to its own cores unless told', async () => {
  const engine = await load({ dtype: 'f32' });
  try {
    expect((await wholeAnswer(engine)).wide).toBe(0);
  } finally {
    await engine.close();
  }
  const quantised = await load({ dtype: 'q8' });
  try {
    for (const turn of [1, 2, 3])
      expect([turn, (await wholeAnswer(quantised, ALL_CORE_IDLE_TOKENS)).wide]).toEqual([turn, 0]);
  } finally {
    await quantised.close();
  }
});

test('graphs are opened while there is nothing to do, for answers of some length', async () => {
  const engine = await load({ dtype: 'w8a8' });
  try {
    const first = await wholeAnswer(engine, 2 * ALL_CORE_IDLE_TOKENS);
    expect(first.wide).toBe(0);
    let next = first;
    const isWide = async (): Promise<boolean> => {
      next = await wholeAnswer(engine, 2 * ALL_CORE_IDLE_TOKENS);
      return next.wide > 0;
    };
    await until(isWide, 'graphs to be open for all cores');
    expect(next.logprobs).toEqual(first.logprobs);
  } finally {
    await engine.close();
  }
});

test('while another prompt is read the cores are given back, and lent again after it', async () => {
  const engine = await load({ dtype: 'q8', decodeThreads: 2 });
  try {
    const seen = watchTokens(engine);
    const ids = Array.from({ length: 900 }, (_, index) => (index * 31) % SHAPE.vocabulary);
    const other = { promptIds: ids, maxTokens: 1, partition: [450, 450], prefixCache: false };
    const readPrompts = async (): Promise<void> => {
      while (seen.besidePrompts < TOKENS_WITH_TRY) await engine.complete(other);
    };
    let prompts: Promise<unknown> | undefined;
    let wideBefore: number | undefined;
    const answer = await answerUntil(engine, ENDLESS_TOKENS, () => {
      // Prompts begin once every graph is open for all cores.
      if (seen.wideTokens > 0) prompts ??= Promise.all(Array.from({ length: PROMPTS_AT_ONCE }, readPrompts));
      if (seen.besidePrompts < TOKENS_WITH_TRY) return false;
      wideBefore ??= seen.wideTokens;
      return seen.wideTokens > wideBefore;
    });
    await prompts;
    expect(seen.besidePrompts).toBeGreaterThanOrEqual(TOKENS_WITH_TRY);
    expect(seen.wideBesidePrompts).toBe(0);
    const alone = await wholeAnswer(engine, answer.ids.length);
    expect(alone.ids).toEqual(answer.ids);
    expect(alone.logprobs).toEqual(answer.logprobs);
  } finally {
    await engine.close();
  }
});

test('a compiled model that is gone from the disk costs speed, not answers', async () => {
  const cacheDir = join(folder, 'deleted');
  const engine = await load({ dtype: 'q8', decodeThreads: 2, cacheDir });
  try {
    for (const name of readdirSync(cacheDir)) rmSync(join(cacheDir, name), { recursive: true });
    const answer = await wholeAnswer(engine);
    expect(answer.ids).toHaveLength(NEW_TOKENS);
    expect(answer.wide).toBe(0);
    expect((await wholeAnswer(engine)).ids).toEqual(answer.ids);
  } finally {
    await engine.close();
  }
});
