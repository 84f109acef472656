/**
 * A linear layer in f32 over the calibration rows, read panel by panel, with a sample of its weight's rows.
 */
import type { LinearWeights } from '../../core/checkpoint.js';
import { readPanels } from '../graph/weight-file.js';
import type { Activations, SampledRows } from './factors.js';
import type { SmoothingKernels } from './kernels.js';

export type LinearPass = { readonly output: Activations; readonly sample: SampledRows };

/** Rows of a weight that stand for all of it: 128 × 11,008 × 4 bytes are 6 MB. */
const SAMPLED_ROWS = 128;

/** x [rows, in] → x·weightᵀ + bias, [rows, out]. */
export async function passThrough(
  { weight, bias }: LinearWeights,
  x: Activations,
  kernels: SmoothingKernels,
): Promise<LinearPass> {
  const { rows } = x;
  const inputs = transposed(x);
  const values = new Float32Array(rows * weight.rows);
  const rowsEach = Math.ceil(weight.rows / SAMPLED_ROWS);
  const sampled: Float32Array[] = [];
  for await (const { start, values: panel } of readPanels(weight)) {
    const count = panel.length / weight.columns;
    scatter(await kernels.product(panel, inputs, rows), values, rows, weight.rows, start);
    const first = Math.ceil(start / rowsEach) * rowsEach - start;
    for (let row = first; row < count; row += rowsEach) {
      sampled.push(panel.slice(row * weight.columns, (row + 1) * weight.columns));
    }
  }
  if (bias) addBias(values, await bias.read(0, 1));
  return {
    output: { rows, width: weight.rows, values },
    sample: { values: joined(sampled, weight.columns), rowsEach },
  };
}

/** [rows, width] → [width, rows]. */
function transposed({ rows, width, values }: Activations): Float32Array {
  const out = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < width; i++) out[i * rows + row] = values[row * width + i] as number;
  }
  return out;
}

/** Panel [count, rows] into columns [start, start + count) of [rows, width]. */
function scatter(
  panel: Float32Array,
  values: Float32Array,
  rows: number,
  width: number,
  start: number,
): void {
  for (let from = 0, column = start; from < panel.length; from += rows, column++) {
    for (let row = 0; row < rows; row++) values[row * width + column] = panel[from + row] as number;
  }
}

function addBias(values: Float32Array, bias: Float32Array): void {
  for (let i = 0; i < values.length; i++)
    values[i] = (values[i] as number) + (bias[i % bias.length] as number);
}

function joined(rows: readonly Float32Array[], columns: number): Float32Array {
  const values = new Float32Array(rows.length * columns);
  rows.forEach((row, index) => values.set(row, index * columns));
  return values;
}
