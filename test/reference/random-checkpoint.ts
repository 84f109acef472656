/**
 * A checkpoint in memory with seeded random weights for any ModelShape, scaled so that activations stay O(1):
 * a matrix's standard deviation is 1/√columns, norms lie around one. For equivalence tests over many layouts.
 */
import { createHash } from 'node:crypto';
import type {
  Checkpoint,
  LayerWeights,
  LinearWeights,
  NormWeights,
  WeightMatrix,
} from '../../src/core/checkpoint.js';
import type { LayerSpec } from '../../src/core/layers/layer-spec.js';
import { kvElementsPerToken, layerSpec } from '../../src/core/shape.js';
import type { ModelShape } from '../../src/core/shape.js';
import { seededRandom } from './random.js';
import type { Random } from './random.js';

export type RandomCheckpointOptions = {
  /** Biases on every linear layer but the head. */
  readonly biases?: boolean;
};

/** The tokens' spread is wider than the layers' so that different prompts give clearly different logits. */
const HEAD_SCALE = 3;
const BIAS_SCALE = 0.3;
const NORM_SPREAD = 0.2;

/** The same shape, seed and options give the same weights. The whole checkpoint is made at once, in memory. */
export function randomCheckpoint(
  shape: ModelShape,
  seed: number,
  { biases = false }: RandomCheckpointOptions = {},
): Checkpoint {
  const weights = new RandomWeights(shape, seededRandom(seed), biases);
  const embedding = weights.matrix(
    shape.vocabulary,
    shape.hidden,
    shape.tiedHead ? HEAD_SCALE / Math.sqrt(shape.hidden) : 1,
  );
  const layers = Array.from({ length: shape.layers }, (_, index) => weights.layer(layerSpec(shape, index)));
  const finalNorm = weights.norm();
  const head = shape.tiedHead
    ? embedding
    : weights.matrix(shape.vocabulary, shape.hidden, HEAD_SCALE / Math.sqrt(shape.hidden));
  const name = `random:${seed}`;
  return {
    name,
    shape,
    digest: createHash('sha256').update(JSON.stringify({ name, shape, biases })).digest('hex'),
    parameters: weights.parameters,
    eosIds: [],
    bosId: undefined,
    tokenizerFolder: undefined,
    embedding,
    finalNorm,
    head: { weight: head },
    layer: (index) => layerAt(layers, index),
    close: () => Promise.resolve(),
  };
}

function layerAt(layers: readonly LayerWeights[], index: number): LayerWeights {
  const layer = layers[index];
  if (!layer) throw new RangeError(`layer ${index} is not in [0, ${layers.length})`);
  return layer;
}

/** A matrix over an array in memory; reads are copies, as from a file. */
export function memoryMatrix(rows: number, columns: number, data: Float32Array): WeightMatrix {
  if (data.length !== rows * columns) throw new RangeError(`${data.length} values for [${rows}, ${columns}]`);
  return { rows, columns, read: (start, end) => Promise.resolve(data.slice(start * columns, end * columns)) };
}

class RandomWeights {
  parameters = 0;
  private readonly shape: ModelShape;
  private readonly random: Random;
  private readonly biases: boolean;

  constructor(shape: ModelShape, random: Random, biases: boolean) {
    this.shape = shape;
    this.random = random;
    this.biases = biases;
  }

  layer(spec: LayerSpec): LayerWeights {
    const { hidden, heads, headDim } = this.shape;
    const kvWidth = kvElementsPerToken(this.shape) / 2;
    return {
      ...this.layerNorms(spec),
      ...this.queryKeyNorms(spec),
      q: this.linear(heads * headDim, hidden),
      k: this.linear(kvWidth, hidden),
      v: this.linear(kvWidth, hidden),
      o: this.linear(hidden, heads * headDim),
      ...(spec.attention.hasSinks && { sinks: this.matrix(1, heads, 1) }),
      mlp: this.mlp(spec),
    };
  }

  private layerNorms({ norms, sharesNorm }: LayerSpec): Partial<LayerWeights> {
    return {
      ...(norms !== 'after' && { attentionNorm: this.norm() }),
      ...(norms !== 'after' && !sharesNorm && { mlpNorm: this.norm() }),
      ...(norms !== 'before' && { attentionOutputNorm: this.norm(), mlpOutputNorm: this.norm() }),
    };
  }

  private queryKeyNorms({ attention: { queryKeyNorm } }: LayerSpec): Partial<LayerWeights> {
    if (queryKeyNorm === 'none') return {};
    const { heads, kvHeads, headDim } = this.shape;
    const [wide, narrow] = queryKeyNorm === 'head' ? [1, 1] : [heads, kvHeads];
    return {
      qNorm: { weight: this.matrix(1, wide * headDim, NORM_SPREAD, 1) },
      kNorm: { weight: this.matrix(1, narrow * headDim, NORM_SPREAD, 1) },
    };
  }

  private mlp({ mlp }: LayerSpec): LayerWeights['mlp'] {
    const { hidden, feedForward } = this.shape;
    if (mlp.kind === 'plain')
      return { kind: 'dense', up: this.linear(feedForward, hidden), down: this.linear(hidden, feedForward) };
    const gated = (width: number) => ({
      gate: this.linear(width, hidden),
      up: this.linear(width, hidden),
      down: this.linear(hidden, width),
    });
    if (mlp.kind === 'gated') return { kind: 'dense', ...gated(feedForward) };
    const experts = Array.from({ length: mlp.count }, () => gated(mlp.feedForward));
    return { kind: 'experts', router: this.linear(mlp.count, hidden), experts };
  }

  /** RMS norms have no bias, layer norms always have one. */
  norm(): NormWeights {
    const { hidden, norm } = this.shape;
    const weight = this.matrix(1, hidden, NORM_SPREAD, 1);
    return norm === 'layer' ? { weight, bias: this.matrix(1, hidden, NORM_SPREAD) } : { weight };
  }

  matrix(rows: number, columns: number, deviation: number, mean = 0): WeightMatrix {
    this.parameters += rows * columns;
    const data = Float32Array.from({ length: rows * columns }, () => mean + deviation * this.random.normal());
    return memoryMatrix(rows, columns, data);
  }

  private linear(rows: number, columns: number): LinearWeights {
    const weight = this.matrix(rows, columns, 1 / Math.sqrt(columns));
    return this.biases ? { weight, bias: this.matrix(1, rows, BIAS_SCALE) } : { weight };
  }
}
