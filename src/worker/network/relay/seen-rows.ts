/**
 * The part of rows that a later rank's window sees. Pure.
 */
import type { KvFrame } from '../../../link/frame.js';

/** Rows from `first` on: the frame itself where they are all of it, a copy of the part, or undefined where there are none. */
export function seenFrom(frame: KvFrame, first: number): KvFrame | undefined {
  const { start, rows, payload } = frame;
  if (first <= start) return frame;
  if (first >= start + rows) return undefined;
  const kept = start + rows - first;
  // The sum it came with is of the whole payload.
  const { kind, request, layer } = frame;
  return { kind, request, layer, start: first, rows: kept, payload: lastRows(payload, rows, kept) };
}

/** The last `kept` rows of keys [rows, width] and values likewise, which follow each other. */
function lastRows(payload: Uint8Array, rows: number, kept: number): Uint8Array<ArrayBuffer> {
  const half = payload.byteLength / 2;
  const bytes = (half / rows) * kept;
  const part = new Uint8Array(2 * bytes);
  part.set(payload.subarray(half - bytes, half));
  part.set(payload.subarray(2 * half - bytes), bytes);
  return part;
}
