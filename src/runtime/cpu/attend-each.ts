/**
 * A layer's attention in a decode step: every row goes into its own sequence's cache and attends over it.
 */
import type { RowInCache } from '../backend/backend.js';
import type { ModelAttention } from './attention/model-attention.js';
import { cpuKvCache } from './cache/cpu-kv-cache.js';
import type { KvRounding } from './cache/kv-rounding.js';
import { viewRows } from './rows/arrays.js';
import type { Projections } from './rows/projections.js';

type StepOfLayer = {
  readonly projections: Projections;
  readonly layer: number;
  /** One a row. */
  readonly sequences: readonly RowInCache[];
};

/** @returns [rows, heads·D] */
export async function attendEach(
  attention: ModelAttention,
  rounding: KvRounding,
  { projections: { queries, keys, values }, layer, sequences }: StepOfLayer,
): Promise<Float32Array> {
  const attended = new Float32Array(queries.length);
  const count = sequences.length;
  for (const [row, sequence] of sequences.entries()) {
    const { position } = sequence;
    const cache = cpuKvCache(sequence.cache);
    const rowOf = (all: Float32Array): Float32Array => viewRows(all, count, row, row + 1);
    const own = { keys: rowOf(keys), values: rowOf(values) };
    cache.writeArrays(layer, position, await rounding.rows(own, cache.kvDtype));
    const result = await attention.of(layer).row(attention.place(cache, layer), position + 1, rowOf(queries));
    attended.set(result, row * (queries.length / count));
  }
  return attended;
}
