/**
 * The steps of a block that hold no matrix, in plain f32 code over the few rows of a calibration. Pure.
 */
import type { NormWeights } from '../../core/checkpoint.js';
import type { Activation } from '../../core/layers/layer-spec.js';
import type { Rotary } from '../../core/layers/rotary.js';
import type { ModelShape } from '../../core/shape.js';
import type { Activations } from './factors.js';

/** Angles of the rows, [rows, dims/2]. */
export type Turns = { readonly rotary: Rotary; readonly cos: Float32Array; readonly sin: Float32Array };

/** norm(x) over rows, or over each run of as many values as the weight has; weights of several runs follow each other. */
export async function normalized(
  x: Activations,
  norm: NormWeights,
  shape: ModelShape,
  runLength = x.width,
): Promise<Activations> {
  const weight = await norm.weight.read(0, 1);
  const bias = await norm.bias?.read(0, 1);
  const values = new Float32Array(x.values.length);
  for (let start = 0; start < values.length; start += runLength) {
    const run = x.values.subarray(start, start + runLength);
    const mean = shape.norm === 'layer' ? run.reduce((all, value) => all + value, 0) / run.length : 0;
    const squares = run.reduce((all, value) => all + (value - mean) ** 2, 0);
    const inverse = 1 / Math.sqrt(squares / run.length + shape.normEpsilon);
    const from = (start % x.width) % weight.length;
    run.forEach((value, i) => {
      values[start + i] = (value - mean) * inverse * (weight[from + i] as number) + (bias?.[from + i] ?? 0);
    });
  }
  return { ...x, values };
}

export function sum(a: Activations, b: Activations): Activations {
  return { ...a, values: a.values.map((value, i) => value + (b.values[i] as number)) };
}

/** activation(gate)·up. */
export function gated(activation: Activation, gate: Activations, up: Activations): Activations {
  const active = activated(activation, gate);
  return { ...up, values: up.values.map((value, i) => value * (active.values[i] as number)) };
}

export function activated(activation: Activation, x: Activations): Activations {
  return { ...x, values: x.values.map(activation === 'silu' ? silu : geluTanh) };
}

function silu(value: number): number {
  return value / (1 + Math.exp(-value));
}

/** x·Φ(x), with the tangent's approximation of Φ for the exact form too: near enough to tell peaks. */
function geluTanh(value: number): number {
  return 0.5 * value * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (value + 0.044715 * value ** 3)));
}

/** factor·x. */
export function times(x: Activations, factor: number): Activations {
  return factor === 1 ? x : { ...x, values: x.values.map((value) => factor * value) };
}

/**
 * Causal attention of the rows among themselves: q [rows, heads·D], k and v [rows, kvHeads·D], turned by their positions
 * → [rows, heads·D]. Windows, which the few rows hardly fill, caps, sinks and ALiBi's distances change little of where peaks are, and are left out.
 */
export function attended(q: Activations, k: Activations, v: Activations, shape: HeadsOf): Activations {
  const { headDim, heads, kvHeads, scale } = shape;
  const out = new Float32Array(q.values.length);
  for (let head = 0; head < heads; head++) {
    const kvStart = Math.floor(head / (heads / kvHeads)) * headDim;
    for (let row = 0; row < q.rows; row++) {
      const at = row * q.width + head * headDim;
      const query = q.values.subarray(at, at + headDim);
      const weights = softmax(
        Array.from({ length: row + 1 }, (_, past) => {
          const from = past * k.width + kvStart;
          return scale * dot(query, k.values.subarray(from, from + headDim));
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

type HeadsOf = Pick<ModelShape, 'heads' | 'kvHeads' | 'headDim'> & { readonly scale: number };

/** Pairs of each head's turned dimensions are turned by the row's angles. */
export function turned(x: Activations, headDim: number, { rotary, cos, sin }: Turns): Activations {
  const pairs = rotary.dims / 2;
  const [step, apart] = rotary.pairs === 'halves' ? [1, pairs] : [2, 1];
  const out = x.values.slice();
  for (let head = 0; head < out.length; head += headDim) {
    const first = Math.floor(head / x.width) * pairs;
    for (let pair = 0; pair < pairs; pair++) {
      const at = head + pair * step;
      const [a, b] = [x.values[at] as number, x.values[at + apart] as number];
      const [c, s] = [cos[first + pair] as number, sin[first + pair] as number];
      out[at] = a * c - b * s;
      out[at + apart] = b * c + a * s;
    }
  }
  return { ...x, values: out };
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
