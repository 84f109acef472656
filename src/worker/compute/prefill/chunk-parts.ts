/**
 * Parts of a chunk: views of its rows, and the outputs of parts put together again. A chunk goes through a kernel in
 * parts while sequences decode, since a call can not be interrupted. Pure.
 */
import type { Slice } from '../../../core/partition.js';
import type { ModelShape } from '../../../core/shape.js';
import type { BlockOutput } from '../../../runtime/cpu/model.js';
import type { RotaryTable } from '../../../runtime/cpu/rotary.js';

/** A run of rows of a slice: hidden [rows, hidden], and what the last block made of them. */
export type Chunk = Slice & {
  readonly rotary: RotaryTable;
  hidden: Float32Array;
  output: BlockOutput | undefined;
};

/** Rows [from, to) of a chunk, counted from its first one, as views. */
export function partOf(shape: ModelShape, chunk: Chunk, from: number, to: number): Chunk {
  const { start, rotary, output } = chunk;
  if (from === 0 && to === chunk.end - start) return chunk;
  const { hidden, heads, kvHeads, headDim } = shape;
  const rows = (all: Float32Array, width: number): Float32Array => all.subarray(from * width, to * width);
  return {
    start: start + from,
    end: start + to,
    rotary: { cos: rows(rotary.cos, headDim / 2), sin: rows(rotary.sin, headDim / 2) },
    hidden: rows(chunk.hidden, hidden),
    output: output && {
      hidden: rows(output.hidden, hidden),
      queries: rows(output.queries, heads * headDim),
      keys: rows(output.keys, kvHeads * headDim),
      values: rows(output.values, kvHeads * headDim),
    },
  };
}

/** The outputs of a chunk's parts, in order, as one; a copy where there is more than one. */
export function joinOutputs(outputs: readonly BlockOutput[]): BlockOutput {
  const [only] = outputs;
  if (only && outputs.length === 1) return only;
  return {
    hidden: joined(outputs.map((output) => output.hidden)),
    queries: joined(outputs.map((output) => output.queries)),
    keys: joined(outputs.map((output) => output.keys)),
    values: joined(outputs.map((output) => output.values)),
  };
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
