/**
 * y = x·Wᵀ + b as nodes, in the element type the model is compiled for. The only place that knows how a dtype's
 * weights lie in the file; blocks.ts asks for a linear layer and gets a value's name back.
 */
import type { LinearWeights, NormWeights, WeightMatrix } from '../../core/checkpoint.js';
import type { Dtype, ModelShape } from '../../core/shape.js';
import type { GraphBuilder } from './graph-builder.js';
import { ELEMENT_TYPES } from './proto.js';
import { type BlockFormat, quantizeBlocks, quantizeChannels } from './quantize.js';
import { asBytes, readPanels, readTransposed, type WeightFile } from './weight-file.js';

/** Where a graph's nodes and weights go while it is written. */
export type GraphTarget = {
  readonly shape: ModelShape;
  readonly dtype: Dtype;
  readonly graph: GraphBuilder;
  readonly weights: WeightFile;
  /** Values that were already turned into int8 rows, by name. */
  readonly quantized: Map<string, QuantizedRows>;
};

type QuantizedRows = { readonly values: string; readonly scales: string };

/** Adds x [1, rows, in] → [1, rows, out]. */
export async function addLinear(
  target: GraphTarget,
  name: string,
  x: string,
  linear: LinearWeights,
): Promise<string> {
  const product = await addMatMul(target, name, x, linear.weight);
  if (!linear.bias) return product;
  return target.graph.node('Add', [product, await addVector(target, `${name}.bias`, linear.bias)]);
}

async function addMatMul(
  target: GraphTarget,
  name: string,
  x: string,
  weight: WeightMatrix,
): Promise<string> {
  switch (target.dtype) {
    case 'f32':
      return addFloatMatMul(target, name, x, weight);
    case 'q8':
      return addBlockMatMul(target, name, x, weight, 8);
    case 'q4':
      return addBlockMatMul(target, name, x, weight, 4);
    case 'w8a8':
      return addIntegerMatMul(target, name, x, weight);
  }
}

async function addFloatMatMul(
  target: GraphTarget,
  name: string,
  x: string,
  weight: WeightMatrix,
): Promise<string> {
  const { graph, weights } = target;
  const transposed = await readTransposed(weight);
  const dims = [weight.columns, weight.rows];
  const w = graph.initializer(await weights.append(`${name}.weight`, 'f32', dims, asBytes(transposed)));
  return graph.node('MatMul', [x, w]);
}

/**
 * The largest block: 4 bits run 1.4 times and 8 bits 1.7 times as fast with 128 inputs a scale as with 32 (measured,
 * 2048×5632, one thread, 512 rows). Small matrices, which cost little time, get at least 16 blocks a row.
 */
const BLOCK_SIZES = [128, 64, 32];
const LEAST_BLOCK_SIZE = 16;
const LEAST_BLOCKS = 16;

export function blockFormat(bits: 4 | 8, columns: number): BlockFormat {
  const blockSize = BLOCK_SIZES.find((size) => columns / size >= LEAST_BLOCKS) ?? LEAST_BLOCK_SIZE;
  return { bits, blockSize };
}

/** Activations are rounded to 8 bits inside the kernel; level 0 keeps them f32 and runs at a third of the speed. */
const ACCURACY_LEVEL = 4;

/** x·Wᵀ with W in blocks of small integers. */
export async function addBlockMatMul(
  target: GraphTarget,
  name: string,
  x: string,
  weight: WeightMatrix,
  bits: 4 | 8,
): Promise<string> {
  const { graph, weights } = target;
  const { rows, columns } = weight;
  const format = blockFormat(bits, columns);
  const { blockSize } = format;
  const blocks = Math.ceil(columns / blockSize);
  const bytes = (blockSize * bits) / 8;
  const packed = new Uint8Array(rows * blocks * bytes);
  const scales = new Float32Array(rows * blocks);
  for await (const { start, values } of readPanels(weight)) {
    const panel = quantizeBlocks(values, columns, format);
    packed.set(panel.packed, start * blocks * bytes);
    scales.set(panel.scales, start * blocks);
  }
  const w = graph.initializer(await weights.append(`${name}.weight`, 'u8', [rows, blocks, bytes], packed));
  const s = graph.initializer(
    await weights.append(`${name}.scales`, 'f32', [rows * blocks], asBytes(scales)),
  );
  return graph.node('MatMulNBits', [x, w, s], {
    domain: 'com.microsoft',
    attributes: { K: columns, N: rows, bits, block_size: blockSize, accuracy_level: ACCURACY_LEVEL },
  });
}

