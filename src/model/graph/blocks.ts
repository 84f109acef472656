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
import type { ModelShape } from '../../core/shape.js';
import type { GraphTarget } from './graph-target.js';
import { addLinear, addLinearOf, addUnscaledLinear } from './linear.js';
import { addNorm, addResidualNorm } from './norms.js';

const ROWS = 'rows';
const KEPT = 'kept';

type Stream = { readonly hidden: string; readonly normed: string };

/** Block `layer`: everything between the attention of layer-1 and that of `layer`. */
export async function addBlock(target: GraphTarget, checkpoint: Checkpoint, layer: number): Promise<void> {
  const { graph, shape } = target;
  const weights = checkpoint.layer(layer);
  const stream = await addEntry(target, checkpoint, layer, weights.attentionNorm);
  const cos = graph.input('cos', 'f32', [ROWS, shape.headDim / 2]);
  const sin = graph.input('sin', 'f32', [ROWS, shape.headDim / 2]);
  await addKeysAndValues(target, weights, stream.normed, cos, sin);
  if (layer < shape.layers - 1) {
    await addQueries(target, weights, stream.normed, cos, sin, ROWS);
    return addHidden(target, weights, stream, ROWS);
  }
  const from = graph.input('from', 'i64', [1]);
  const kept = {
    hidden: addTailRows(target, stream.hidden, from, 1),
    normed: addTailRows(target, stream.normed, from, 1),
  };
  await addQueries(
    target,
    weights,
    kept.normed,
    addTailRows(target, cos, from, 0),
    addTailRows(target, sin, from, 0),
    KEPT,
  );
  await addHidden(target, weights, kept, KEPT);
}

/** The tail: what follows the last attention, up to and with the final norm. */
export async function addTail(target: GraphTarget, checkpoint: Checkpoint): Promise<void> {
  const { normed } = await addAfterAttention(
    target,
    checkpoint,
    target.shape.layers - 1,
    checkpoint.finalNorm,
  );
  target.graph.node('Identity', [normed], { outputs: ['normed'] });
  target.graph.output('normed', 'f32', [1, ROWS, target.shape.hidden]);
}

/** The residual stream and its norm as they enter layer `layer`. */
async function addEntry(
  target: GraphTarget,
  checkpoint: Checkpoint,
  layer: number,
  norm: NormWeights,
): Promise<Stream> {
  if (layer > 0) return addAfterAttention(target, checkpoint, layer - 1, norm);
  const hidden = target.graph.input('hidden', 'f32', [1, ROWS, target.shape.hidden]);
  return { hidden, normed: await addNorm(target, 'entry', hidden, norm) };
}

/** Output projection of layer `layer`, its residual, its MLP where that comes after attention, and the next norm. */
async function addAfterAttention(
  target: GraphTarget,
  checkpoint: Checkpoint,
  layer: number,
  nextNorm: NormWeights,
): Promise<Stream> {
  const { graph, shape } = target;
  const weights = checkpoint.layer(layer);
  const hidden = graph.input('hidden', 'f32', [1, ROWS, shape.hidden]);
  const attended = graph.input('attended', 'f32', [1, ROWS, shape.heads * shape.headDim]);
  const projected = await addLinear(target, 'o', attended, weights.o);
  if (shape.residual === 'parallel')
    return toStream(await addResidualNorm(target, 'next', projected, hidden, nextNorm));
  const between = await addResidualNorm(target, 'mlp.norm', projected, hidden, mlpNormOf(weights));
  const mixed = await addMlp(target, weights, between.normed);
  return toStream(await addResidualNorm(target, 'next', mixed, between.sum, nextNorm));
}

