/**
 * The graphs of a model. A block holds the weights between two attentions, so that attention, which needs the
 * prefix from other ranks, always lies between two graphs:
 *
 *   block l: (hidden, attended of layer l-1) → hidden, q, k, v of layer l; block 0 takes the embedding's rows
 *   tail:    (hidden, attended of the last layer) → normed            head: normed → logits
 *
 * In a parallel residual the MLP does not depend on attention, so it runs before it, in the same block as q, k, v.
 * The last layer's block takes `from`: only rows from there on get q and hidden, since the first token needs one row.
 */
import type { Checkpoint, LayerWeights, NormWeights } from '../../core/checkpoint.js';
import { type LayerSpec, mlpMatrices } from '../../core/layers/layer-spec.js';
import { layerSpec, type ModelShape } from '../../core/shape.js';
import { ROWS, scaled, type GraphTarget } from './graph-target.js';
import { addLinear } from './linear.js';
import { addMlp } from './mlp.js';
import { addBranchNorm, addInputNorm, addResidualNorm, type Stream } from './norms.js';
import { addKeysAndValues, addQueries, addTurns, tailTurns } from './projections.js';

const KEPT = 'kept';

/** A layer as its graphs are written: what it does, and its weights. */
type Layer = { readonly spec: LayerSpec; readonly weights: LayerWeights };

function layerOf({ shape, ...checkpoint }: Checkpoint, index: number): Layer {
  return { spec: layerSpec(shape, index), weights: checkpoint.layer(index) };
}

/** Block `layer`: everything between the attention of layer-1 and that of `layer`. */
export async function addBlock(target: GraphTarget, checkpoint: Checkpoint, layer: number): Promise<void> {
  const { graph, shape } = target;
  const own = layerOf(checkpoint, layer);
  const stream = await addEntry(target, checkpoint, layer, own.weights.attentionNorm);
  const turns = addTurns(target, own.spec.attention.rotary);
  await addKeysAndValues(target, own, stream.normed, turns);
  if (layer < shape.layers - 1) {
    await addQueries(target, own, stream.normed, turns, ROWS);
    return addHidden(target, own, stream, ROWS);
  }
  const from = graph.input('from', 'i64', [1]);
  const kept = {
    hidden: addTailRows(target, stream.hidden, from, 1),
    normed: addTailRows(target, stream.normed, from, 1),
  };
  const keptTurns = tailTurns(turns, (table) => addTailRows(target, table, from, 0));
  await addQueries(target, own, kept.normed, keptTurns, KEPT);
  await addHidden(target, own, kept, KEPT);
}

/** The tail: what follows the last attention, up to and with the final norm. */
export async function addTail(target: GraphTarget, checkpoint: Checkpoint): Promise<void> {
  const last = layerOf(checkpoint, target.shape.layers - 1);
  const { normed } = await addAfterAttention(target, last, checkpoint.finalNorm);
  target.graph.node('Identity', [normed], { outputs: ['normed'] });
  target.graph.output('normed', 'f32', [1, ROWS, target.shape.hidden]);
}

/** The residual stream and its norm as they enter layer `layer`. */
async function addEntry(
  target: GraphTarget,
  checkpoint: Checkpoint,
  layer: number,
  norm: NormWeights | undefined,
): Promise<Stream> {
  if (layer > 0) return addAfterAttention(target, layerOf(checkpoint, layer - 1), norm);
  const { embeddingScale, hidden: width } = target.shape;
  const rows = target.graph.input('hidden', 'f32', [1, ROWS, width]);
  return addInputNorm(target, 'entry', scaled(target, 'entry.scale', rows, embeddingScale), norm);
}

/** Output projection of a layer, its residual, its MLP where that comes after attention, and the next norm. */
async function addAfterAttention(
  target: GraphTarget,
  { spec, weights }: Layer,
  nextNorm: NormWeights | undefined,
): Promise<Stream> {
  const { graph, shape } = target;
  const hidden = graph.input('hidden', 'f32', [1, ROWS, shape.hidden]);
  const attended = graph.input('attended', 'f32', [1, ROWS, shape.heads * shape.headDim]);
  const projected = await addLinear(target, 'o', attended, weights.o);
  const branch = await addBranchNorm(target, 'o', projected, spec, weights.attentionOutputNorm);
  if (spec.residual === 'parallel') return addResidualNorm(target, 'next', branch, hidden, nextNorm);
  const between = await addResidualNorm(target, 'mlp.norm', branch, hidden, weights.mlpNorm);
  const mixed = await addMlp(target, spec.mlp, weights.mlp, between.normed);
  const mlpBranch = await addBranchNorm(target, 'mlp', mixed, spec, weights.mlpOutputNorm);
  return addResidualNorm(target, 'next', mlpBranch, between.hidden, nextNorm);
}

/** The residual stream as the next graph gets it: with the MLP already in it where the residual is parallel. */
async function addHidden(target: GraphTarget, layer: Layer, stream: Stream, rows: string): Promise<void> {
  const { graph, shape } = target;
  if (layer.spec.residual === 'parallel') {
    graph.node('Add', [stream.hidden, await addParallelMlp(target, layer, stream)], {
      outputs: ['next_hidden'],
    });
  } else {
    graph.node('Identity', [stream.hidden], { outputs: ['next_hidden'] });
  }
  graph.output('next_hidden', 'f32', [1, rows, shape.hidden]);
}

async function addParallelMlp(
  target: GraphTarget,
  { spec, weights }: Layer,
  stream: Stream,
): Promise<string> {
  const input = weights.mlpNorm
    ? (await addInputNorm(target, 'mlp.norm', stream.hidden, weights.mlpNorm)).normed
    : stream.normed;
  const mixed = await addMlp(target, spec.mlp, weights.mlp, input);
  return addBranchNorm(target, 'mlp', mixed, spec, weights.mlpOutputNorm);
}

/** Rows [from, end) along an axis. */
function addTailRows(target: GraphTarget, x: string, from: string, axis: number): string {
  const { graph } = target;
  const end = graph.constant(`${x}.end`, 'i64', [1], [Number.MAX_SAFE_INTEGER]);
  const axes = graph.constant(`${x}.axis`, 'i64', [1], [axis]);
  return graph.node('Slice', [x, from, end, axes]);
}

/** Floats that go in and out of a block for one row, at most: what activations cost beside the weights. */
export function activationFloatsPerRow(shape: ModelShape): number {
  const inner = Math.max(...shape.specs.map((spec) => innerFloats(shape, spec)));
  const inside = inner + 4 * shape.hidden;
  return inside + 2 * shape.heads * shape.headDim + 2 * shape.kvHeads * shape.headDim + 2 * shape.hidden;
}

/** Of the MLP; a row goes through all of its experts before their outputs are summed. */
function innerFloats({ feedForward, hidden }: ModelShape, { mlp }: LayerSpec): number {
  if (mlp.kind !== 'experts') return 3 * feedForward;
  return mlp.chosen * (mlpMatrices(mlp) * mlp.feedForward + 2 * hidden);
}
