/**
 * y = x·Wᵀ + b as nodes, in the element type the model is compiled for. The only place that knows how a dtype's
 * weights lie in the file; blocks.ts asks for a linear layer and gets a value's name back.
 */
import type { IntegerBlocks, LinearWeights, WeightMatrix } from '../../core/checkpoint.js';
import type { ModelShape } from '../../core/shape.js';
import { addVector, type GraphTarget } from './graph-target.js';
import { addIntegerMatMul, addIntegerProduct } from './integer-product.js';
import { type BlockFormat, type BlockWeights, packCodes, quantizeBlocks } from './quantize.js';
import { asBytes, panelsOf, readPanels, readTransposed } from './weight-file.js';

/** Rows that may still have to be multiplied with scales. */
export type Rows = { readonly values: string; readonly scales?: string };

/** Adds x [1, rows, in] → [1, rows, out]. */
export async function addLinear(
  target: GraphTarget,
  name: string,
  x: string,
  linear: LinearWeights,
): Promise<string> {
  return addLinearOf(target, name, { values: x }, linear);
}

/** As addLinear, of rows as addUnscaledLinear gives them. */
export async function addLinearOf(
  target: GraphTarget,
  name: string,
  x: Rows,
  linear: LinearWeights,
): Promise<string> {
  const product = await addMatMul(target, name, x, linear.weight);
  if (!linear.bias) return product;
  return target.graph.node('Add', [product, await addVector(target, `${name}.bias`, linear.bias)]);
}

/** As addLinear, with scales of rows left to whoever reads them, where there are any. */
export async function addUnscaledLinear(
  target: GraphTarget,
  name: string,
  x: string,
  linear: LinearWeights,
): Promise<Rows> {
  if (target.dtype === 'w8a8' && !linear.bias) return addIntegerProduct(target, name, x, linear.weight);
  return { values: await addLinear(target, name, x, linear) };
}

async function addMatMul(
  target: GraphTarget,
  name: string,
  { values: x, scales }: Rows,
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
      return addIntegerMatMul(target, name, x, weight, scales);
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
  const { format, panels } = blockPanels(weight, bits);
  const { blockSize } = format;
  const blocks = Math.ceil(columns / blockSize);
  const bytes = (blockSize * bits) / 8;
  const packed = new Uint8Array(rows * blocks * bytes);
  const scales = new Float32Array(rows * blocks);
  for await (const panel of panels) {
    packed.set(panel.packed, panel.start * blocks * bytes);
    scales.set(panel.scales, panel.start * blocks);
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

type BlockPanel = BlockWeights & { readonly start: number };

/** The weight in blocks: as it is stored, where that has no more bits, else rounded. */
function blockPanels(
  weight: WeightMatrix,
  bits: 4 | 8,
): { format: BlockFormat; panels: AsyncIterable<BlockPanel> } {
  const { columns, integers } = weight;
  const isStored = integers !== undefined && integers.bits <= bits && columns % integers.blockSize === 0;
  const format = isStored ? { bits, blockSize: integers.blockSize } : blockFormat(bits, columns);
  return { format, panels: isStored ? storedPanels(weight, integers, bits) : roundedPanels(weight, format) };
}

async function* roundedPanels(weight: WeightMatrix, format: BlockFormat): AsyncGenerator<BlockPanel> {
  for await (const { start, values } of readPanels(weight))
    yield { start, ...quantizeBlocks(values, weight.columns, format) };
}

async function* storedPanels(
  weight: WeightMatrix,
  integers: IntegerBlocks,
  bits: 4 | 8,
): AsyncGenerator<BlockPanel> {
  for (const { start, end } of panelsOf(weight)) {
    const { codes, scales } = await integers.read(start, end);
    yield { start, packed: packCodes(codes, bits), scales };
  }
}
