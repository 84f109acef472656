/**
 * Takes a few fixed tokens through the layers in f32, one layer at a time, and chooses each layer's factors on the way.
 * Holds the tokens' residual stream and one layer's activations, whatever the model's size.
 */
import type { Checkpoint, LayerWeights, NormWeights } from '../../core/checkpoint.js';
import { KvrError } from '../../core/errors.js';
import type { AttentionSpec, LayerSpec, MlpSpec } from '../../core/layers/layer-spec.js';
import { layerSpec, type ModelShape } from '../../core/shape.js';
import { mixExperts } from './experts.js';
import { type Activations, chooseFactors, type SampledRows } from './factors.js';
import { activated, attended, gated, normalized, sum, times, turned } from './functions.js';
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
  #hidden: Activations;
  #layer = 0;

  private constructor(checkpoint: Checkpoint, kernels: SmoothingKernels, hidden: Activations) {
    this.#checkpoint = checkpoint;
    this.#kernels = kernels;
    this.#hidden = hidden;
  }

  static async start(checkpoint: Checkpoint, kernels: SmoothingKernels): Promise<Calibration> {
    const ids = calibrationIds(checkpoint);
    const { hidden: width, embeddingScale } = checkpoint.shape;
    const values = new Float32Array(ids.length * width);
    for (const [row, id] of ids.entries())
      values.set(await checkpoint.embedding.read(id, id + 1), row * width);
    const rows = times({ rows: ids.length, width, values }, embeddingScale);
    return new Calibration(checkpoint, kernels, rows);
  }

  /** Goes through the next layer. */
  async layer(weights: LayerWeights): Promise<LayerFactors> {
    const spec = layerSpec(this.#checkpoint.shape, this.#layer++);
    const entering = this.#hidden;
    const normed = await this.#normed(entering, weights.attentionNorm);
    const attention = await this.#attention(spec, weights, normed);
    const after = sum(entering, await this.#branch(spec, attention.projected, weights.attentionOutputNorm));
    const mlpInput = spec.sharesNorm
      ? normed
      : await this.#normed(spec.residual === 'parallel' ? entering : after, weights.mlpNorm);
    const mlp = await this.#mlp(spec, weights.mlp, mlpInput);
    this.#hidden = sum(after, await this.#branch(spec, mlp.mixed, weights.mlpOutputNorm));
    return {
      ...this.#inputFactors(spec, { normed, mlpInput, attention: attention.samples, mlp: mlp.samples }),
      ...named('output', attention.factors),
      ...named('down', mlp.factors),
    };
  }

  /** Only what a norm gives can be divided: by its weights. */
  #inputFactors({ norms, sharesNorm }: LayerSpec, of: InputsOf): Pick<LayerFactors, 'attention' | 'mlp'> {
    if (norms === 'after') return {};
    // Experts read the same rows as their router, whose scores are to stay as they are.
    if (sharesNorm && of.mlp === undefined) return {};
    const shared = sharesNorm ? [...of.attention, ...(of.mlp ?? [])] : of.attention;
    return {
      ...named('attention', chooseFactors({ activations: of.normed, weights: shared })),
      ...(!sharesNorm &&
        of.mlp &&
        named('mlp', chooseFactors({ activations: of.mlpInput, weights: of.mlp }))),
    };
  }

  async #normed(x: Activations, norm: NormWeights | undefined): Promise<Activations> {
    return norm ? normalized(x, norm, this.#checkpoint.shape) : x;
  }

  async #branch(spec: LayerSpec, x: Activations, norm: NormWeights | undefined): Promise<Activations> {
    return times(await this.#normed(x, norm), spec.residualScale);
  }

  async #attention({ attention: spec }: LayerSpec, weights: LayerWeights, normed: Activations) {
    const { shape } = this.#checkpoint;
    const q = await passThrough(weights.q, normed, this.#kernels);
    const k = await passThrough(weights.k, normed, this.#kernels);
    const v = await passThrough(weights.v, normed, this.#kernels);
    const queries = await this.#placed(spec, q.output, weights.qNorm);
    const keys = await this.#placed(spec, k.output, weights.kNorm);
    const mixed = attended(queries, keys, v.output, { ...shape, scale: spec.scale });
    const o = await passThrough(weights.o, mixed, this.#kernels);
    return {
      projected: o.output,
      samples: [q.sample, k.sample, v.sample],
      factors: chooseFactors({ activations: mixed, weights: [o.sample], channels: valueChannels(shape) }),
    };
  }

  /** Queries or keys with their norm, turned to their positions. */
  async #placed(
    { rotary, queryKeyNorm }: AttentionSpec,
    x: Activations,
    norm: NormWeights | undefined,
  ): Promise<Activations> {
    const { shape } = this.#checkpoint;
    const run = queryKeyNorm === 'head' ? shape.headDim : x.width;
    const steady = norm ? await normalized(x, norm, shape, run) : x;
    return rotary
      ? turned(steady, shape.headDim, { rotary, ...this.#kernels.turns(rotary, x.rows) })
      : steady;
  }

  async #mlp({ mlp: spec }: LayerSpec, weights: LayerWeights['mlp'], input: Activations): Promise<MlpPass> {
    if (spec.kind === 'experts' || weights.kind === 'experts') return this.#experts(spec, weights, input);
    const up = await passThrough(weights.up, input, this.#kernels);
    const gate = weights.gate && (await passThrough(weights.gate, input, this.#kernels));
    const inner = gate
      ? gated(spec.activation, gate.output, up.output)
      : activated(spec.activation, up.output);
    const down = await passThrough(weights.down, inner, this.#kernels);
    const samples: readonly SampledRows[] = gate ? [up.sample, gate.sample] : [up.sample];
    const factors = gate && chooseFactors({ activations: inner, weights: [down.sample] });
    return { mixed: down.output, samples, factors };
  }

  /** Experts are left as they are: each sees a few of the rows, too few to tell its peaks. */
  async #experts(spec: MlpSpec, weights: LayerWeights['mlp'], input: Activations): Promise<MlpPass> {
    if (spec.kind !== 'experts' || weights.kind !== 'experts')
      throw new KvrError('INTERNAL', `an MLP of kind ${spec.kind} has weights of kind ${weights.kind}`);
    return {
      mixed: await mixExperts(spec, weights, input, this.#kernels),
      samples: undefined,
      factors: undefined,
    };
  }
}

type InputsOf = {
  readonly normed: Activations;
  readonly mlpInput: Activations;
  readonly attention: readonly SampledRows[];
  /** undefined where the MLP's input is to stay as it is. */
  readonly mlp: readonly SampledRows[] | undefined;
};

type MlpPass = {
  readonly mixed: Activations;
  readonly samples: readonly SampledRows[] | undefined;
  readonly factors: Float32Array | undefined;
};

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
