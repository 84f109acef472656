/**
 * Embeddings, and log-probabilities of a prompt's own tokens, against the plain forward pass, on 1, 2 and 3 workers and whatever the strategy, partition and chunk size; then what
 * a checkpoint says of itself, and how a request ends that does not.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Pooling } from '../src/core/request.js';
import { Engine, type EmbedRequest, type EngineOptions } from '../src/index.js';
import { ReferenceModel } from './reference/forward.js';
import { saveHfFolder } from './support/hf-folder.js';
import { saveTalkingLlama } from './support/talking-llama.js';
import { SMALL_CHECKPOINT, SMALL_LLAMA, smallPrompt } from './support/small-llama.js';

/** Of numbers of a vector of length 1: what f32 and, with an f16 cache, 11 bits of a key leave. */
const TOLERANCE = { f32: 2e-5, f16: 2e-3 };
/** Of logarithms of probabilities. */
const LOG_TOLERANCE = { f32: 2e-5, f16: 5e-3 };
const PROMPTS = [smallPrompt(23, 1), smallPrompt(1, 2), smallPrompt(7, 3)];

let folder = '';
let model = '';
let reference: ReferenceModel;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kvr-embeddings-'));
  model = join(folder, 'plain');
  await saveHfFolder(SMALL_CHECKPOINT, model);
  reference = await ReferenceModel.load(SMALL_CHECKPOINT);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function load(options: Partial<EngineOptions>): Promise<Engine> {
  const settings = { threads: 1, calibrate: false, dtype: 'f32', cacheDir: folder } as const;
  return Engine.load({ ...settings, model, ...options });
}

/** By the plain pass: pooled, cut, and brought to length 1. */
function expected(ids: readonly number[], pooling: Pooling, dimensions = SMALL_LLAMA.hidden): number[] {
  const rows = reference.normed(ids);
  const kept = pooling === 'last' ? rows.slice(-1) : rows;
  const mean = Array.from(
    { length: dimensions },
    (_, at) => kept.reduce((sum, row) => sum + (row[at] ?? 0), 0) / kept.length,
  );
  const length = Math.hypot(...mean);
  return mean.map((value) => value / length);
}

const TOP = 3;

/** By the plain pass: of each token but the first, its log-probability and those of the likeliest in its place. */
function expectedLogprobs(ids: readonly number[]): { readonly own: number[]; readonly top: number[] } {
  const rows = ids.slice(1).map((id, at) => {
    const logits = reference.logits(ids.slice(0, at + 1));
    const total = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
    const sorted = [...logits].sort((a, b) => b - a).slice(0, TOP);
    return { own: (logits[id] as number) - total, top: sorted.map((logit) => logit - total) };
  });
  return { own: rows.map(({ own }) => own), top: rows.flatMap(({ top }) => top) };
}

function largestGap(got: ArrayLike<number> | undefined, wanted: readonly number[]): number {
  if (got?.length !== wanted.length) return Infinity;
  return Math.max(...wanted.map((value, at) => Math.abs(value - (got[at] as number))));
}

const CUTS: readonly (Partial<EmbedRequest> & {
  readonly partition: NonNullable<EmbedRequest['partition']>;
})[] = [
  { workers: 1, partition: 'e' },
  { workers: 2, partition: 'e' },
  { workers: 3, partition: 'e' },
  { partition: [1, 22] },
  { partition: [22, 1] },
  { partition: [1, 21, 1] },
  { strategy: 'tsp', partition: [4, 9, 10] },
  { strategy: 'tsp-dense', workers: 2, partition: 'e' },
  { strategy: 'single', partition: 'e' },
];

