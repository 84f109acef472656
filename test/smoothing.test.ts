/**
 * Channels that stand out in a layer's input spoil w8a8, which has one step for a whole row, unless they are smoothed:
 * on models made with such channels, and without a change of the function that f32 computes.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Checkpoint } from '../src/core/checkpoint.js';
import { type Dtype, type ModelShape, withSpec } from '../src/core/shape.js';
import { addRow, noSums } from '../src/evaluation/quality/distance.js';
import { windowLogits } from '../src/evaluation/quality/window-logits.js';
import { compileModel } from '../src/model/compile.js';
import { Smoother, smoothedLayer } from '../src/model/smooth/index.js';
import { compileKernels } from '../src/runtime/cpu/compile-kernels.js';
import type { BackendModel } from '../src/runtime/backend/backend.js';
import { openModel } from '../src/runtime/open-model.js';
import { ReferenceModel } from './reference/forward.js';
import { seededRandom } from './reference/random.js';
import { randomCheckpoint } from './reference/random-checkpoint.js';
import { asFalcon, TINY_LLAMA, withHeadDim } from './reference/shapes.js';

const LLAMA: ModelShape = withHeadDim(
  { ...TINY_LLAMA, layers: 3, hidden: 128, heads: 8, feedForward: 192, vocabulary: 97, contextTokens: 256 },
  16,
);
const FALCON: ModelShape = { ...asFalcon(LLAMA), tiedHead: false };
const SHAPES: Readonly<Record<string, ModelShape>> = {
  Llama: LLAMA,
  'Falcon with one norm': FALCON,
  'Falcon with two norms': withSpec({ ...FALCON, kvHeads: 2 }, { sharesNorm: false }),
  'Falcon with a sequential residual': withSpec(FALCON, { residual: 'sequential', sharesNorm: false }),
};
const OUTLIER = 64;
const PROMPT_TOKENS = 128;

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kvr-smoothing-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** 1 for most, 1/OUTLIER for every 29th: dividing by them makes those channels stand out. */
function outliers(width: number): Float32Array {
  return Float32Array.from({ length: width }, (_, i) => (i % 29 === 7 ? 1 / OUTLIER : 1));
}

/** The same function with channels that stand out in the input of every layer but a GELU's. */
function withOutliers(checkpoint: Checkpoint): Checkpoint {
  const { shape } = checkpoint;
  const factors = {
    attention: outliers(shape.hidden),
    mlp: outliers(shape.hidden),
    ...(shape.specs[0]?.mlp.kind === 'gated' && { down: outliers(shape.feedForward) }),
  };
  return { ...checkpoint, layer: (index) => smoothedLayer(checkpoint.layer(index), factors, shape) };
}

async function open(checkpoint: Checkpoint, dtype: Dtype, isSmoothed = true): Promise<BackendModel> {
  const { openSmoothing, ...kernels } = compileKernels();
  const options = { cacheFolder: folder, dtype, ...kernels, ...(isSmoothed && { openSmoothing }) };
  return openModel('cpu', await compileModel(checkpoint, options), { threads: 1 });
}

const PROMPT = Int32Array.from(
  { length: PROMPT_TOKENS },
  (
    (random) => () =>
      random.below(97)
  )(seededRandom(3)),
);

async function logitsOf(model: BackendModel): Promise<Float32Array> {
  const logits = new Float32Array(PROMPT_TOKENS * model.shape.vocabulary);
  for await (const panel of windowLogits(model, PROMPT, 'f32', () => undefined)) {
    logits.set(panel.logits, panel.start * model.shape.vocabulary);
  }
  await model.close();
  return logits;
}

/** Mean divergence from f32's distribution, nats a token, and the change of perplexity. */
function distance(reference: Float32Array, logits: Float32Array): { divergence: number; change: number } {
  const [ours, theirs] = [noSums(), noSums()];
  const vocabulary = logits.length / PROMPT_TOKENS;
  for (let row = 0; row + 1 < PROMPT_TOKENS; row++) {
    const [from, to] = [row * vocabulary, (row + 1) * vocabulary];
    const expected = reference.subarray(from, to);
    addRow(ours, expected, logits.subarray(from, to), PROMPT[row + 1] as number);
    addRow(theirs, expected, expected, PROMPT[row + 1] as number);
  }
  return {
    divergence: ours.divergence / ours.tokens,
    change: Math.exp((ours.surprise - theirs.surprise) / ours.tokens) - 1,
  };
}

describe.each(Object.entries(SHAPES))('%s', (name, shape) => {
  const biases = name !== 'Llama';

  test('the smoothed checkpoint computes the same function', async () => {
    const checkpoint = withOutliers(randomCheckpoint(shape, 5, { biases }));
    const kernels = await compileKernels().openSmoothing!();
    const smoother = await Smoother.start(checkpoint, kernels);
    for (let layer = 0; layer < shape.layers; layer++) await smoother.advance();
    await kernels.close();
    const ids = [...PROMPT.subarray(0, 12)];
    const expected = (await ReferenceModel.load(checkpoint)).logits(ids);
    const logits = (await ReferenceModel.load(smoother.checkpoint)).logits(ids);
    expected.forEach((logit, id) => expect(logits[id]).toBeCloseTo(logit, 9));
    const before = await checkpoint.layer(1).attentionNorm!.weight.read(0, 1);
    const after = await smoother.checkpoint.layer(1).attentionNorm!.weight.read(0, 1);
    expect(Math.max(...after.map(Math.abs))).toBeLessThan(Math.max(...before.map(Math.abs)) / 16);
  });

  test('channels that stand out spoil w8a8, and do not once they are smoothed', async () => {
    const plain = randomCheckpoint(shape, 5, { biases });
    const spoilt = { ...withOutliers(plain), digest: `outliers${plain.digest}` };
    const reference = await logitsOf(await open(plain, 'f32'));
    const untouched = distance(reference, await logitsOf(await open(plain, 'w8a8', false)));
    const rough = distance(reference, await logitsOf(await open(spoilt, 'w8a8', false)));
    const smooth = distance(reference, await logitsOf(await open(spoilt, 'w8a8')));
    expect(rough.divergence).toBeGreaterThan(20 * untouched.divergence);
    expect(smooth.divergence).toBeLessThan(2 * untouched.divergence);
    expect(Math.abs(smooth.change)).toBeLessThan(0.03);
  });

  test('a model without such channels is left as good as it was', async () => {
    const plain = randomCheckpoint(shape, 6, { biases });
    const reference = await logitsOf(await open(plain, 'f32'));
    const rough = distance(reference, await logitsOf(await open(plain, 'w8a8', false)));
    const smooth = distance(reference, await logitsOf(await open(plain, 'w8a8')));
    expect(smooth.divergence).toBeLessThan(1.3 * rough.divergence);
  });
});
