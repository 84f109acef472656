/**
 * Rows of q8 as they travel and are kept apart: for every head of a row its scale, f32, then its D numbers, int8; a number
 * stands for itself times the scale. The rule by which they are rounded is here alone: every rank applies it to the rows that
 * it computes, once, and all that attend to a row see the same. Pure.
 */
import { KV_SCALE_BYTES } from '../../../core/shape.js';

/** The largest number; the smallest is its negative, so that both signs have the same steps. */
const LARGEST = 127;
/** Added to a number of f64 and taken off again, it leaves the nearest integer, ties to even. */
const TO_INTEGER = 1.5 * 2 ** 52;

/** Numbers and scales apart, as kernels take them: [heads of all rows, D] and [heads of all rows]. */
export type NumbersAndScales = { readonly numbers: Uint8Array; readonly scales: Float32Array };

/**
 * Rounds rows [rows, kvHeads, D] to the nearest, ties to even, with a scale by which a head's largest number becomes 127.
 * A number that is not finite makes its head's scale so too: it shows, as in f32.
 */
export function quantizeRows(rows: Float32Array, headDim: number): Uint8Array<ArrayBuffer> {
  const heads = rows.length / headDim;
  const scales = new Float32Array(heads);
  const numbers = new Uint8Array(rows.length);
  for (let head = 0; head < heads; head++) {
    const [from, to] = [head * headDim, (head + 1) * headDim];
    const scale = Math.fround(largest(rows, from, to) / LARGEST);
    scales[head] = scale;
    if (scale > 0) for (let at = from; at < to; at++) numbers[at] = nearest((rows[at] as number) / scale);
  }
  return joinRows({ numbers, scales }, headDim);
}

function largest(rows: Float32Array, from: number, to: number): number {
  let most = 0;
  for (let at = from; at < to; at++) most = Math.max(most, Math.abs(rows[at] as number));
  return most;
}

/** Beyond the largest only where a scale is so small that f32 has few digits for it. */
function nearest(value: number): number {
  return Math.max(-LARGEST, Math.min(LARGEST, value + TO_INTEGER - TO_INTEGER));
}

export function joinRows({ numbers, scales }: NumbersAndScales, headDim: number): Uint8Array<ArrayBuffer> {
  const width = KV_SCALE_BYTES + headDim;
  const rows = new Uint8Array(scales.length * width);
  const scaleBytes = new Uint8Array(scales.buffer, scales.byteOffset, scales.byteLength);
  for (let head = 0, to = 0; head < scales.length; head++, to += width) {
    copyScale(scaleBytes, KV_SCALE_BYTES * head, rows, to);
    rows.set(numbers.subarray(head * headDim, (head + 1) * headDim), to + KV_SCALE_BYTES);
  }
  return rows;
}

export function splitRows(rows: Uint8Array, headDim: number): NumbersAndScales {
  const width = KV_SCALE_BYTES + headDim;
  const heads = rows.length / width;
  const numbers = new Uint8Array(heads * headDim);
  const scales = new Float32Array(heads);
  const scaleBytes = new Uint8Array(scales.buffer);
  for (let head = 0, from = 0; head < heads; head++, from += width) {
    copyScale(rows, from, scaleBytes, KV_SCALE_BYTES * head);
    numbers.set(rows.subarray(from + KV_SCALE_BYTES, from + width), head * headDim);
  }
  return { numbers, scales };
}

/** Byte by byte: rows begin anywhere, and a view for four bytes costs more than the copy. */
function copyScale(source: Uint8Array, from: number, target: Uint8Array, to: number): void {
  for (let byte = 0; byte < KV_SCALE_BYTES; byte++) target[to + byte] = source[from + byte] as number;
}