/** int8 weights with a scale a channel times int8 activations with a scale a row, summed exactly in i32. */
async function addIntegerMatMul(
  target: GraphTarget,
  name: string,
  x: string,
  weight: WeightMatrix,
): Promise<string> {
  const { graph, weights } = target;
  const { rows, columns } = weight;
  const channels = { weights: new Int8Array(rows * columns), scales: new Float32Array(rows) };
  for await (const { start, values } of readPanels(weight))
    quantizeChannels(values, columns, channels, start);
  const w = graph.initializer(
    await weights.append(`${name}.weight`, 'i8', [columns, rows], asBytes(channels.weights)),
  );
  const s = graph.initializer(
    await weights.append(`${name}.scales`, 'f32', [rows], asBytes(channels.scales)),
  );
  const activations = quantizedRows(target, x);
  const sums = graph.node('MatMulInteger', [activations.values, w]);
  const scaled = graph.node('Mul', [
    graph.node('Cast', [sums], { attributes: { to: ELEMENT_TYPES.f32 } }),
    activations.scales,
  ]);
  return graph.node('Mul', [scaled, s]);
}

/** A row of zeros must not divide by zero; any scale gives zeros again. */
const LEAST_SCALE = 1e-30;

/** x [1, rows, in] as int8 with one scale a row, made once for all products that read the same x. */
function quantizedRows(target: GraphTarget, x: string): QuantizedRows {
  const known = target.quantized.get(x);
  if (known) return known;
  const { graph } = target;
  const axis = graph.constant(`${x}.lastAxis`, 'i64', [1], [-1]);
  const largest = graph.node('ReduceMax', [graph.node('Abs', [x]), axis], { attributes: { keepdims: 1 } });
  const scaled = graph.node('Mul', [largest, graph.constant(`${x}.step`, 'f32', [1], [1 / 127])]);
  const scales = graph.node('Max', [scaled, graph.constant(`${x}.least`, 'f32', [1], [LEAST_SCALE])]);
  const rounded = graph.node('Round', [graph.node('Div', [x, scales])]);
  const values = graph.node('Cast', [rounded], { attributes: { to: ELEMENT_TYPES.i8 } });
  const made = { values, scales };
  target.quantized.set(x, made);
  return made;
}

/** A vector [1, n] of the checkpoint as an initializer [n]. */
export async function addVector(target: GraphTarget, name: string, vector: WeightMatrix): Promise<string> {
  return target.graph.initializer(await target.weights.appendMatrix(name, vector, [vector.columns]));
}

/** Adds norm(x). */
export async function addNorm(
  target: GraphTarget,
  name: string,
  x: string,
  norm: NormWeights,
): Promise<string> {
  const inputs = [x, ...(await addNormWeights(target, name, norm))];
  const attributes = { axis: -1, epsilon: { float: target.shape.normEpsilon } };
  const op = target.shape.norm === 'rms' ? 'SimplifiedLayerNormalization' : 'LayerNormalization';
  return target.graph.node(op, inputs, { attributes });
}

/** Adds sum = x + residual and normed = norm(sum) as one fused node. */
export async function addResidualNorm(
  target: GraphTarget,
  name: string,
  x: string,
  residual: string,
  norm: NormWeights,
): Promise<{ normed: string; sum: string }> {
  const inputs = [x, residual, ...(await addNormWeights(target, name, norm))];
  const op = target.shape.norm === 'rms' ? 'SkipSimplifiedLayerNormalization' : 'SkipLayerNormalization';
  const outputs = [`${name}.normed`, '', '', `${name}.sum`];
  const attributes = { epsilon: { float: target.shape.normEpsilon } };
  target.graph.node(op, inputs, { domain: 'com.microsoft', attributes, outputs });
  return { normed: `${name}.normed`, sum: `${name}.sum` };
}

async function addNormWeights(target: GraphTarget, name: string, norm: NormWeights): Promise<string[]> {
  const weight = await addVector(target, `${name}.weight`, norm.weight);
  return norm.bias ? [weight, await addVector(target, `${name}.bias`, norm.bias)] : [weight];
}
