/**
 * The paper's cases beside the simulator's: every ratio on one fitted device. Pure; called by the simulate command.
 */
import type { NoiseProfile } from './cluster.js';
import { PAPER_POLICY } from './cluster.js';
import type { PartitionKind } from './partitions.js';
import { NOISE_SEEDS, PAPER_A100, PAPER_NOISE } from './paper-profile.js';
import { PAPER_CASES } from './paper-cases.js';
import type { PaperCase, PaperCell } from './paper-cases.js';
import { simulate } from './simulate.js';
import type { Simulation, SimulationRequest } from './simulate.js';
import type { SimulatedStrategyName } from './strategies.js';

/** A published ratio and ours. */
export type PaperRow = {
  readonly case: string;
  /** null where the paper names none. */
  readonly published: number | null;
  readonly simulated: number;
  /** simulated/published − 1. */
  readonly difference: number | null;
  readonly note?: string;
};

/** All rows, those with a published figure first; ten to twenty seconds. */
export function simulatePaper(): PaperRow[] {
  return PAPER_CASES.map(rowOf);
}

export function rowOf(paperCase: PaperCase): PaperRow {
  const simulated = ratioOf(paperCase);
  const published = paperCase.published ?? null;
  const difference = published === null ? null : simulated / published - 1;
  const note = paperCase.note === undefined ? {} : { note: paperCase.note };
  return { case: paperCase.case, published, simulated, difference, ...note };
}

function ratioOf(paperCase: PaperCase): number {
  switch (paperCase.kind) {
    case 'gain':
      return gain(paperCase.cell, paperCase.partition);
    case 'best-gain':
      return Math.max(...paperCase.cells.map((cell) => gain(cell, paperCase.partition)));
    case 'lookup-loss':
      return Math.max(...paperCase.cells.map((cell) => kvr(cell, 'p').ttftMs / kvr(cell, 's').ttftMs));
    case 'noise':
      return Math.max(...paperCase.cells.map((cell) => noiseLoss(cell, paperCase.strategy)));
  }
}

/** TSP's time over KVR's; the paper's TSP is the dense one. */
function gain(cell: PaperCell, partition: PartitionKind): number {
  return run(cell, 'tsp-dense').ttftMs / kvr(cell, partition).ttftMs;
}

function kvr(cell: PaperCell, partition: PartitionKind): Simulation {
  return run(cell, 'kvr', partition);
}

/** Extra time as a share, mean over the seeds; KVR keeps the partition it found without noise. */
function noiseLoss(cell: PaperCell, strategy: 'tsp-dense' | 'kvr'): number {
  const quiet = run(cell, strategy, 's');
  let sum = 0;
  for (let seed = 1; seed <= NOISE_SEEDS; seed += 1) {
    sum += run(cell, strategy, quiet.partition, { ...PAPER_NOISE, seed }).ttftMs;
  }
  return sum / NOISE_SEEDS / quiet.ttftMs - 1;
}

function run(
  cell: PaperCell,
  strategy: SimulatedStrategyName,
  partition: NonNullable<SimulationRequest['partition']> = 'e',
  noise?: NoiseProfile,
): Simulation {
  const { shape, ranks, contextTokens, link } = cell;
  const cluster = { device: PAPER_A100, link, ...(noise === undefined ? {} : { noise }) };
  return simulate({ strategy, shape, cluster, contextTokens, ranks, partition, policy: PAPER_POLICY });
}
