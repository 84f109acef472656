/**
 * Timelines as the page's script takes them: short keys, microsecond precision. Pure.
 * The script (browser/timeline.ts) has the same type in its own words, since it is built on its own.
 */
import type { TimelineEvent } from '../../../core/timeline.js';
import type { BenchCell } from '../../../evaluation/bench/index.js';
import { linkWords, workersWords } from '../document/bench-table.js';
import { formatCount } from '../../terminal/format.js';

/** In the order of the page's legend; an event names its kind by index. */
export const KINDS: readonly TimelineEvent['kind'][] = [
  'block',
  'attention',
  'wait',
  'send',
  'embed',
  'head',
  'cache',
];

type PageRun = {
  readonly title: string;
  readonly ranks: readonly {
    readonly rank: number;
    readonly slice: readonly [number, number];
    readonly totalMs: number;
    /** [kind, layer, startMs, endMs] */
    readonly events: readonly (readonly [number, number, number, number])[];
  }[];
};

/** One a cell: its run in the middle. */
export function pageRuns(cells: readonly BenchCell[]): PageRun[] {
  return cells.map((cell) => ({
    title: titleOf(cell),
    ranks: cell.timeline.map(({ rank, slice, totalMs, events }) => ({
      rank,
      slice: [slice[0], slice[1]],
      totalMs: rounded(totalMs),
      events: events.map(({ kind, layer, startMs, endMs }) => [
        KINDS.indexOf(kind),
        layer,
        rounded(startMs),
        rounded(endMs),
      ]),
    })),
  }));
}

function titleOf(cell: BenchCell): string {
  const link = cell.link ? ` · ${linkWords(cell)}` : '';
  return `${formatCount(cell.contextTokens)} tokens · ${cell.strategy} · ${workersWords(cell)}${link} · ${cell.label}`;
}

function rounded(ms: number): number {
  return Math.round(1000 * ms) / 1000;
}
