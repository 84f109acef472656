/**
 * Every part of a layer's spec, alone and with others, against the plain pass in f64; and in the quantised element types the
 * same numbers to the last digit however a prompt is cut.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AttentionSpec, LayerSpec, MlpSpec } from '../src/core/layers/layer-spec.js';
import { type Dtype, DTYPES, type ModelShape, withSpec } from '../src/core/shape.js';
import { compileModel } from '../src/model/compile.js';
import { compileKernels } from '../src/runtime/cpu/compile-kernels.js';
import { openModel } from '../src/runtime/open-model.js';
import { ReferenceModel } from './reference/forward.js';
import { seededRandom } from './reference/random.js';
import { randomCheckpoint } from './reference/random-checkpoint.js';
import { TINY_LLAMA, withHeadDim, withRotary } from './reference/shapes.js';
import { answerInSlices } from './support/answer-in-slices.js';
import { certainSteps, largestDifference, LOGIT_TOLERANCE } from './support/same-answer.js';

const BASE: ModelShape = withHeadDim(
  { ...TINY_LLAMA, layers: 2, hidden: 64, feedForward: 96, vocabulary: 97, contextTokens: 128 },
  16,
);
const PROMPT_TOKENS = 41;
const STEPS = 6;

function attention(change: Partial<AttentionSpec>, shape = BASE): ModelShape {
  return {
    ...shape,
    specs: shape.specs.map((spec) => ({ ...spec, attention: { ...spec.attention, ...change } })),
  };
}

const EXPERTS: MlpSpec = {
  kind: 'experts',
  count: 5,
  chosen: 2,
  feedForward: 48,
  softmaxOver: 'chosen',
  activation: { kind: 'silu' },
};
const LAYER_NORMS: ModelShape = { ...BASE, norm: 'layer' };
const LOCAL = attention({ windowTokens: 13 });
const AROUND: Partial<LayerSpec> = { norms: 'around', mlp: { kind: 'gated', activation: 'gelu-tanh' } };

const SHAPES: Readonly<Record<string, ModelShape>> = {
  'norms on both sides, embeddings and logits scaled and capped': {
    ...withSpec(BASE, AROUND),
    embeddingScale: 8,
    logitScale: 0.5,
    logitCap: 6,
  },
  'norms behind, and over whole projections': withSpec(attention({ queryKeyNorm: 'projection' }), {
    norms: 'after',
  }),
  'norms on heads, every other layer with a window': {
    ...BASE,
    specs: [
      ...attention({ queryKeyNorm: 'head' }, LOCAL).specs,
      ...attention({ queryKeyNorm: 'head' }).specs,
    ],
  },
  'a cap, a scale, neighbours turned in half of each head, residuals scaled': withSpec(
    withRotary(attention({ scoreCap: 4, scale: 0.2 }), { dims: 8, pairs: 'neighbours' }),
    { residualScale: 0.4 },
  ),
  'sinks and a window': attention({ hasSinks: true }, LOCAL),
  'no positions, layer norms, a plain MLP': withSpec(attention({ rotary: undefined }, LAYER_NORMS), {
    mlp: { kind: 'plain', activation: 'gelu-tanh' },
  }),
  'ALiBi in place of positions, layer norms, a plain MLP': withSpec(
    attention({ rotary: undefined, alibiScale: 0.5 }, LAYER_NORMS),
    { mlp: { kind: 'plain', activation: 'gelu' } },
  ),
  'side by side with one norm, norms on heads': withSpec(attention({ queryKeyNorm: 'head' }, LAYER_NORMS), {
    residual: 'parallel',
    sharesNorm: true,
  }),
  'YaRN, side by side with two norms': withSpec(
    withRotary(BASE, {
      scaling: {
        kind: 'yarn',
        factor: 4,
        betaFast: 32,
        betaSlow: 1,
        originalContextTokens: 16,
        attentionFactor: 1.14,
        isTruncated: false,
      },
    }),
    { residual: 'parallel' },
  ),
  experts: withSpec(BASE, { mlp: EXPERTS }),
  'experts with shares of all, and a dense layer': {
    ...BASE,
    specs: [...withSpec(BASE, { mlp: { ...EXPERTS, softmaxOver: 'all' } }).specs, ...BASE.specs],
  },
  'clamped experts': withSpec(BASE, {
    mlp: { ...EXPERTS, chosen: 3, activation: { kind: 'clamped', limit: 1 } },
  }),
  'heads of a width that no kernel likes': withHeadDim(BASE, 20),
};

/** Slices of one row, around the end of a window, and of odd lengths. */
const CUTS = [[41], [1, 40], [13, 1, 27], [14, 3, 23, 1]];

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kvr-layer-specs-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const PROMPT = ((random) => Array.from({ length: PROMPT_TOKENS }, () => random.below(BASE.vocabulary)))(
  seededRandom(5),
);

async function openAs(shape: ModelShape, dtype: Dtype) {
  const checkpoint = randomCheckpoint(shape, 11, { biases: true });
  const compiled = await compileModel(checkpoint, { cacheFolder: folder, dtype, ...compileKernels() });
  return { checkpoint, model: await openModel('cpu', compiled, { threads: 1 }) };
}

describe.each(Object.entries(SHAPES))('%s', (_, shape) => {
  test('f32 gives the ids and logits of the plain pass, whatever the cut', async () => {
    const { checkpoint, model } = await openAs(shape, 'f32');
    const reference = await ReferenceModel.load(checkpoint);
    const expected = reference.greedy(PROMPT, STEPS);
    const certain = certainSteps(expected);
    for (const sizes of CUTS) {
      const { ids, logits } = await answerInSlices(model, PROMPT, sizes, STEPS);
      const gap = largestDifference(expected.logits, logits);
      expect(gap, `slices of ${sizes.join()}`).toBeLessThan(LOGIT_TOLERANCE);
      expect(ids.slice(0, certain), `slices of ${sizes.join()}`).toEqual(expected.ids.slice(0, certain));
    }
    await model.close();
  });

  test.each(DTYPES.filter((dtype) => dtype !== 'f32'))(
    '%s gives the same numbers to the last digit whatever the cut',
    async (dtype) => {
      const { model } = await openAs(shape, dtype);
      const [whole, ...others] = await Promise.all(
        CUTS.map((sizes) => answerInSlices(model, PROMPT, sizes, STEPS)),
      );
      others.forEach((other, index) => expect(other, `slices of ${CUTS[index + 1]?.join()}`).toEqual(whole));
      expect(whole?.logits.every(Number.isFinite)).toBe(true);
      await model.close();
    },
  );
});
