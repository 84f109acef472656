/**
 * N workers against one, and one against the plain forward pass, on models of every layout made here: whatever the
 * strategy, partition and chunk size, the same ids and, within 1e-3, the same logits; with an f16 cache within F16_TOLERANCE.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Dtype, type KvDtype, type ModelShape, withSpec } from '../src/core/shape.js';
import { Engine, type GenerateRequest } from '../src/index.js';
import { ReferenceModel } from './reference/forward.js';
import { seededRandom } from './reference/random.js';
import { randomCheckpoint } from './reference/random-checkpoint.js';
import { saveHfFolder } from './support/hf-folder.js';
import { type Expected, expectSameAnswer } from './support/same-answer.js';
import { asFalcon, TINY_LLAMA, withHeadDim, withRotary } from './reference/shapes.js';

const STEPS = 6;
const PROMPT_TOKENS = 23;
/** Relays of relays take five workers; what they do does not depend on the layout or the cache. */
const MOST_WORKERS = 5;
const WORKERS = 3;
const DTYPE: Dtype = 'f32';
/** Keys and values have 11 significant bits then. */
const F16_TOLERANCE = 5e-3;

/** What int8 keys and values give is another test's matter: int8-keys.test.ts. */
const CACHES = ['f32', 'f16'] as const satisfies readonly KvDtype[];

const LLAMA: ModelShape = { ...TINY_LLAMA, layers: 3 };
const FALCON = asFalcon(LLAMA);

type Layout = {
  readonly name: string;
  readonly shape: ModelShape;
  readonly biases?: boolean;
  /** WORKERS unless given. */
  readonly workers?: number;
  /** What is computed at once; all of a slice unless given. */
  readonly chunkTokens?: number;
  /** With an f16 cache, too: how rows are held is a matter of the number of heads, and of nothing else of a layout. */
  readonly isHeldBothWays?: boolean;
};
const LAYOUTS: readonly Layout[] = [
  { name: 'Llama, grouped heads', shape: LLAMA, workers: MOST_WORKERS, isHeldBothWays: true },
  {
    name: 'Llama, full heads, biases, tied head, linear rope scaling',
    shape: withRotary({ ...LLAMA, kvHeads: 4, tiedHead: true }, { scaling: { kind: 'linear', factor: 2 } }),
    biases: true,
    chunkTokens: 3,
  },
  {
    name: 'Llama, one KV head, head_dim of its own, llama3 rope scaling',
    shape: withRotary(withHeadDim({ ...LLAMA, kvHeads: 1 }, 16), {
      scaling: {
        kind: 'llama3',
        factor: 8,
        lowFrequencyFactor: 1,
        highFrequencyFactor: 4,
        originalContextTokens: 32,
      },
    }),
    chunkTokens: 1,
  },
  { name: 'Llama, a single layer', shape: { ...LLAMA, layers: 1 } },
  { name: 'Falcon 7B: one KV head, parallel, one norm', shape: FALCON, isHeldBothWays: true },
  {
    name: 'Falcon 40B: grouped heads, two parallel norms, biases, untied',
    shape: withSpec({ ...FALCON, kvHeads: 2, tiedHead: false }, { sharesNorm: false }),
    biases: true,
    chunkTokens: 8,
  },
  {
    name: 'Falcon, full heads, sequential, biases',
    shape: withSpec({ ...FALCON, kvHeads: 4 }, { residual: 'sequential', sharesNorm: false }),
    biases: true,
    chunkTokens: 1,
  },
];

type Cut = { readonly label: string; readonly cut: GenerateRequest };

/** Even cuts over several workers, lopsided ones, and cuts at every odd place. */
const CUTS: readonly Cut[] = [
  { label: 'one worker', cut: { workers: 1, partition: 'e' } },
  { label: 'single', cut: { strategy: 'single' } },
  { label: '2 workers, even', cut: { workers: 2, partition: 'e' } },
  { label: '3 workers, even', cut: { workers: 3, partition: 'e' } },
  { label: '5 workers, even', cut: { workers: 5, partition: 'e' } },
  { label: '2 workers, one token in the first slice', cut: { partition: [1, 22] } },
  { label: '2 workers, one token in the last slice', cut: { partition: [22, 1] } },
  { label: '3 workers, lopsided', cut: { partition: [1, 21, 1] } },
  { label: '5 workers, lopsided', cut: { partition: [1, 1, 19, 1, 1] } },
  { label: 'TSP, 2 workers', cut: { strategy: 'tsp', workers: 2, partition: 'e' } },
  { label: 'TSP, 5 workers', cut: { strategy: 'tsp', workers: 5, partition: 'e' } },
  { label: 'TSP, lopsided', cut: { strategy: 'tsp', partition: [1, 21, 1] } },
  { label: 'dense TSP, 3 workers', cut: { strategy: 'tsp-dense', workers: 3, partition: 'e' } },
];

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kvr-equivalence-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function expectedOf(reference: ReferenceModel, ids: readonly number[], kvDtype: KvDtype = 'f32'): Expected {
  return withTolerance(reference.greedy(ids, STEPS), kvDtype);
}

