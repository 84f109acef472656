/**
 * Where the time of a prompt went, rank by rank. Pure.
 */
import type { GenerationResult } from '../../src/index.js';
import { columnsOf, type Table, tableOf } from './table.js';

export type RankTimes = {
  readonly rank: number;
  readonly slice: readonly [start: number, end: number];
  readonly blocksMs: number;
  readonly attentionMs: number;
  /** Writing keys and values into the cache. */
  readonly cacheMs: number;
  readonly waitMs: number;
  /** In none of these. */
  readonly restMs: number;
  readonly totalMs: number;
};

export function rankTimes({ timeline }: GenerationResult): RankTimes[] {
  return timeline.map(({ rank, slice, totalMs, computeMs, attentionMs, waitMs, events }) => {
    const cacheMs = events.reduce(
      (sum, { kind, startMs, endMs }) => sum + (kind === 'cache' ? endMs - startMs : 0),
      0,
    );
    const blocksMs = computeMs - attentionMs;
    const restMs = totalMs - computeMs - waitMs - cacheMs;
    return { rank, slice: [slice[0], slice[1]], blocksMs, attentionMs, cacheMs, waitMs, restMs, totalMs };
  });
}

/** `run` says which run the times are of, where a table has several. */
export type RankRow = RankTimes & { readonly run: string };

const { figure, words } = columnsOf<RankRow>();
const COLUMNS = [
  words('run', ({ run }) => run),
  figure('rank', ({ rank }) => rank),
  words('slice', ({ slice }) => `[${slice.join()})`),
  figure('blocks', ({ blocksMs }) => blocksMs),
  figure('attention', ({ attentionMs }) => attentionMs),
  figure('cache', ({ cacheMs }) => cacheMs),
  figure('wait', ({ waitMs }) => waitMs),
  figure('rest', ({ restMs }) => restMs),
  figure('total', ({ totalMs }) => totalMs),
];

export function rankTable(rows: readonly RankRow[]): Table {
  const title = 'Where the run in the middle spent its time, in ms';
  return tableOf({ name: 'ranks', title, label: 'measured' }, COLUMNS, rows);
}