async function addKeysAndValues(
  target: GraphTarget,
  weights: LayerWeights,
  normed: string,
  cos: string,
  sin: string,
): Promise<void> {
  const { graph, shape } = target;
  const width = shape.kvHeads * shape.headDim;
  addRotary(target, await addLinear(target, 'k', normed, weights.k), cos, sin, shape.kvHeads, 'keys');
  graph.output('keys', 'f32', [1, ROWS, width]);
  const values = await addLinear(target, 'v', normed, weights.v);
  graph.node('Identity', [values], { outputs: ['values'] });
  graph.output('values', 'f32', [1, ROWS, width]);
}

async function addQueries(
  target: GraphTarget,
  weights: LayerWeights,
  normed: string,
  cos: string,
  sin: string,
  rows: string,
): Promise<void> {
  const { graph, shape } = target;
  addRotary(target, await addLinear(target, 'q', normed, weights.q), cos, sin, shape.heads, 'queries');
  graph.output('queries', 'f32', [1, rows, shape.heads * shape.headDim]);
}

/** The residual stream as the next graph gets it: with the MLP already in it where the residual is parallel. */
async function addHidden(
  target: GraphTarget,
  weights: LayerWeights,
  stream: Stream,
  rows: string,
): Promise<void> {
  const { graph, shape } = target;
  if (shape.residual === 'parallel') {
    const input = weights.mlpNorm
      ? await addNorm(target, 'mlp.norm', stream.hidden, weights.mlpNorm)
      : stream.normed;
    graph.node('Add', [stream.hidden, await addMlp(target, weights, input)], { outputs: ['next_hidden'] });
  } else {
    graph.node('Identity', [stream.hidden], { outputs: ['next_hidden'] });
  }
  graph.output('next_hidden', 'f32', [1, rows, shape.hidden]);
}

async function addMlp(target: GraphTarget, weights: LayerWeights, x: string): Promise<string> {
  const { graph } = target;
  if (!weights.gate) {
    const up = await addLinear(target, 'up', x, weights.up);
    const active = graph.node('Gelu', [up], { domain: 'com.microsoft' });
    return addLinear(target, 'down', active, weights.down);
  }
  const up = await addUnscaledLinear(target, 'up', x, weights.up);
  const gate = await addLinear(target, 'gate', x, weights.gate);
  // QuickGelu(x) = x·sigmoid(alpha·x), which with alpha 1 is SiLU in one pass.
  const silu = graph.node('QuickGelu', [gate], {
    domain: 'com.microsoft',
    attributes: { alpha: { float: 1 } },
  });
  return addLinearOf(target, 'down', { ...up, values: graph.node('Mul', [silu, up.values]) }, weights.down);
}

/** Rotary embedding, rotate-half layout, row r of cos and sin belonging to row r of x. */
function addRotary(
  target: GraphTarget,
  x: string,
  cos: string,
  sin: string,
  heads: number,
  output: string,
): void {
  const { graph } = target;
  const zero = graph.constant(`${output}.first`, 'i64', [1], [0]);
  graph.node('RotaryEmbedding', [x, zero, cos, sin], {
    domain: 'com.microsoft',
    attributes: { interleaved: 0, num_heads: heads },
    outputs: [output],
  });
}

/** Rows [from, end) along an axis. */
function addTailRows(target: GraphTarget, x: string, from: string, axis: number): string {
  const { graph } = target;
  const end = graph.constant(`${x}.end`, 'i64', [1], [Number.MAX_SAFE_INTEGER]);
  const axes = graph.constant(`${x}.axis`, 'i64', [1], [axis]);
  return graph.node('Slice', [x, from, end, axes]);
}

function toStream({ normed, sum }: { normed: string; sum: string }): Stream {
  return { hidden: sum, normed };
}

function mlpNormOf(weights: LayerWeights): NormWeights {
  return weights.mlpNorm ?? weights.attentionNorm;
}

/** Floats that go in and out of a block for one row: what activations cost beside the weights. */
export function activationFloatsPerRow(shape: ModelShape): number {
  const inside = 3 * shape.feedForward + 4 * shape.hidden;
  return inside + 2 * shape.heads * shape.headDim + 2 * shape.kvHeads * shape.headDim + 2 * shape.hidden;
}
