/**
 * The steps of a block that hold no matrix, in plain f32 code over the few rows of a calibration. Pure.
 */
import type { NormWeights } from '../../core/checkpoint.js';
import type { ModelShape } from '../../core/shape.js';
import type { Activations } from './factors.js';

type Rotary = { readonly cos: Float32Array; readonly sin: Float32Array };

/** norm(x), [rows, hidden]. */
export async function normalized(x: Activations, norm: NormWeights, shape: ModelShape): Promise<Activations> {
  const weight = await norm.weight.read(0, 1);
  const bias = await norm.bias?.read(0, 1);
  return mapRows(x, (row) => {
    const mean = shape.norm === 'layer' ? row.reduce((sum, value) => sum + value, 0) / row.length : 0;
    const squares = row.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    const inverse = 1 / Math.sqrt(squares / row.length + shape.normEpsilon);
    return row.map(
      (value, i) => (value - mean) * inverse * (weight[i] as number) + (bias ? (bias[i] as number) : 0),
    );
  });
}

export function sum(a: Activations, b: Activations): Activations {
  return { ...a, values: a.values.map((value, i) => value + (b.values[i] as number)) };
}

/** silu(gate)·up. */
export function gated(gate: Activations, up: Activations): Activations {
  const values = gate.values.map((value, i) => (value / (1 + Math.exp(-value))) * (up.values[i] as number));
  return { ...up, values };
}

/** x·Φ(x), with the tangent's approximation of Φ: near enough to tell peaks. */
export function gelu(x: Activations): Activations {
  const values = x.values.map(
    (value) => 0.5 * value * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (value + 0.044715 * value ** 3))),
  );
  return { ...x, values };
}

/** Causal attention of the rows among themselves: q [rows, heads·D], k and v [rows, kvHeads·D] → [rows, heads·D]. */
export function attended(
  q: Activations,
  k: Activations,
  v: Activations,
  shape: ModelShape,
  rotary: Rotary,
): Activations {
  const { headDim, heads, kvHeads } = shape;
  const queries = rotated(q, headDim, rotary);
  const keys = rotated(k, headDim, rotary);
  const out = new Float32Array(q.values.length);
  for (let head = 0; head < heads; head++) {
    const kvStart = Math.floor(head / (heads / kvHeads)) * headDim;
    for (let row = 0; row < q.rows; row++) {
      const at = row * q.width + head * headDim;
      const query = queries.subarray(at, at + headDim);
      const weights = softmax(
        Array.from({ length: row + 1 }, (_, past) => {
          const from = past * k.width + kvStart;
          return dot(query, keys.subarray(from, from + headDim)) / Math.sqrt(headDim);
        }),
      );
      weights.forEach((weight, past) => {
        for (let i = 0; i < headDim; i++) {
          out[at + i] = (out[at + i] as number) + weight * (v.values[past * v.width + kvStart + i] as number);
        }
      });
    }
  }
  return { ...q, values: out };
}

/** Halves of a head are turned against each other by the row's angles. */
function rotated({ rows, width, values }: Activations, headDim: number, { cos, sin }: Rotary): Float32Array {
  const half = headDim / 2;
  const out = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let at = row * width; at < (row + 1) * width; at += headDim) {
      for (let i = 0; i < half; i++) {
        const [a, b] = [values[at + i] as number, values[at + i + half] as number];
        const [c, s] = [cos[row * half + i] as number, sin[row * half + i] as number];
        out[at + i] = a * c - b * s;
        out[at + i + half] = b * c + a * s;
      }
    }
  }
  return out;
}

function softmax(scores: readonly number[]): number[] {
  const most = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - most));
  const total = powers.reduce((all, power) => all + power, 0);
  return powers.map((power) => power / total);
}

function dot(a: Float32Array, b: Float32Array): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += (a[i] as number) * (b[i] as number);
  return total;
}

function mapRows(x: Activations, change: (row: Float32Array) => Float32Array): Activations {
  const values = new Float32Array(x.values.length);
  for (let start = 0; start < values.length; start += x.width) {
    values.set(change(x.values.subarray(start, start + x.width)), start);
  }
  return { ...x, values };
}
