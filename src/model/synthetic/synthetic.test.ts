import { expect, test } from 'vitest';
import type { MlpWeights } from '../../core/checkpoint.js';
import { KvrError } from '../../core/errors.js';
import { openSynthetic } from './index.js';
import { PAPER_SHAPES, RUNNABLE_SHAPES } from '../../core/published-shapes.js';

function errorOf(name: string): KvrError {
  try {
    openSynthetic(name);
  } catch (error) {
    if (error instanceof KvrError) return error;
    throw error;
  }
  throw new Error(`${name} was accepted`);
}

test.each([
  // Figures of the models' cards; vocabulary and norms included.
  ['llama-7b', 6_738_415_616],
  ['llama-13b', 13_015_864_320],
  ['llama-30b', 32_528_943_616],
  ['llama-3.1-8b', 8_030_261_248],
  ['tinyllama-1.1b', 1_100_048_384],
  ['falcon-7b', 6_921_720_704],
  ['llama-3.2-1b', 1_235_814_400],
  ['mistral-7b', 7_248_023_552],
  ['mixtral-8x7b', 46_702_792_704],
  ['qwen3-0.6b', 596_049_920],
  ['qwen3-8b', 8_190_735_360],
  ['qwen3-30b-a3b', 30_532_122_624],
  ['gemma2-2b', 2_614_341_888],
  ['gemma3-1b', 999_885_952],
  ['smollm3-3b', 3_075_098_624],
])('%s has as many parameters as the published model', (name, parameters) => {
  expect(openSynthetic(`synthetic:${name}`).parameters).toBe(parameters);
});

test('every shape is consistent', () => {
  for (const shape of [...RUNNABLE_SHAPES.values(), ...PAPER_SHAPES.values()]) {
    expect(shape.heads * shape.headDim).toBe(shape.hidden);
    expect(shape.heads % shape.kvHeads).toBe(0);
    expect(shape.headDim % 2).toBe(0);
  }
});

test('options override layers, vocabulary and context', () => {
  const { shape } = openSynthetic('synthetic:llama-7b,layers=2,vocab=1000,context=1048576');
  expect([shape.layers, shape.vocabulary, shape.contextTokens]).toEqual([2, 1000, 1_048_576]);
});

test('a run of rows equals the same rows of the whole matrix, past the end of the block too', async () => {
  const { weight } = (openSynthetic('synthetic:tinyllama-1.1b,layers=1').layer(0).mlp as MlpWeights).up;
  const whole = await weight.read(0, weight.rows);
  expect(whole.length).toBe(5632 * 2048);
  const run = await weight.read(500, 530);
  expect(run).toEqual(whole.slice(500 * 2048, 530 * 2048));
});

test('values have a standard deviation near 0.02 and no two rows are alike', async () => {
  const { weight } = openSynthetic('synthetic:tinyllama-1.1b,layers=1').layer(0).q;
  const values = await weight.read(0, weight.rows);
  const variance = values.reduce((sum, value) => sum + value * value, 0) / values.length;
  expect(Math.sqrt(variance)).toBeCloseTo(0.02, 4);
  const starts = new Set<string>();
  for (let row = 0; row < weight.rows; row++) starts.add(values.slice(row * 2048, row * 2048 + 4).join());
  expect(starts.size).toBe(weight.rows);
});

test('the same name gives the same digest and values, another seed gives others', async () => {
  const [a, b, c] = ['', ',seed=0', ',seed=1'].map((rest) =>
    openSynthetic(`synthetic:falcon-7b,layers=1${rest}`),
  );
  const read = async (checkpoint: typeof a) => (await checkpoint!.layer(0).q.weight.read(3, 4)).slice(0, 8);
  expect(a!.digest).toBe(b!.digest);
  expect(a!.digest).not.toBe(c!.digest);
  expect(await read(a)).toEqual(await read(b));
  expect(await read(a)).not.toEqual(await read(c));
});

test('layers and roles get values of their own', async () => {
  const checkpoint = openSynthetic('synthetic:llama-7b,layers=2');
  const rows = await Promise.all(
    [checkpoint.layer(0).q, checkpoint.layer(0).k, checkpoint.layer(1).q].map(({ weight }) =>
      weight.read(0, 1),
    ),
  );
  expect(rows[0]).not.toEqual(rows[1]);
  expect(rows[0]).not.toEqual(rows[2]);
});

test('norms are ones, and layer norms have zero biases', async () => {
  const { finalNorm } = openSynthetic('synthetic:falcon-7b,layers=1');
  expect(new Set(await finalNorm.weight.read(0, 1))).toEqual(new Set([1]));
  expect(new Set(await finalNorm.bias!.read(0, 1))).toEqual(new Set([0]));
});

test('an unknown name is refused with the list of names', () => {
  expect(errorOf('synthetic:gpt-5').code).toBe('BAD_INPUT');
  expect(errorOf('synthetic:gpt-5').message).toContain('llama-7b, llama-13b, llama-30b, llama-3.1-8b');
});

test('a Falcon that places tokens by distance has no rotary positions', () => {
  const [spec] = openSynthetic('synthetic:falcon-rw-1b,layers=1').shape.specs;
  expect([spec?.attention.rotary, spec?.attention.alibiScale]).toEqual([undefined, 1 / 8]);
});

test.each([
  'layers=0',
  'layers=-1',
  'layers=1.5',
  'layers=NaN',
  'layers=',
  'layers',
  'layers=1025',
  'seed=4294967296',
  'vocab=3',
  'context=1048577',
  'depth=2',
  'toString=1',
  '',
  'layers=1,layers=2',
])('option %j is refused', (option) => {
  expect(errorOf(`synthetic:llama-7b,${option}`).code).toBe('BAD_INPUT');
});

test('closing twice is harmless', async () => {
  const checkpoint = openSynthetic('synthetic:llama-7b,layers=1');
  await checkpoint.close();
  await checkpoint.close();
});