describe.each([
  { kvDtype: 'f32', chunkTokens: 5 },
  { kvDtype: 'f16', chunkTokens: 512 },
] as const)('$kvDtype cache, chunks of $chunkTokens', ({ kvDtype, chunkTokens }) => {
  let engine: Engine;
  beforeAll(async () => (engine = await load({ workers: 3, kvDtype, chunkTokens })));
  afterAll(() => engine.close());

  test.each(CUTS)(
    '$strategy $workers $partition is the plain pass, for both ways of pooling',
    async (cut) => {
      const ids = PROMPTS[0] as number[];
      for (const pooling of ['last', 'mean'] as const) {
        const { embeddings, promptTokens } = await engine.embed({ inputs: [ids], pooling, ...cut });
        expect(largestGap(embeddings[0], expected(ids, pooling))).toBeLessThan(TOLERANCE[kvDtype]);
        expect(promptTokens).toBe(ids.length);
      }
    },
  );

  test.each(CUTS)('$strategy $workers $partition tells the same of each token of a prompt', async (cut) => {
    const ids = PROMPTS[0] as number[];
    const wanted = expectedLogprobs(ids);
    // A second time too: rows that were kept of the first would tell nothing of their tokens.
    for (const maxTokens of [2, 0]) {
      const { promptLogprobs = [], ...result } = await engine.complete({
        ...cut,
        ...{ promptIds: ids, promptLogprobs: TOP, maxTokens },
      });
      const [first, ...others] = promptLogprobs;
      const all = others.map((one) => one ?? { logprob: 0, top: [] });
      expect(first).toBeNull();
      expect(
        largestGap(
          all.map(({ logprob }) => logprob),
          wanted.own,
        ),
      ).toBeLessThan(LOG_TOLERANCE[kvDtype]);
      const top = all.flatMap((one) => one.top.map(({ logprob }) => logprob));
      expect(largestGap(top, wanted.top)).toBeLessThan(LOG_TOLERANCE[kvDtype]);
      expect([result.completionTokens, result.finishReason]).toEqual([maxTokens, 'length']);
      expect(result.ttftMs).toBeGreaterThan(0);
      if (maxTokens > 0)
        expect(result.tokenIds).toEqual(
          (await engine.complete({ promptIds: ids, maxTokens, ...cut })).tokenIds,
        );
    }
  });

  test('a prompt of one token has nothing that could predict it', async () => {
    const request = { promptIds: [5], promptLogprobs: 0, maxTokens: 1 };
    expect((await engine.complete(request)).promptLogprobs).toEqual([null]);
  });
});

describe('a batch', () => {
  let engine: Engine;
  beforeAll(async () => (engine = await load({ workers: 2, maxRunning: 2, maxWaiting: 8 })));
  afterAll(() => engine.close());

  test('comes in order, whatever is ready first; progress ends at 1; answers run beside it', async () => {
    const inputs = Array.from({ length: 40 }, (_, at) => PROMPTS[at % 3] as number[]);
    const heard: number[] = [];
    const beside = engine.complete({ promptIds: smallPrompt(9, 4), maxTokens: 4 });
    const { embeddings, promptTokens } = await engine.embed({
      inputs,
      onProgress: (part) => heard.push(part),
    });
    expect(promptTokens).toBe(inputs.reduce((sum, ids) => sum + ids.length, 0));
    for (const [at, ids] of inputs.entries())
      expect(largestGap(embeddings[at], expected(ids, 'last'))).toBeLessThan(TOLERANCE.f32);
    expect(heard.at(-1)).toBeCloseTo(1);
    expect((await beside).completionTokens).toBe(4);
  });

  test('fewer dimensions are a cut that is normalised again', async () => {
    const ids = PROMPTS[2] as number[];
    const { embeddings } = await engine.embed({ inputs: [ids], dimensions: 8, pooling: 'mean' });
    expect(largestGap(embeddings[0], expected(ids, 'mean', 8))).toBeLessThan(TOLERANCE.f32);
    const raw = await engine.embed({ inputs: [ids], normalize: false });
    expect(largestGap(raw.embeddings[0], [...(reference.normed(ids).at(-1) ?? [])])).toBeLessThan(1e-4);
  });

  test('an input may fill the context, to the last token', async () => {
    const ids = smallPrompt(SMALL_LLAMA.contextTokens, 5);
    const { promptTokens } = await engine.embed({ inputs: [ids] });
    expect(promptTokens).toBe(SMALL_LLAMA.contextTokens);
    await expect(engine.embed({ inputs: [[...ids, 1]] })).rejects.toMatchObject({ code: 'PROMPT_TOO_LONG' });
  });

  test.each([
    [{ inputs: [] }, 'BAD_INPUT'],
    [{ inputs: new Array<number[]>(2049).fill([1]) }, 'BAD_INPUT'],
    [{ inputs: [[1], []] }, 'BAD_INPUT'],
    [{ inputs: [[1], [SMALL_LLAMA.vocabulary]] }, 'BAD_INPUT'],
    [{ inputs: [[1]], dimensions: SMALL_LLAMA.hidden + 1 }, 'BAD_INPUT'],
    [{ inputs: [[1]], dimensions: 0 }, 'BAD_INPUT'],
    [{ inputs: [[1]], pooling: 'cls' }, 'BAD_INPUT'],
    [{ inputs: [[1]], maxTokens: 3 }, 'BAD_INPUT'],
  ])('refusal %#', async (request, code) => {
    await expect(engine.embed(request as EmbedRequest)).rejects.toMatchObject({ code });
    expect(engine.load).toMatchObject({ running: 0, waiting: 0 });
  });

  test('a cancel ends all of it; what comes after is answered', async () => {
    const leaving = new AbortController();
    const inputs = Array.from({ length: 30 }, (_, at) => smallPrompt(200, at));
    const run = engine.embed({ inputs, signal: leaving.signal, onProgress: () => leaving.abort() });
    await expect(run).rejects.toMatchObject({ code: 'CANCELLED' });
    const { embeddings } = await engine.embed({ inputs: [PROMPTS[0] as number[]] });
    expect(largestGap(embeddings[0], expected(PROMPTS[0] as number[], 'last'))).toBeLessThan(TOLERANCE.f32);
  });

  test('the deadline is that of the whole batch', async () => {
    const inputs = Array.from({ length: 200 }, (_, at) => smallPrompt(400, at));
    await expect(engine.embed({ inputs, deadlineMs: 40 })).rejects.toMatchObject({ code: 'DEADLINE' });
  });
});

