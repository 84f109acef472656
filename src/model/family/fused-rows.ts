/**
 * Where queries, keys and values lie in the rows of Falcon's fused query_key_value. Pure.
 * Source: the three layouts that HuggingFace transformers' FalconAttention takes apart.
 */
import type { RowRun } from '../checkpoint/matrix.js';

export type FusedRows = {
  readonly q: readonly RowRun[];
  readonly k: readonly RowRun[];
  readonly v: readonly RowRun[];
};

/**
 * Rows come in one group for each KV head: the group's query heads, then its key head, then its value head.
 * With one KV head that is all queries, then K, then V (7B); with as many KV heads as query heads it is
 * q, k, v of each head in turn (the oldest); in between it is the 40B layout.
 */
export function fusedRows(heads: number, kvHeads: number, headDim: number): FusedRows {
  const queriesPerGroup = heads / kvHeads;
  const groupRows = (queriesPerGroup + 2) * headDim;
  const runs = (firstHead: number, headsInRun: number): RowRun[] =>
    Array.from({ length: kvHeads }, (_, group) => {
      const start = group * groupRows + firstHead * headDim;
      return { start, end: start + headsInRun * headDim };
    });
  return { q: runs(0, queriesPerGroup), k: runs(queriesPerGroup, 1), v: runs(queriesPerGroup + 1, 1) };
}
