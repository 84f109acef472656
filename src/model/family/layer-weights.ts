/**
 * The weights of a layer as its spec wants them, found by the family's names.
 */
import type {
  ExpertsWeights,
  LayerWeights,
  LinearWeights,
  MlpWeights,
  NormWeights,
} from '../../core/checkpoint.js';
import { KvrError } from '../../core/errors.js';
import type { ExpertsSpec, LayerSpec } from '../../core/layers/layer-spec.js';
import type { ModelShape } from '../../core/shape.js';
import type { RowRun } from '../checkpoint/matrix.js';
import { type FusedRows, fusedRows } from './fused-rows.js';
import type { LayerTensors } from './layer-tensors.js';
import type { LayerNames } from './tensor-names.js';

/** What differs from family to family beyond names. */
export type LayerReaders = {
  /** Biases that the config announces; by what the file has unless given. */
  readonly attentionBias?: boolean | undefined;
  /** Of the output projection, where it differs from the other three. */
  readonly outputBias?: boolean | undefined;
  readonly mlpBias?: boolean | undefined;
  readonly experts?: (tensors: LayerTensors, spec: ExpertsSpec, shape: ModelShape) => ExpertsWeights;
  /** The norm on the heads of queries or keys, where it is not one tensor for one head. */
  readonly headNorm?: (tensors: LayerTensors, name: string, heads: number, shape: ModelShape) => NormWeights;
};

type Of = {
  readonly tensors: LayerTensors;
  readonly names: LayerNames;
  readonly shape: ModelShape;
  readonly spec: LayerSpec;
  readonly readers: LayerReaders;
};

/** @throws BAD_CHECKPOINT where a tensor is missing or of another shape */
export function layerWeights(of: Of): LayerWeights {
  const { tensors, names, shape, spec, readers } = of;
  return {
    ...layerNorms(of),
    ...projections(of),
    ...queryKeyNorms(of),
    o: tensors.linear(
      names.o,
      shape.hidden,
      shape.heads * shape.headDim,
      readers.outputBias ?? readers.attentionBias,
    ),
    ...(spec.attention.hasSinks && { sinks: tensors.vector('self_attn.sinks', shape.heads) }),
    mlp: mlpWeights(of),
  };
}

function layerNorms({ tensors, names, shape, spec }: Of): Partial<LayerWeights> {
  const norm = (name: string): NormWeights => tensors.norm(name, shape.hidden);
  return {
    ...(spec.norms !== 'after' && { attentionNorm: norm(names.attentionNorm) }),
    ...(spec.norms !== 'after' && !spec.sharesNorm && { mlpNorm: norm(names.mlpNorm) }),
    ...(spec.norms !== 'before' && {
      attentionOutputNorm: norm(names.attentionOutputNorm),
      mlpOutputNorm: norm(names.mlpOutputNorm),
    }),
  };
}

function projections({ tensors, names, shape, readers }: Of): Pick<LayerWeights, 'q' | 'k' | 'v'> {
  const { hidden, headDim } = shape;
  const [queries, keys] = [shape.heads * headDim, shape.kvHeads * headDim];
  const linear = (name: string, rows: number): LinearWeights =>
    tensors.linear(name, rows, hidden, readers.attentionBias);
  if (names.qkv === undefined)
    return { q: linear(names.q, queries), k: linear(names.k, keys), v: linear(names.v, keys) };
  const { name, order } = names.qkv;
  const total = queries + 2 * keys;
  const part = (runs: readonly RowRun[]): LinearWeights =>
    tensors.rows(name, [total, hidden], runs, readers.attentionBias);
  const { q, k, v } =
    order === 'parts' ? partRows(queries, keys) : fusedRows(shape.heads, shape.kvHeads, headDim);
  return { q: part(q), k: part(k), v: part(v) };
}

function partRows(queries: number, keys: number): FusedRows {
  const run = (start: number, count: number): RowRun[] => [{ start, end: start + count }];
  return { q: run(0, queries), k: run(queries, keys), v: run(queries + keys, keys) };
}

function queryKeyNorms({ tensors, names, shape, spec, readers }: Of): Partial<LayerWeights> {
  const { heads, kvHeads, headDim } = shape;
  const norm = (name: string, count: number): NormWeights =>
    readers.headNorm ? readers.headNorm(tensors, name, count, shape) : tensors.norm(name, headDim, false);
  switch (spec.attention.queryKeyNorm) {
    case 'none':
      return {};
    case 'head':
      return { qNorm: norm(names.qNorm, heads), kNorm: norm(names.kNorm, kvHeads) };
    case 'projection':
      return {
        qNorm: tensors.norm(names.qNorm, heads * headDim, false),
        kNorm: tensors.norm(names.kNorm, kvHeads * headDim, false),
      };
  }
}

function mlpWeights({ tensors, names, shape, spec, readers }: Of): MlpWeights | ExpertsWeights {
  const { mlp } = spec;
  if (mlp.kind === 'experts') {
    if (readers.experts) return readers.experts(tensors, mlp, shape);
    throw new KvrError('INTERNAL', 'a family with experts does not say where they are');
  }
  const { hidden, feedForward: width } = shape;
  const down = tensors.linear(names.down, hidden, width, readers.mlpBias);
  if (mlp.kind === 'plain')
    return { kind: 'dense', up: tensors.linear(names.up, width, hidden, readers.mlpBias), down };
  return { kind: 'dense', ...gateAndUp(tensors, names, { hidden, width, hasBias: readers.mlpBias }), down };
}

function gateAndUp(
  tensors: LayerTensors,
  names: LayerNames,
  {
    hidden,
    width,
    hasBias,
  }: { readonly hidden: number; readonly width: number; readonly hasBias: boolean | undefined },
): Required<Pick<MlpWeights, 'gate' | 'up'>> {
  if (names.gateUp === undefined)
    return {
      gate: tensors.linear(names.gate, width, hidden, hasBias),
      up: tensors.linear(names.up, width, hidden, hasBias),
    };
  return {
    gate: tensors.rows(names.gateUp, [2 * width, hidden], [{ start: 0, end: width }], hasBias),
    up: tensors.rows(names.gateUp, [2 * width, hidden], [{ start: width, end: 2 * width }], hasBias),
  };
}