/** As sentence-transformers writes them. */
async function madeForEmbeddings(name: string, modules: readonly string[], pooling: object): Promise<string> {
  const made = join(folder, name);
  await saveHfFolder(SMALL_CHECKPOINT, made);
  const list = modules.map((type, idx) => ({
    idx,
    name: `${idx}`,
    path: idx === 0 ? '' : `${idx}_${type}`,
    type: `sentence_transformers.models.${type}`,
  }));
  writeFileSync(join(made, 'modules.json'), JSON.stringify(list));
  mkdirSync(join(made, '1_Pooling'));
  writeFileSync(join(made, '1_Pooling', 'config.json'), JSON.stringify(pooling));
  return made;
}

test('what sentence-transformers wrote beside the weights decides, and the request decides over it', async () => {
  const made = await madeForEmbeddings('mean', ['Transformer', 'Pooling'], {
    pooling_mode_mean_tokens: true,
  });
  const engine = await load({ model: made });
  try {
    const ids = PROMPTS[0] as number[];
    const own = await engine.embed({ inputs: [ids] });
    expect([own.pooling, own.isNormalized]).toEqual(['mean', false]);
    expect(Math.hypot(...(own.embeddings[0] ?? []))).not.toBeCloseTo(1, 3);
    const asked = await engine.embed({ inputs: [ids], pooling: 'last', normalize: true });
    expect(largestGap(asked.embeddings[0], expected(ids, 'last'))).toBeLessThan(TOLERANCE.f32);
  } finally {
    await engine.close();
  }
});

test('a text ends with the token that its tokenizer puts behind, and that token has the last row', async () => {
  const made = join(folder, 'with-end');
  await saveTalkingLlama(made);
  const path = join(made, 'tokenizer.json');
  const json = JSON.parse(readFileSync(path, 'utf8')) as object;
  const single = [{ Sequence: { id: 'A', type_id: 0 } }, { SpecialToken: { id: '<eot>', type_id: 0 } }];
  const special_tokens = { '<eot>': { id: '<eot>', ids: [302], tokens: ['<eot>'] } };
  const post_processor = { type: 'TemplateProcessing', single, pair: [], special_tokens };
  writeFileSync(path, JSON.stringify({ ...json, post_processor }));
  const engine = await load({ model: made });
  try {
    const ids = engine.model.tokenizer.encode('a text');
    expect(ids.at(-1)).toBe(302);
    const { embeddings } = await engine.embed({ inputs: ['a text', ids, ids.slice(0, -1)] });
    expect(embeddings[0]).toEqual(embeddings[1]);
    expect(embeddings[0]).not.toEqual(embeddings[2]);
  } finally {
    await engine.close();
  }
});

test('an encoder is refused by name', async () => {
  const made = join(folder, 'encoder');
  mkdirSync(made);
  writeFileSync(join(made, 'config.json'), JSON.stringify({ model_type: 'bert', hidden_size: 8 }));
  await expect(load({ model: made })).rejects.toMatchObject({
    code: 'UNSUPPORTED_MODEL',
    message: expect.stringMatching(/bert \(an encoder; embeddings are made with decoders/) as unknown,
  });
});
