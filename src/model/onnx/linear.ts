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
  /** Signedness of w8a8's weights. */
  readonly integerWeights: 'i8' | 'u8';
  readonly graph: GraphBuilder;
  readonly weights: WeightFile;
  /** Values that were already turned into u8 rows, by name. */
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
      return addBlockMatMul(target, name, x, weight, isKeptFiner(target.shape, name) ? 8 : 4);
    case 'w8a8':
      return addIntegerMatMul(target, name, x, weight);
  }
}

/**
 * Keys and values that several query heads share keep 8 bits in q4: their errors reach every later token of all these
 * heads, and they are few. Measured on stories260k's own text, 20,743 tokens: 4.2 % of perplexity lost instead of 6.1 %,
 * where 8 bits for o or down gain 0.2 and 1.0 points; at TinyLlama's shape they are 2.4 % of the weights.
 */
export function isKeptFiner({ heads, kvHeads }: ModelShape, name: string): boolean {
  return kvHeads < heads && (name === 'k' || name === 'v');
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

/**
 * int8 weights with a scale a channel times u8 activations with a scale a row, summed exactly in i32. Activations are
 * u8 around 128: i8 ones have no fast kernel on x86 (measured on AVX-512 VNNI, 512 rows of 2048×5632, one thread:
 * i8×i8 19 GFLOP/s, u8×i8 498, u8×u8 264).
 */
async function addIntegerMatMul(
  target: GraphTarget,
  name: string,
  x: string,
  weight: WeightMatrix,
): Promise<string> {
  const { graph, weights, integerWeights } = target;
  const { rows, columns } = weight;
  const channels = { weights: new Int8Array(rows * columns), scales: new Float32Array(rows) };
  for await (const { start, values } of readPanels(weight))
    quantizeChannels(values, columns, channels, start);
  const bytes = asBytes(channels.weights);
  if (integerWeights === 'u8') shiftToUnsigned(bytes);
  const w = graph.initializer(await weights.append(`${name}.weight`, integerWeights, [columns, rows], bytes));
  const s = graph.initializer(
    await weights.append(`${name}.scales`, 'f32', [rows], asBytes(channels.scales)),
  );
  const activations = quantizedRows(target, x);
  const zeros = integerWeights === 'u8' ? [u8Zero(target, `${name}.zero`)] : [];
  const sums = graph.node('MatMulInteger', [
    activations.values,
    w,
    u8Zero(target, `${name}.xZero`),
    ...zeros,
  ]);
  const scaled = graph.node('Mul', [
    graph.node('Cast', [sums], { attributes: { to: ELEMENT_TYPES.f32 } }),
    activations.scales,
  ]);
  return graph.node('Mul', [scaled, s]);
}

/** What 0 is in unsigned bytes. */
const U8_ZERO = 128;

function u8Zero({ graph }: GraphTarget, name: string, dims: readonly number[] = []): string {
  return graph.initializer({ name, type: 'u8', dims, data: Uint8Array.of(U8_ZERO) });
}

/** Adds 128 to bytes that hold i8. */
function shiftToUnsigned(bytes: Uint8Array): void {
  for (let i = 0; i < bytes.length; i++) bytes[i] = (bytes[i] as number) ^ U8_ZERO;
}

/** A row of zeros must not divide by zero; any scale gives zeros again. */
const LEAST_SCALE = 1e-30;

/** x [1, rows, in] as u8 around 128 with one scale a row, made once for all products that read the same x. */
function quantizedRows(target: GraphTarget, x: string): QuantizedRows {
  const known = target.quantized.get(x);
  if (known) return known;
  const { graph } = target;
  const axis = graph.constant(`${x}.lastAxis`, 'i64', [1], [-1]);
  const extreme = (op: string): string => graph.node(op, [x, axis], { attributes: { keepdims: 1 } });
  // Two passes that only read are faster than one that writes all magnitudes (0.26 against 0.34 ms for 512×2048).
  const largest = graph.node('Max', [extreme('ReduceMax'), graph.node('Neg', [extreme('ReduceMin')])]);
  const scaled = graph.node('Mul', [largest, graph.constant(`${x}.step`, 'f32', [1], [1 / 127])]);
  const scales = graph.node('Max', [scaled, graph.constant(`${x}.least`, 'f32', [1], [LEAST_SCALE])]);
  const byRow = graph.node('Reshape', [scales, graph.constant(`${x}.flat`, 'i64', [1], [-1])]);
  const zeros = graph.node('Expand', [u8Zero(target, `${x}.zero`, [1]), graph.node('Shape', [byRow])]);
  const values = graph.node('QuantizeLinear', [x, byRow, zeros], { attributes: { axis: 1 } });
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
