/**
 * A checkpoint with the channels that stand out in its linear layers' inputs smoothed: the same function in f32, with
 * less lost when activations are rounded to 8 bits a row. Costs nothing at run time. Called by the compiler.
 */
import type { Checkpoint, LayerWeights, LinearWeights, NormWeights } from '../../core/checkpoint.js';
import { KvrError } from '../../core/errors.js';
import type { ModelShape } from '../../core/shape.js';
import { Calibration, type LayerFactors, valueChannels } from './calibration.js';
import type { SmoothingKernels } from './kernels.js';
import { inverses, type Scales, scaledMatrix } from './scaled-matrix.js';

export type { SmoothingKernels } from './kernels.js';

export class Smoother {
  readonly #calibration: Calibration;
  readonly #checkpoint: Checkpoint;
  readonly #factors: LayerFactors[] = [];

  private constructor(checkpoint: Checkpoint, calibration: Calibration) {
    this.#checkpoint = checkpoint;
    this.#calibration = calibration;
  }

  static async start(checkpoint: Checkpoint, kernels: SmoothingKernels): Promise<Smoother> {
    return new Smoother(checkpoint, await Calibration.start(checkpoint, kernels));
  }

  /** Goes through the next layer, which can be read from `checkpoint` then. */
  async advance(): Promise<void> {
    this.#factors.push(await this.#calibration.layer(this.#checkpoint.layer(this.#factors.length)));
  }

  /** The smoothed checkpoint, as far as it was gone through; its files are those of the one underneath. */
  get checkpoint(): Checkpoint {
    const layer = (index: number): LayerWeights => {
      const factors = this.#factors[index];
      if (!factors) throw new KvrError('INTERNAL', `layer ${index} is read before it was smoothed`);
      return smoothedLayer(this.#checkpoint.layer(index), factors, this.#checkpoint.shape);
    };
    return { ...this.#checkpoint, layer, close: () => this.#checkpoint.close() };
  }
}

/** The layer with its factors folded in: into the norms, v's and up's rows on one side, into columns on the other. */
export function smoothedLayer(weights: LayerWeights, factors: LayerFactors, shape: ModelShape): LayerWeights {
  const { attention, output } = factors;
  const mlp = weights.mlpNorm ? factors.mlp : attention;
  const values = output && valueFactors(output, shape);
  return {
    ...weights,
    ...(weights.attentionNorm && { attentionNorm: dividedNorm(weights.attentionNorm, attention) }),
    ...(weights.mlpNorm && { mlpNorm: dividedNorm(weights.mlpNorm, mlp) }),
    q: scaledLinear(weights.q, attention),
    k: scaledLinear(weights.k, attention),
    v: scaledLinear(weights.v, attention, values),
    o: scaledLinear(weights.o, output),
    mlp: smoothedMlp(weights.mlp, mlp, factors.down),
  };
}

function smoothedMlp(
  mlp: LayerWeights['mlp'],
  input: Float32Array | undefined,
  down: Float32Array | undefined,
): LayerWeights['mlp'] {
  if (mlp.kind === 'experts') return mlp;
  return {
    kind: 'dense',
    ...(mlp.gate && { gate: scaledLinear(mlp.gate, input) }),
    up: scaledLinear(mlp.up, input, down),
    down: scaledLinear(mlp.down, down),
  };
}

/** From one factor a column of o to one a row of v. */
function valueFactors(output: Float32Array, shape: ModelShape): Float32Array {
  const factors = new Float32Array(shape.kvHeads * shape.headDim);
  valueChannels(shape).forEach((channel, column) => (factors[channel] = output[column] as number));
  return factors;
}

function dividedNorm(norm: NormWeights, factors: Float32Array | undefined): NormWeights {
  if (!factors) return norm;
  const columns = inverses(factors);
  return {
    weight: scaledMatrix(norm.weight, { columns }),
    ...(norm.bias && { bias: scaledMatrix(norm.bias, { columns }) }),
  };
}

/** Columns times what its input is divided by, rows divided by what is wanted of its output. */
function scaledLinear(
  { weight, bias }: LinearWeights,
  input: Float32Array | undefined,
  output?: Float32Array,
): LinearWeights {
  const rows = output && inverses(output);
  const scales: Scales = { ...(input && { columns: input }), ...(rows && { rows }) };
  return {
    weight: scaledMatrix(weight, scales),
    ...(bias && { bias: rows ? scaledMatrix(bias, { columns: rows }) : bias }),
  };
}
