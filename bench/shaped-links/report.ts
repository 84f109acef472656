/**
 * Cells of a bench side by side, and whether planned KVR holds its promise in each context. Pure but for printing.
 */
import type { MedianRange } from '../../src/core/statistics.js';

/** What of a cell of `kvr bench --json` is used here. */
export type Cell = {
  readonly strategy: string;
  readonly contextTokens: number;
  readonly ttftMs: MedianRange;
  readonly predictedTtftMs: number | null;
  readonly partition: readonly number[];
};

/**
 * Two medians of a few runs differ by so much from run to run where the runs are the same: a plan that takes one worker
 * does exactly what `single` does.
 */
export const NOISE_SHARE = 0.03;

export function printCells(title: string, cells: readonly Cell[]): void {
  const contexts = [...new Set(cells.map(({ contextTokens }) => contextTokens))];
  const strategies = [...new Set(cells.map(({ strategy }) => strategy))];
  console.log(`\n**${title}** (measured, medians of TTFT in ms)\n`);
  console.log(`| context | ${strategies.join(' | ')} | kvr predicted | kvr cut |`);
  console.log(`|--:|${strategies.map(() => '--:|').join('')}--:|---|`);
  for (const context of contexts) {
    const row = cells.filter(({ contextTokens }) => contextTokens === context);
    const times = strategies.map((name) =>
      row.find(({ strategy }) => strategy === name)?.ttftMs.median.toFixed(0),
    );
    const planned = row.find(({ strategy }) => strategy === 'kvr');
    const predicted = planned?.predictedTtftMs?.toFixed(0) ?? '–';
    console.log(`| ${context} | ${times.join(' | ')} | ${predicted} | ${planned?.partition.join() ?? '–'} |`);
  }
}

/** @returns in how many contexts planned KVR was slower than tsp, tsp-dense or single */
export function checkCells(cells: readonly Cell[]): number {
  let failures = 0;
  for (const planned of cells.filter(({ strategy }) => strategy === 'kvr')) {
    for (const other of cells) {
      if (
        other.contextTokens !== planned.contextTokens ||
        !['single', 'tsp', 'tsp-dense'].includes(other.strategy)
      )
        continue;
      if (planned.ttftMs.median <= other.ttftMs.median * (1 + NOISE_SHARE)) continue;
      failures += 1;
      const ratio = (planned.ttftMs.median / other.ttftMs.median).toFixed(3);
      console.log(`FAILS at ${planned.contextTokens}: kvr takes ${ratio} of ${other.strategy}`);
    }
  }
  return failures;
}
