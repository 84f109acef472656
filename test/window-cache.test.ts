/**
 * Models whose layers see a window, with prompts many windows long: caches that keep only a window's rows answer as a plain
 * pass over all rows does, whatever the cut and the number of workers, alone and together, and with rows that are kept of
 * earlier prompts.
 */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DTYPES, KV_DTYPES, type KvDtype } from '../src/core/shape.js';
import { Engine, type GenerateRequest } from '../src/index.js';
import { compileModel } from '../src/model/compile.js';
import { openCheckpoint } from '../src/model/open.js';
import { compileKernels } from '../src/runtime/cpu/compile-kernels.js';
import { BLOCK_TOKENS } from '../src/prefix-store/block-hashes.js';
import { openModel } from '../src/runtime/open-model.js';
import { ReferenceModel } from './reference/forward.js';
import { seededRandom } from './reference/random.js';
import { answerInSlices } from './support/answer-in-slices.js';
import { COMMITTED_MODELS } from './support/reference-checkpoint.js';
import { certainSteps, type Expected, expectSameAnswer } from './support/same-answer.js';

/** A window of 32 in every layer. */
const MODEL = 'mistral';
const PROMPT_TOKENS = 700;
/** More than a window, and more than a cache of windows takes before older rows go. */
const STEPS = 150;

let folder = '';
let modelFolder = '';
let reference: ReferenceModel;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kvr-windows-'));
  modelFolder = join(folder, 'model');
  cpSync(join(COMMITTED_MODELS, MODEL), modelFolder, { recursive: true });
  const path = join(modelFolder, 'config.json');
  const config = JSON.parse(readFileSync(path, 'utf8')) as object;
  writeFileSync(path, JSON.stringify({ ...config, max_position_embeddings: 4096 }));
  const checkpoint = await openCheckpoint(modelFolder, { cacheFolder: folder });
  reference = await ReferenceModel.load(checkpoint);
  await checkpoint.close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function promptOf(tokens: number, seed: number): number[] {
  const random = seededRandom(seed);
  return Array.from({ length: tokens }, () => 3 + random.below(390));
}

function expectedOf(promptIds: number[], steps: number): Expected {
  return reference.greedy(promptIds, steps);
}

describe('in this process', () => {
  const sizes = [
    [1, 699],
    [330, 20, 350],
    [287, 1, 412],
  ];

  /** Every type of weights, with one and the other type of keys and values in turn. */
  const types = DTYPES.map((dtype, at) => ({ dtype, kvDtype: KV_DTYPES[at % KV_DTYPES.length] as KvDtype }));

  test.each(types)(
    '$dtype over $kvDtype: the same as a cache of all rows, to the last digit, whatever the cut',
    async ({ dtype, kvDtype }) => {
      const checkpoint = await openCheckpoint(modelFolder, { cacheFolder: folder });
      const compiled = await compileModel(checkpoint, { cacheFolder: folder, dtype, ...compileKernels() });
      await checkpoint.close();
      const model = await openModel('cpu', compiled, { threads: 1 });
      const prompt = promptOf(PROMPT_TOKENS, 3);
      const whole = await answerInSlices(model, prompt, [PROMPT_TOKENS], STEPS, {
        kvDtype,
        keepsWindows: false,
      });
      for (const cut of sizes)
        expect(
          await answerInSlices(model, prompt, cut, STEPS, { kvDtype }),
          `slices of ${cut.join()}`,
        ).toEqual(whole);
      if (dtype === 'f32' && kvDtype === 'f32') {
        const expected = expectedOf(prompt, STEPS);
        const certain = certainSteps(expected);
        expect(certain).toBeGreaterThan(24);
        expect(whole.ids.slice(0, certain)).toEqual(expected.ids.slice(0, certain));
      }
      await model.close();
    },
  );
});

describe('over workers', () => {
  let engine: Engine;
  beforeAll(async () => {
    const settings = { workers: 3, threads: 1, calibrate: false, dtype: 'f32', cacheDir: folder } as const;
    engine = await Engine.load({ model: modelFolder, ...settings, chunkTokens: 200, prefixCacheBytes: 50e6 });
  });
  afterAll(() => engine.close());

  const cuts: GenerateRequest[] = [
    { partition: 'e' },
    { partition: [1, 699] },
    { partition: [690, 5, 5] },
    { partition: [330, 20, 350] },
    { strategy: 'tsp', partition: 'e' },
    { workers: 2, partition: 'e' },
  ];

  test('long prompts get the ids and logits of the plain pass, one after another and all at once', async () => {
    const promptIds = promptOf(PROMPT_TOKENS, 3);
    const expected = expectedOf(promptIds, 20);
    const answer = (cut: GenerateRequest) =>
      expectSameAnswer(engine, { promptIds, maxTokens: 20, prefixCache: false, ...cut }, expected);
    for (const cut of cuts) await answer(cut);
    await Promise.all(cuts.map(answer));
  });

  test('prompts go on from the end of an answer, near the end of a prompt, and from whole blocks', async () => {
    const first = promptOf(PROMPT_TOKENS, 5);
    const answer = async (promptIds: number[]) => {
      const request = { promptIds, maxTokens: 40, workers: 1, partition: 'e' } as const;
      return expectSameAnswer(engine, request, expectedOf(promptIds, 40));
    };
    const { tokenIds } = await answer(first);
    const lengths = [];
    for (const [same, more] of [
      [[...first, ...tokenIds], 30],
      [first.slice(0, 660), 25],
      [first.slice(0, 600), 150],
      [first.slice(0, 400), 350],
      [first, 0],
    ] as const)
      lengths.push((await answer([...same, ...promptOf(more, more)])).cachedTokens);
    expect(lengths).toEqual([739, 660, 512, 0, 698]);
  });

  test('a chain goes on from rows that another slice has kept', async () => {
    const first = promptOf(PROMPT_TOKENS, 6);
    const expected = expectedOf(first, 8);
    await expectSameAnswer(engine, { promptIds: first, maxTokens: 8, partition: [300, 400] }, expected);
    const next = [...first, ...promptOf(500, 7)];
    for (const partition of ['e', [720, 480], [650, 50, 500]] as const)
      await expectSameAnswer(
        engine,
        {
          promptIds: next,
          maxTokens: 8,
          ...(typeof partition === 'string' ? { partition } : { partition: [...partition] }),
        },
        expectedOf(next, 8),
      );
  });
});

test('rows that windows have let go are on disk all the same, and are found after a restart', async () => {
  const disk = join(folder, 'disk');
  const load = () =>
    Engine.load({
      ...{ model: modelFolder, workers: 1, threads: 1, calibrate: false, dtype: 'f32', cacheDir: folder },
      ...{ prefixCacheDir: disk, prefixCacheBytes: 50e6 },
    });
  const first = promptOf(PROMPT_TOKENS, 8);
  const before = await load();
  await expectSameAnswer(before, { promptIds: first, maxTokens: 3 }, expectedOf(first, 3));
  const blocks = Math.floor((PROMPT_TOKENS + 2) / BLOCK_TOKENS);
  const stored = () =>
    readdirSync(disk, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.rows'));
  await expect.poll(() => stored().length, { timeout: 120_000 }).toBe(blocks);
  await before.close();
  const after = await load();
  const next = [...first, ...promptOf(200, 9)];
  const result = await expectSameAnswer(after, { promptIds: next, maxTokens: 40 }, expectedOf(next, 40));
  expect(result.cachedTokens).toBe(blocks * BLOCK_TOKENS);
  await after.close();
});