function withTolerance(expected: Expected, kvDtype: KvDtype): Expected {
  return kvDtype === 'f16' ? { ...expected, tolerance: F16_TOLERANCE } : expected;
}

function promptOf(shape: ModelShape, tokens: number, seed: number): number[] {
  const random = seededRandom(seed);
  return Array.from({ length: tokens }, () => random.below(shape.vocabulary));
}

/** Those that so many workers can do. */
function cutsFor(workers: number): Cut[] {
  const rankCount = ({ cut }: Cut): number =>
    Array.isArray(cut.partition) ? cut.partition.length : (cut.workers ?? 1);
  return CUTS.filter((cut) => rankCount(cut) <= workers);
}

const EVERY_LAYOUT = LAYOUTS.flatMap((layout) =>
  (layout.isHeldBothWays ? CACHES : (['f32'] as const)).map((kvDtype) => ({
    ...layout,
    kvDtype,
    workers: kvDtype === 'f32' ? (layout.workers ?? WORKERS) : WORKERS,
  })),
);

describe.each(EVERY_LAYOUT)('$name, $kvDtype cache', (each) => {
  const { shape, biases = false, kvDtype, workers, chunkTokens } = each;
  const checkpoint = randomCheckpoint(shape, 7, { biases });
  const promptIds = promptOf(shape, PROMPT_TOKENS, 1);
  let engine: Engine;
  let reference: ReferenceModel;
  let expected: Expected;
  beforeAll(async () => {
    const model = join(folder, `${LAYOUTS.findIndex((layout) => layout.shape === shape)}`);
    await saveHfFolder(checkpoint, model);
    reference = await ReferenceModel.load(checkpoint);
    expected = expectedOf(reference, promptIds, kvDtype);
    engine = await Engine.load({
      model,
      workers,
      threads: 1,
      calibrate: false,
      dtype: DTYPE,
      kvDtype,
      ...(chunkTokens !== undefined && { chunkTokens }),
      cacheDir: folder,
    });
  });
  afterAll(() => engine.close());

  test('the folder is read as the shape it was made from', () => {
    expect(engine.model.shape).toEqual(shape);
  });

  test.each(cutsFor(workers))('$label', async ({ cut }) => {
    const result = await expectSameAnswer(engine, { promptIds, maxTokens: STEPS, ...cut }, expected);
    expect(result.timeline.map(({ rank }) => rank)).toEqual(result.partition.map((_, rank) => rank));
    expect(result.partition.reduce((sum, size) => sum + size, 0)).toBe(PROMPT_TOKENS);
  });

  test('prompts of one token, and of fewer tokens than workers', async () => {
    for (const tokens of [1, 2, 4].filter((each) => each < workers)) {
      const ids = promptOf(shape, tokens, tokens);
      const request = { promptIds: ids, maxTokens: STEPS, partition: 'e' } as const;
      const result = await expectSameAnswer(engine, request, expectedOf(reference, ids, kvDtype));
      expect(result.partition).toEqual(new Array(tokens).fill(1));
    }
  });
});

/** More rows than one attention call takes, so that a chunk attends to its own earlier rows in the cache. */
const LONG_TOKENS = 700;

describe('a long prompt', () => {
  const promptIds = promptOf(LLAMA, LONG_TOKENS, 3);
  const checkpoint = randomCheckpoint({ ...LLAMA, contextTokens: 1024 }, 9);
  let model = '';
  let exact: Expected;
  beforeAll(async () => {
    model = join(folder, 'long');
    await saveHfFolder(checkpoint, model);
    exact = expectedOf(await ReferenceModel.load(checkpoint), promptIds);
  });

  test.each([
    [96, 'f32'],
    [LONG_TOKENS, 'f16'],
  ] as const)('%i rows in a chunk, %s cache, on one worker and on two', async (chunkTokens, kvDtype) => {
    const settings = { model, workers: 2, threads: 1, calibrate: false, cacheDir: folder } as const;
    const engine = await Engine.load({ ...settings, chunkTokens, kvDtype });
    try {
      for (const cut of [{ workers: 1 }, { partition: [100, 600] }])
        await expectSameAnswer(
          engine,
          { promptIds, maxTokens: STEPS, ...cut },
          withTolerance(exact, kvDtype),
        );
    } finally {
      await engine.close();
    }
  });
});
