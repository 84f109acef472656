import { expect, test } from 'vitest';
import { type ModelShape, withSpec } from '../../src/core/shape.js';
import { argmax, erf, gelu, softmax } from './functions.js';
import { ReferenceModel } from './forward.js';
import { randomCheckpoint } from './random-checkpoint.js';
import { rotaryFrequencies, rotate } from './rotary.js';
import { asFalcon, TINY_LLAMA, withHeadDim, withRotary } from './shapes.js';

const LLAMA: ModelShape = withHeadDim(
  { ...TINY_LLAMA, hidden: 24, feedForward: 40, vocabulary: 50, contextTokens: 128 },
  6,
);
const ROTARY = LLAMA.specs[0]!.attention.rotary!;

const FALCON: ModelShape = withSpec({ ...asFalcon(LLAMA), kvHeads: 2 }, { sharesNorm: false });

const SHAPES: readonly [string, ModelShape][] = [
  ['llama, grouped heads', LLAMA],
  [
    'llama, tied head, linear scaling',
    withRotary({ ...LLAMA, tiedHead: true }, { scaling: { kind: 'linear', factor: 4 } }),
  ],
  ['falcon, two norms', FALCON],
  ['falcon, one shared norm, one KV head', withSpec({ ...FALCON, kvHeads: 1 }, { sharesNorm: true })],
  ['falcon, sequential', withSpec(FALCON, { residual: 'sequential' })],
];

test('erf has its published values and is odd', () => {
  for (const [x, value] of [
    [0.5, 0.5204998778130465],
    [1, 0.8427007929497149],
    [3, 0.9999779095030014],
  ] as const) {
    expect(erf(x)).toBeCloseTo(value, 14);
    expect(erf(-x)).toBeCloseTo(-value, 14);
  }
  expect(gelu(0)).toBe(0);
  expect(gelu(40)).toBe(40);
});

test('softmax survives great scores and argmax tells the first best and its margin', () => {
  const [first, second] = softmax(Float64Array.of(1000, 1000 - Math.log(3)));
  expect(first).toBeCloseTo(0.75, 12);
  expect(second).toBeCloseTo(0.25, 12);
  expect(argmax(Float64Array.of(1, 4, 2.5))).toEqual({ index: 1, margin: 1.5 });
  expect(argmax(Float64Array.of(7, 7))).toEqual({ index: 0, margin: 0 });
});

test('rotary products depend on the distance of two positions only', () => {
  const dot = (position: number, other: number): number => {
    const a = Float64Array.of(1, -2, 0.5, 3, 1, 2);
    const b = Float64Array.of(0.3, 1, 2, -1, 0.7, 1);
    rotate(a, 6, { position, promptTokens: 1 }, ROTARY);
    rotate(b, 6, { position: other, promptTokens: 1 }, ROTARY);
    return a.reduce((sum, x, i) => sum + x * b[i]!, 0);
  };
  expect(dot(107, 102)).toBeCloseTo(dot(5, 0), 10);
  expect(dot(107, 102)).not.toBeCloseTo(dot(107, 101), 3);
});

test('llama3 scaling keeps short waves, slows long ones by the factor and mixes smoothly between', () => {
  const scaling = {
    kind: 'llama3',
    factor: 8,
    lowFrequencyFactor: 1,
    highFrequencyFactor: 4,
    originalContextTokens: 8192,
  } as const;
  const rotary = { ...ROTARY, dims: 128, theta: 500_000 };
  const plain = rotaryFrequencies(rotary, 1);
  const scaled = rotaryFrequencies({ ...rotary, scaling }, 1);
  let previousRatio = 1;
  for (const [i, frequency] of plain.entries()) {
    const waveTokens = (2 * Math.PI) / frequency;
    const ratio = scaled[i]! / frequency;
    if (waveTokens <= 8192 / 4) expect(ratio).toBe(1);
    if (waveTokens >= 8192) expect(ratio).toBeCloseTo(1 / 8, 12);
    expect(ratio).toBeLessThanOrEqual(previousRatio);
    previousRatio = ratio;
  }
  const between = [...plain.keys()].filter((i) => scaled[i]! < plain[i]! && scaled[i]! > plain[i]! / 7.99);
  expect(between.length).toBeGreaterThan(3);
});

for (const biases of [false, true]) {
  for (const [name, shape] of SHAPES) {
    test(`random checkpoint (${name}, ${biases ? 'with' : 'without'} biases): same seed same logits, of order one`, async () => {
      const ids = [3, 1, 4, 1, 5, 9, 2, 6];
      const logits = async (seed: number): Promise<Float64Array> =>
        (await ReferenceModel.load(randomCheckpoint(shape, seed, { biases }))).logits(ids);
      const first = await logits(1);
      expect(first).toHaveLength(shape.vocabulary);
      expect([...first]).toEqual([...(await logits(1))]);
      expect([...first]).not.toEqual([...(await logits(2))]);
      const deviation = Math.sqrt(first.reduce((sum, x) => sum + x * x, 0) / first.length);
      expect(deviation).toBeGreaterThan(0.5);
      expect(deviation).toBeLessThan(20);
    });
  }
}

test('a forked sequence goes on by itself and leaves the first as it was', async () => {
  const model = await ReferenceModel.load(randomCheckpoint(LLAMA, 7));
  const trunk = model.start();
  trunk.feed([1, 2, 3]);
  const branch = trunk.fork();
  branch.feed([9, 9]);
  expect(trunk.length).toBe(3);
  expect(branch.length).toBe(5);
  expect([...trunk.feed([4])]).toEqual([...model.logits([1, 2, 3, 4])]);
});
