/**
 * One small random checkpoint of every family, with greedy ids and logits of an independent float64 program: the same ids and
 * logits within 1e-3, however the prompt is cut, and over real workers. Two are part of the repository, the others are not.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Engine, type GenerateRequest } from '../src/index.js';
import { compileModel } from '../src/model/compile.js';
import { openCheckpoint } from '../src/model/open.js';
import type { BackendModel } from '../src/runtime/backend/backend.js';
import { compileKernels } from '../src/runtime/cpu/compile-kernels.js';
import { openModel } from '../src/runtime/open-model.js';
import { answerInSlices } from './support/answer-in-slices.js';
import { COMMITTED_MODELS } from './support/reference-checkpoint.js';
import { LOGIT_TOLERANCE } from './support/same-answer.js';

const BESIDE_CHECKOUT = fileURLToPath(new URL('../../shared/models/families', import.meta.url));

type Case = {
  readonly prompt_ids: number[];
  readonly output_ids: number[];
  /** The first of all logits after the prompt. */
  readonly prompt_logits: number[];
};
type Reference = {
  readonly cases: readonly Case[];
  /** Ends by itself; the token that ends it is the last of output_ids, or the one after. */
  readonly eos_case?: {
    readonly prompt_ids: number[];
    readonly output_ids: number[];
    readonly ended_by: number;
  };
};

const COMMITTED = ['mistral', 'qwen3'];

/** Folders by family. */
function folders(): Map<string, string> {
  const beside = existsSync(BESIDE_CHECKOUT) ? readdirSync(BESIDE_CHECKOUT, { withFileTypes: true }) : [];
  const found = beside.filter((entry) => entry.isDirectory() && entry.name !== 'gguf');
  return new Map([
    ...found.map(({ name }): [string, string] => [name, join(BESIDE_CHECKOUT, name)]),
    ...COMMITTED.map((name): [string, string] => [name, join(COMMITTED_MODELS, name)]),
  ]);
}

function referenceIn(folder: string): Reference {
  return JSON.parse(readFileSync(join(folder, 'reference.json'), 'utf8')) as Reference;
}

let cacheDir = '';
beforeAll(() => {
  cacheDir = mkdtempSync(join(tmpdir(), 'kvr-families-'));
});
afterAll(() => rmSync(cacheDir, { recursive: true, force: true }));

/** A whole answer after one cut; after others as far as shows that it begins with the same rows. */
const CUT_STEPS = 6;

/** Sizes of slices: the whole, lopsided ones, and cuts before, at and after the end of a window of 32. */
function cutsOf(tokens: number): number[][] {
  const cuts = [[tokens], [1, tokens - 1], [tokens - 1, 1], [31, 1, tokens - 32], [32, 32, 1, tokens - 65]];
  return cuts.filter((sizes) => sizes.every((size) => size > 0));
}

describe.each([...folders()])('%s', (_, folder) => {
  const { cases } = referenceIn(folder);
  let model: BackendModel;
  beforeAll(async () => {
    const checkpoint = await openCheckpoint(folder, { cacheFolder: cacheDir });
    const compiled = await compileModel(checkpoint, {
      cacheFolder: cacheDir,
      dtype: 'f32',
      ...compileKernels(),
    });
    await checkpoint.close();
    model = await openModel('cpu', compiled, { threads: 1 });
  });
  afterAll(() => model.close());

  test.each(cases.map((each) => ({ tokens: each.prompt_ids.length, each })))(
    '$tokens tokens: ids and logits of the reference, whatever the cut',
    async ({ tokens, each }) => {
      for (const [index, sizes] of cutsOf(tokens).entries()) {
        const expected = each.output_ids.slice(0, index === 0 ? Infinity : CUT_STEPS);
        const { ids, logits } = await answerInSlices(model, each.prompt_ids, sizes, expected.length);
        const gaps = each.prompt_logits.map((logit, id) => Math.abs(logit - (logits[id] ?? NaN)));
        expect(Math.max(...gaps), `slices of ${sizes.join()}`).toBeLessThan(LOGIT_TOLERANCE);
        expect(ids, `slices of ${sizes.join()}`).toEqual(expected);
      }
    },
  );
});

/** Windows, experts with sinks, positions that depend on the length, and the two that are part of the repository. */
const OVER_WORKERS = ['gemma3_text', 'gpt_oss', 'phi4-mini', ...COMMITTED];
const WORKERS = 3;

describe.each(OVER_WORKERS)('%s over workers', (name) => {
  const folder = folders().get(name);
  const reference = folder === undefined ? { cases: [] } : referenceIn(folder);
  let engine: Engine | undefined;
  beforeAll(async () => {
    if (folder === undefined) return;
    const settings = {
      workers: WORKERS,
      threads: 1,
      calibrate: false,
      dtype: 'f32',
      cacheDir,
      // References are greedy, whatever generation_config.json says.
      samplingDefaults: 'none',
    } as const;
    engine = await Engine.load({ model: folder, ...settings });
  });
  afterAll(() => engine?.close());

  test('gives the ids of the reference, with and without kept rows', async ({ skip }) => {
    if (!engine) return skip('this checkpoint is not part of the repository');
    for (const { prompt_ids: promptIds, output_ids: ids } of reference.cases) {
      for (const [index, cut] of chainCuts(promptIds.length).entries()) {
        const expected = ids.slice(0, index === 0 ? Infinity : CUT_STEPS);
        const found = await generate(engine, { promptIds, maxTokens: expected.length, ...cut });
        expect(found.tokenIds, JSON.stringify(cut)).toEqual(expected);
      }
    }
  });

  test('ends by itself where the reference does', async ({ skip }) => {
    if (!engine) return skip('this checkpoint is not part of the repository');
    const ending = reference.eos_case;
    if (!ending) return skip('the reference has no such case');
    const result = await generate(engine, {
      promptIds: ending.prompt_ids,
      maxTokens: ending.output_ids.length + 8,
    });
    expect(result.finishReason).toBe('stop');
    expect(result.tokenIds.slice(0, ending.output_ids.length)).toEqual(ending.output_ids);
  });
});

/** Twice with kept rows: the second time there are some. */
function chainCuts(tokens: number): GenerateRequest[] {
  const parts = [
    [1, tokens - 1],
    [tokens - 1, 1],
    [31, tokens - 33, 2],
  ].filter((sizes) => sizes.every((size) => size > 0));
  const cuts: GenerateRequest[] = [
    { workers: 1, partition: 'e' },
    ...(tokens >= WORKERS ? [{ workers: WORKERS, partition: 'e' as const }] : []),
    ...parts.map((partition) => ({ partition })),
    ...(tokens >= WORKERS ? [{ strategy: 'tsp' as const, partition: 'e' as const }] : []),
  ];
  const apart = cuts.map((cut) => ({ ...cut, prefixCache: false }));
  return [...apart, { workers: 2, prefixCache: true }, { workers: 2, prefixCache: true }];
}

async function generate(engine: Engine, request: GenerateRequest) {
  for await (const event of engine.generate(request)) if (event.type === 'done') return event.result;
  throw new Error('the answer has no end');
}
