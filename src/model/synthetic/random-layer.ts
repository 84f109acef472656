/**
 * A layer of random weights, with what its spec asks for. Called by model/synthetic.
 */
import type {
  ExpertsWeights,
  LayerWeights,
  LinearWeights,
  MlpWeights,
  NormWeights,
} from '../../core/checkpoint.js';
import type { LayerSpec } from '../../core/layers/layer-spec.js';
import { layerSpec, type ModelShape } from '../../core/shape.js';
import { onesVector, zerosVector } from './random-block.js';

/** Makes a linear layer; equal roles give equal weights. */
type MakeLinear = (role: string, rows: number, columns: number) => LinearWeights;

export function randomLayer(shape: ModelShape, index: number, linear: MakeLinear): LayerWeights {
  const { hidden, heads, kvHeads, headDim } = shape;
  const spec = layerSpec(shape, index);
  return {
    ...layerNorms(shape, spec),
    ...queryKeyNorms(shape, spec),
    q: linear(`${index}.q`, heads * headDim, hidden),
    k: linear(`${index}.k`, kvHeads * headDim, hidden),
    v: linear(`${index}.v`, kvHeads * headDim, hidden),
    o: linear(`${index}.o`, hidden, heads * headDim),
    ...(spec.attention.hasSinks && { sinks: zerosVector(heads) }),
    mlp: randomMlp(shape, spec, index, linear),
  };
}

/** Ones, and zeros for the bias of a layer norm. */
export function plainNorm(shape: ModelShape, width: number): NormWeights {
  const weight = onesVector(width);
  return shape.norm === 'layer' ? { weight, bias: zerosVector(width) } : { weight };
}

function layerNorms(shape: ModelShape, { norms, sharesNorm }: LayerSpec): Partial<LayerWeights> {
  const norm = plainNorm(shape, shape.hidden);
  return {
    ...(norms !== 'after' && { attentionNorm: norm, ...(!sharesNorm && { mlpNorm: norm }) }),
    ...(norms !== 'before' && { attentionOutputNorm: norm, mlpOutputNorm: norm }),
  };
}

function queryKeyNorms(shape: ModelShape, { attention }: LayerSpec): Partial<LayerWeights> {
  const { heads, kvHeads, headDim } = shape;
  if (attention.queryKeyNorm === 'none') return {};
  const isWhole = attention.queryKeyNorm === 'projection';
  return {
    qNorm: { weight: onesVector(isWhole ? heads * headDim : headDim) },
    kNorm: { weight: onesVector(isWhole ? kvHeads * headDim : headDim) },
  };
}

function randomMlp(
  { hidden, feedForward }: ModelShape,
  { mlp }: LayerSpec,
  index: number,
  linear: MakeLinear,
): MlpWeights | ExpertsWeights {
  const dense = (prefix: string, width: number) => ({
    up: linear(`${prefix}.up`, width, hidden),
    down: linear(`${prefix}.down`, hidden, width),
  });
  const gated = (prefix: string, width: number) => ({
    gate: linear(`${prefix}.gate`, width, hidden),
    ...dense(prefix, width),
  });
  if (mlp.kind === 'plain') return { kind: 'dense', ...dense(`${index}`, feedForward) };
  if (mlp.kind === 'gated') return { kind: 'dense', ...gated(`${index}`, feedForward) };
  const experts = Array.from({ length: mlp.count }, (_, expert) =>
    gated(`${index}.${expert}`, mlp.feedForward),
  );
  return { kind: 'experts', router: linear(`${index}.router`, mlp.count, hidden), experts };
}
