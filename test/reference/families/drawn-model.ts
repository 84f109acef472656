/**
 * A small model of one family: what it is (a shape and weights, for the reference pass) and what its files say (a config and
 * tensors, for the product). The two are made side by side from the facts of the family, and neither from the other.
 */
import type { Checkpoint, LayerWeights, LinearWeights, NormWeights } from '../../../src/core/checkpoint.js';
import type { ModelShape } from '../../../src/core/shape.js';
import type { TensorToWrite } from '../../../src/model/checkpoint/safetensors-writer.js';
import { memoryMatrix, randomCheckpoint } from '../random-checkpoint.js';
import type { Random } from '../random.js';
import type { Json } from './draw.js';
import { type Outer, tensorsOf, type Write } from './layout.js';

export type DrawnModel = {
  readonly config: Json;
  readonly checkpoint: Checkpoint;
  readonly tensors: readonly TensorToWrite[];
};

/** Where there are biases. */
type Biases = 'qkv' | 'o' | 'mlp' | 'router' | 'norms' | 'head';

export type Drawn = {
  readonly config: Json;
  readonly shape: ModelShape;
  readonly biases?: readonly Biases[];
  /** Norms of queries and keys have weights for each head instead of for one that all share. */
  readonly normsEachHead?: boolean;
  readonly write: Write;
  readonly outer?: Outer;
  readonly normOffset?: number;
};

export async function drawnModel(drawn: Drawn, random: Random): Promise<DrawnModel> {
  const seed = random.below(2 ** 31);
  const plain = randomCheckpoint(drawn.shape, seed, { biases: true });
  const checkpoint: Checkpoint = {
    ...plain,
    finalNorm: withBias(plain.finalNorm, drawn.biases?.includes('norms')),
    head: drawn.biases?.includes('head') ? { ...plain.head, bias: vector(drawn.shape.vocabulary, random, 0) } : plain.head,
    ...layersOf(plain, drawn, random),
  }; // prettier-ignore
  return { config: drawn.config, checkpoint, tensors: await tensorsOf(checkpoint, drawn.write, drawn) };
}

/** Each layer is made once, so that all who ask see the same. */
function layersOf(plain: Checkpoint, drawn: Drawn, random: Random): Pick<Checkpoint, 'layer'> {
  const layers = Array.from({ length: plain.shape.layers }, (_, index) =>
    trimmed(plain.layer(index), drawn, random),
  );
  return { layer: (index) => layers[index] as LayerWeights };
}

function trimmed(layer: LayerWeights, { biases = [], normsEachHead, shape }: Drawn, random: Random): LayerWeights {
  const linear = (each: LinearWeights, kind: Biases): LinearWeights =>
    biases.includes(kind) ? each : { weight: each.weight };
  const norm = (each: NormWeights | undefined): NormWeights | undefined =>
    each && withBias(each, biases.includes('norms'));
  const heads = (count: number): NormWeights => ({ weight: vector(count * shape.headDim, random, 1) });
  const [attentionNorm, mlpNorm] = [norm(layer.attentionNorm), norm(layer.mlpNorm)];
  return {
    ...layer,
    ...(attentionNorm && { attentionNorm }),
    ...(mlpNorm && { mlpNorm }),
    ...(layer.qNorm && normsEachHead && { qNorm: heads(shape.heads), kNorm: heads(shape.kvHeads) }),
    q: linear(layer.q, 'qkv'),
    k: linear(layer.k, 'qkv'),
    v: linear(layer.v, 'qkv'),
    o: linear(layer.o, 'o'),
    mlp: trimmedMlp(layer.mlp, linear),
  };
} // prettier-ignore

function trimmedMlp(
  mlp: LayerWeights['mlp'],
  linear: (each: LinearWeights, kind: Biases) => LinearWeights,
): LayerWeights['mlp'] {
  if (mlp.kind === 'dense')
    return {
      kind: 'dense',
      ...(mlp.gate && { gate: linear(mlp.gate, 'mlp') }),
      up: linear(mlp.up, 'mlp'),
      down: linear(mlp.down, 'mlp'),
    };
  const experts = mlp.experts.map(({ gate, up, down }) => ({
    gate: linear(gate, 'mlp'),
    up: linear(up, 'mlp'),
    down: linear(down, 'mlp'),
  }));
  return { kind: 'experts', router: linear(mlp.router, 'router'), experts };
}

function withBias({ weight, bias }: NormWeights, isKept = false): NormWeights {
  return bias && isKept ? { weight, bias } : { weight };
}

function vector(length: number, random: Random, mean: number) {
  return memoryMatrix(
    1,
    length,
    Float32Array.from({ length }, () => mean + 0.2 * random.normal()),
  );
}
