/**
 * Experts over the calibration rows, in f32: what the next layers are calibrated on.
 */
import type { ExpertsWeights, ExpertWeights } from '../../core/checkpoint.js';
import type { ExpertsSpec } from '../../core/layers/layer-spec.js';
import type { Activations } from './factors.js';
import { gated } from './functions.js';
import type { SmoothingKernels } from './kernels.js';
import { passThrough } from './linear-pass.js';

/** The rows' mixtures of their chosen experts, [rows, hidden]. */
export async function mixExperts(
  spec: ExpertsSpec,
  { router, experts }: ExpertsWeights,
  x: Activations,
  kernels: SmoothingKernels,
): Promise<Activations> {
  const scores = (await passThrough(router, x, kernels)).output;
  const shares = Array.from({ length: x.rows }, (_, row) =>
    sharesOf(spec, [...scores.values.subarray(row * spec.count, (row + 1) * spec.count)]),
  );
  const mixed = new Float32Array(x.values.length);
  for (const [index, expert] of experts.entries()) {
    const rows = shares.flatMap((of, row) => (of.has(index) ? [row] : []));
    if (rows.length === 0) continue;
    const output = await passExpert(spec, expert, takeRows(x, rows), kernels);
    rows.forEach((row, at) => addRow(mixed, row, output, at, shares[row]?.get(index) ?? 0));
  }
  return { ...x, values: mixed };
}

/** Expert → share of a row, of the chosen. */
function sharesOf({ chosen, softmaxOver }: ExpertsSpec, scores: readonly number[]): Map<number, number> {
  const most = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - most));
  const best = scores.map((_, index) => index).sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b);
  const taken = best.slice(0, chosen);
  const over = softmaxOver === 'all' ? powers : taken.map((index) => powers[index] ?? 0);
  const total = over.reduce((all, power) => all + power, 0);
  return new Map(taken.map((index) => [index, (powers[index] ?? 0) / total]));
}

async function passExpert(
  { activation }: ExpertsSpec,
  { gate, up, down }: ExpertWeights,
  x: Activations,
  kernels: SmoothingKernels,
): Promise<Activations> {
  const gates = (await passThrough(gate, x, kernels)).output;
  const ups = (await passThrough(up, x, kernels)).output;
  const inner =
    activation.kind === 'silu' ? gated('silu', gates, ups) : clamped(activation.limit, gates, ups);
  return (await passThrough(down, inner, kernels)).output;
}

/** (up + 1)·gate·sigmoid(1.702·gate), with gate ≤ limit and |up| ≤ limit. */
function clamped(limit: number, gate: Activations, up: Activations): Activations {
  const values = gate.values.map((value, i) => {
    const most = Math.min(limit, value);
    const wide = Math.max(-limit, Math.min(limit, up.values[i] as number));
    return ((wide + 1) * most) / (1 + Math.exp(-1.702 * most));
  });
  return { ...up, values };
}

function takeRows(x: Activations, rows: readonly number[]): Activations {
  const values = new Float32Array(rows.length * x.width);
  rows.forEach((row, at) => values.set(x.values.subarray(row * x.width, (row + 1) * x.width), at * x.width));
  return { rows: rows.length, width: x.width, values };
}

function addRow(
  into: Float32Array,
  row: number,
  { width, values }: Activations,
  at: number,
  share: number,
): void {
  for (let i = 0; i < width; i++)
    into[row * width + i] = (into[row * width + i] as number) + share * (values[at * width + i] as number);
}
