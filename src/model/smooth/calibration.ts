/**
 * Takes a few fixed tokens through the layers in f32, one layer at a time, and chooses each layer's factors on the way.
 * Holds the tokens' residual stream and one layer's activations, whatever the model's size.
 */
import type { Checkpoint, LayerWeights } from '../../core/checkpoint.js';
import type { ModelShape } from '../../core/shape.js';
import { type Activations, chooseFactors, type SampledRows } from './factors.js';
import { attended, gated, gelu, normalized, sum } from './functions.js';
import type { SmoothingKernels } from './kernels.js';
import { passThrough } from './linear-pass.js';

/** One a column of the matrices that read the value; absent where it is left as it is. */
export type LayerFactors = {
  /** What q, k and v read, and in a parallel residual with one norm the MLP too. */
  readonly attention?: Float32Array;
  /** What gate and up read. */
  readonly mlp?: Float32Array;
  /** What o reads, [heads·D]; heads that share values have the same. */
  readonly output?: Float32Array;
  /** What down reads. Only where up's rows can take it: not through a GELU. */
  readonly down?: Float32Array;
};

/** Products of so many rows take hardly longer than reading the weights. */
const CALIBRATION_TOKENS = 16;

/** The begin token, then ids at even distances through the vocabulary. */
function calibrationIds({ bosId, shape }: Pick<Checkpoint, 'bosId' | 'shape'>): number[] {
  const spread = Array.from({ length: CALIBRATION_TOKENS }, (_, i) =>
    Math.floor(((i + 0.5) * shape.vocabulary) / CALIBRATION_TOKENS),
  );
  return bosId === undefined || bosId >= shape.vocabulary ? spread : [bosId, ...spread.slice(1)];
}

export class Calibration {
  readonly #checkpoint: Checkpoint;
  readonly #kernels: SmoothingKernels;
  readonly #rotary: ReturnType<SmoothingKernels['rotary']>;
  #hidden: Activations;

  private constructor(checkpoint: Checkpoint, kernels: SmoothingKernels, hidden: Activations) {
    this.#checkpoint = checkpoint;
    this.#kernels = kernels;
    this.#hidden = hidden;
    this.#rotary = kernels.rotary(checkpoint.shape, hidden.rows);
  }

  static async start(checkpoint: Checkpoint, kernels: SmoothingKernels): Promise<Calibration> {
    const ids = calibrationIds(checkpoint);
    const width = checkpoint.shape.hidden;
    const values = new Float32Array(ids.length * width);
    for (const [row, id] of ids.entries())
      values.set(await checkpoint.embedding.read(id, id + 1), row * width);
    return new Calibration(checkpoint, kernels, { rows: ids.length, width, values });
  }

  /** Goes through the next layer. */
  async layer(weights: LayerWeights): Promise<LayerFactors> {
    const { shape } = this.#checkpoint;
    const entering = this.#hidden;
    const normed = await normalized(entering, weights.attentionNorm, shape);
    const attention = await this.#attention(weights, normed);
    const after = sum(entering, attention.projected);
    const isParallel = shape.residual === 'parallel';
    const sharesNorm = isParallel && !weights.mlpNorm;
    const mlpNorm = weights.mlpNorm ?? weights.attentionNorm;
    const mlpInput = sharesNorm ? normed : await normalized(isParallel ? entering : after, mlpNorm, shape);
    const mlp = await this.#mlp(weights, mlpInput);
    this.#hidden = sum(after, mlp.mixed);
    const ofAttention = sharesNorm ? [...attention.samples, ...mlp.samples] : attention.samples;
    return {
      ...named('attention', chooseFactors({ activations: normed, weights: ofAttention })),
      ...(!sharesNorm && named('mlp', chooseFactors({ activations: mlpInput, weights: mlp.samples }))),
      ...named('output', attention.factors),
      ...named('down', mlp.factors),
    };
  }

  async #attention(weights: LayerWeights, normed: Activations) {
    const { shape } = this.#checkpoint;
    const q = await passThrough(weights.q, normed, this.#kernels);
    const k = await passThrough(weights.k, normed, this.#kernels);
    const v = await passThrough(weights.v, normed, this.#kernels);
    const mixed = attended(q.output, k.output, v.output, shape, this.#rotary);
    const o = await passThrough(weights.o, mixed, this.#kernels);
    return {
      projected: o.output,
      samples: [q.sample, k.sample, v.sample],
      factors: chooseFactors({ activations: mixed, weights: [o.sample], channels: valueChannels(shape) }),
    };
  }

  async #mlp(weights: LayerWeights, input: Activations) {
    const up = await passThrough(weights.up, input, this.#kernels);
    const gate = weights.gate && (await passThrough(weights.gate, input, this.#kernels));
    const inner = gate ? gated(gate.output, up.output) : gelu(up.output);
    const down = await passThrough(weights.down, inner, this.#kernels);
    const samples: readonly SampledRows[] = gate ? [up.sample, gate.sample] : [up.sample];
    const factors = gate && chooseFactors({ activations: inner, weights: [down.sample] });
    return { mixed: down.output, samples, factors };
  }
}

/** For each column that o reads, [heads·D], the column of v, [kvHeads·D], that it is a mixture of. */
export function valueChannels({ heads, kvHeads, headDim }: ModelShape): Int32Array {
  return Int32Array.from({ length: heads * headDim }, (_, column) => {
    const head = Math.floor(column / headDim);
    return Math.floor(head / (heads / kvHeads)) * headDim + (column % headDim);
  });
}

function named<K extends string>(
  key: K,
  factors: Float32Array | undefined,
): Partial<Record<K, Float32Array>> {
  return factors ? ({ [key]: factors } as Record<K, Float32Array>) : {};
}
