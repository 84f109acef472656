import { expect, test } from 'vitest';
import { KvrError } from '../../core/errors.js';
import type { LoadedModel } from '../load/load.js';
import type { GenerateRequest } from '../options/request.js';
import type { GenerateEvent, GenerationResult } from '../output/generation.js';
import { embed } from './embed.js';
import type { EmbedRequest } from './embed-request.js';
import { vectorOf } from './vector.js';

type Recipe = LoadedModel['embeddingRecipe'];

function modelOf(embeddingRecipe?: Recipe): Pick<LoadedModel, 'shape' | 'embeddingRecipe'> {
  return { shape: { hidden: 2 } as LoadedModel['shape'], embeddingRecipe };
}

/** Runs a request on an engine that remembers what it is asked for. */
async function run(request: EmbedRequest, recipe?: Recipe, pooled = [3, 4]) {
  const asked: GenerateRequest[] = [];
  async function* generate(one: GenerateRequest): AsyncGenerator<GenerateEvent> {
    asked.push(one);
    if (one.prompt === 'fails') throw new KvrError('WORKER_DIED', 'gone');
    yield { type: 'prefill', fraction: 0.5 };
    await Promise.resolve();
    if (one.signal?.aborted) throw new KvrError('CANCELLED', 'cancelled');
    const result = { pooled: Float32Array.from(pooled), promptTokens: 2, queueMs: 1 };
    yield { type: 'done', result: result as GenerationResult };
  }
  return { asked, result: await embed(request, modelOf(recipe), generate) };
}

test('a cut vector is brought to length 1 again; one of zeros stays as it is', () => {
  const row = Float32Array.of(3, 4, 12);
  expect([...vectorOf(row, { dimensions: 2, isNormalized: true })]).toEqual([...Float32Array.of(0.6, 0.8)]);
  expect([...vectorOf(row, { dimensions: undefined, isNormalized: false })]).toEqual([3, 4, 12]);
  expect([...vectorOf(new Float32Array(2), { dimensions: 1, isNormalized: true })]).toEqual([0]);
});

test('texts and ids become requests that are pooled, and neither use nor keep rows', async () => {
  const { asked, result } = await run({ inputs: ['text', [1, 2], Int32Array.of(3)], priority: 5 });
  const common = { pooling: 'last', prefixCache: false, maxTokens: 1, priority: 5 };
  expect(asked).toMatchObject([
    { ...common, prompt: 'text' },
    { ...common, promptIds: [1, 2] },
    { ...common, promptIds: Int32Array.of(3) },
  ]);
  expect(result).toMatchObject({ promptTokens: 6, queueMs: 1, pooling: 'last', isNormalized: true });
});

test.each([
  [undefined, {}, 'last', true],
  [{ kind: 'pooled', pooling: 'mean', isNormalized: false }, {}, 'mean', false],
  [
    { kind: 'pooled', pooling: 'mean', isNormalized: false },
    { pooling: 'last', normalize: true },
    'last',
    true,
  ],
  [{ kind: 'unsupported', reason: 'x' }, { pooling: 'mean' }, 'mean', true],
] as const)('the request goes before the checkpoint, and that before the default: %#', async (...given) => {
  const [recipe, asked, pooling, isNormalized] = given;
  const { result } = await run({ inputs: ['a'], ...asked }, recipe);
  expect([result.pooling, result.isNormalized]).toEqual([pooling, isNormalized]);
});

test('a checkpoint that asks for what is not done here is told by its reason', async () => {
  const recipe = { kind: 'unsupported', reason: 'modules.json lists the module Dense' } as const;
  await expect(run({ inputs: ['a'] }, recipe)).rejects.toMatchObject({
    code: 'UNSUPPORTED_MODEL',
    message: expect.stringContaining('Dense') as unknown,
  });
});

test('a few inputs are with the engine at once, and progress is that of all', async () => {
  let running = 0;
  let most = 0;
  async function* generate(): AsyncGenerator<GenerateEvent> {
    most = Math.max(most, ++running);
    await Promise.resolve();
    running--;
    const result = { pooled: Float32Array.of(1, 0), promptTokens: 1, queueMs: 0 } as GenerationResult;
    yield { type: 'done', result };
  }
  const heard: number[] = [];
  const inputs = Array.from({ length: 100 }, () => 'a');
  const { embeddings } = await embed(
    { inputs, onProgress: (fraction) => heard.push(fraction) },
    modelOf(),
    generate,
  );
  expect(embeddings).toHaveLength(100);
  expect(most).toBe(8);
  expect(heard).toEqual([...heard].sort((a, b) => a - b));
  expect(heard.at(-1)).toBeCloseTo(1);
});

test('the first failure is told, and the inputs behind it are not begun', async () => {
  const inputs = ['a', 'fails', ...Array.from({ length: 50 }, () => 'b')];
  const begun: string[] = [];
  async function* generate({ prompt = '' }: GenerateRequest): AsyncGenerator<GenerateEvent> {
    begun.push(prompt);
    await Promise.resolve();
    throw new KvrError('WORKER_DIED', prompt);
  }
  await expect(embed({ inputs }, modelOf(), generate)).rejects.toMatchObject({
    code: 'WORKER_DIED',
    message: 'a',
  });
  expect(begun).toHaveLength(8);
});

test('rows of another width than the model are no embeddings', async () => {
  await expect(run({ inputs: ['a'] }, undefined, [1, 2, 3])).rejects.toMatchObject({ code: 'PROTOCOL' });
});
