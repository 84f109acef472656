/**
 * How many bytes a model's weights take once a worker has opened them, from the shape alone. Pure; biases and norms,
 * which are vectors, are left out as too small to count. Follows compile.ts and linear.ts.
 */
import { type LayerSpec, mlpMatrices } from '../../core/layers/layer-spec.js';
import { type Dtype, layerSpec, layerSpecs, type ModelShape } from '../../core/shape.js';
import { blockFormat, isKeptFiner } from './linear.js';

/** Bytes of a weight [rows, columns]. */
function matrixBytes(dtype: Dtype, rows: number, columns: number): number {
  switch (dtype) {
    case 'f32':
      return 4 * rows * columns;
    case 'q8':
      return blockBytes(8, rows, columns);
    case 'q4':
      return blockBytes(4, rows, columns);
    case 'w8a8':
      return rows * columns + 4 * rows;
  }
}

function blockBytes(bits: 4 | 8, rows: number, columns: number): number {
  const { blockSize } = blockFormat(bits, columns);
  return rows * Math.ceil(columns / blockSize) * ((blockSize * bits) / 8 + 4);
}

/** Bytes of everything that lies between the embedding and the last attention. */
export function blocksBytes(shape: ModelShape, dtype: Dtype): number {
  const entry = queriesKeysValuesBytes(shape, dtype);
  const layers = layerSpecs(shape).map(
    (spec) => entry + outputBytes(shape, dtype) + mlpBytes(shape, spec, dtype),
  );
  return layers.reduce((sum, bytes) => sum + bytes, 0) - tailBytes(shape, dtype);
}

/** Bytes of what follows the last attention, without the head: only the last rank runs it. */
export function tailBytes(shape: ModelShape, dtype: Dtype): number {
  const spec = layerSpec(shape, shape.layers - 1);
  const output = outputBytes(shape, dtype);
  return spec.residual === 'parallel' ? output : output + mlpBytes(shape, spec, dtype);
}

/** The head keeps 8 bits in every quantised dtype. */
export function headBytes({ vocabulary, hidden }: ModelShape, dtype: Dtype): number {
  return matrixBytes(dtype === 'f32' ? 'f32' : 'q8', vocabulary, hidden);
}

function queriesKeysValuesBytes(shape: ModelShape, dtype: Dtype): number {
  const { hidden, heads, kvHeads, headDim } = shape;
  const sharedDtype = dtype === 'q4' && isKeptFiner(shape, 'k') ? 'q8' : dtype;
  return (
    matrixBytes(dtype, heads * headDim, hidden) + 2 * matrixBytes(sharedDtype, kvHeads * headDim, hidden)
  );
}

function outputBytes({ hidden, heads, headDim }: ModelShape, dtype: Dtype): number {
  return matrixBytes(dtype, hidden, heads * headDim);
}

function mlpBytes({ hidden, feedForward }: ModelShape, { mlp }: LayerSpec, dtype: Dtype): number {
  const width = mlp.kind === 'experts' ? mlp.feedForward : feedForward;
  const wide = (mlpMatrices(mlp) - 1) * matrixBytes(dtype, width, hidden);
  const one = wide + matrixBytes(dtype, hidden, width);
  return mlp.kind === 'experts' ? mlp.count * one + matrixBytes('f32', mlp.count, hidden) : one;
}
