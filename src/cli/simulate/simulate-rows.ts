/**
 * What `kvr simulate` compares, row by row: every strategy for every number of workers and context. Pure; rows come one
 * at a time, because a row may take seconds.
 */
import { partitionSizes } from '../../core/partition.js';
import type { ModelShape } from '../../core/shape.js';
import {
  type ClusterProfile,
  CPU_CORE,
  type PartitionKind,
  LINK_10GB,
  NVLINK_300GB,
  PAPER_A100,
  type Policy,
  simulate,
  type SimulatedStrategy,
  type Simulation,
} from '../../simulate/index.js';
import { formatPlural } from '../terminal/format.js';

/** Strategies with their cuts, in the order of tables; kvr has the exact balance and may leave workers out. */
export const SIMULATED_ROWS = [
  'single',
  'tsp-dense',
  'tsp',
  'ring',
  'ring-zigzag',
  'pipeline',
  'kvr-e',
  'kvr-s',
  'kvr-p',
  'kvr',
] as const;
export type SimulatedRow = (typeof SIMULATED_ROWS)[number];

const CUTS: Partial<Record<SimulatedRow, PartitionKind>> = {
  'kvr-e': 'e',
  'kvr-s': 's',
  'kvr-p': 'p',
  kvr: 'exact',
};

/** Devices by name, with the links they are usually joined by. */
export const PROFILES = {
  gpu: { device: PAPER_A100, link: NVLINK_300GB },
  cpu: { device: CPU_CORE, link: { bytesPerS: LINK_10GB.bytesPerS / 8, latencyMs: 0.05 } },
} as const;

export type SimulationPlan = {
  readonly modelName: string;
  readonly shape: ModelShape;
  readonly cluster: ClusterProfile;
  readonly policy: Policy;
  readonly strategies: readonly SimulatedRow[];
  readonly workers: readonly number[];
  readonly contexts: readonly number[];
};

export type SimulationRow = {
  /** 'kvr, 8 workers, 16,384 tokens'. */
  readonly case: string;
  /** Nobody has published figures for a cluster that a user describes. */
  readonly published: null;
  /** Milliseconds to the first token. */
  readonly simulated: number;
  readonly difference: null;
  readonly strategy: SimulatedRow;
  readonly workers: number;
  readonly contextTokens: number;
  /** How many times as fast as this baseline; null where it was not asked for. */
  readonly speedupOverSingle: number | null;
  readonly speedupOverTspDense: number | null;
  readonly speedupOverTsp: number | null;
  /** Attention in the compute of all ranks. */
  readonly attentionShare: number;
  readonly trafficBytes: number;
  /** Slice sizes in rank order; null where ranks do not hold slices. */
  readonly partition: readonly number[] | null;
};

type Cell = { readonly strategy: SimulatedRow; readonly workers: number; readonly contextTokens: number };

/** Rows in the order of the table. `single` has one worker and comes once a context. */
export function cellsOf({ strategies, workers, contexts }: SimulationPlan): Cell[] {
  return contexts.flatMap((contextTokens) =>
    workers.flatMap((count, index) =>
      strategies
        .filter((strategy) => strategy !== 'single' || index === 0)
        .map((strategy) => ({ strategy, workers: strategy === 'single' ? 1 : count, contextTokens })),
    ),
  );
}

/** Rows one by one. A row is compared with the baselines that came before it, which is why those stand first. @throws BAD_INPUT */
export function* simulationRows(plan: SimulationPlan): Generator<SimulationRow> {
  const done: SimulationRow[] = [];
  for (const cell of cellsOf(plan)) {
    const { strategy, workers, contextTokens } = cell;
    const result = simulate({
      ...{ shape: plan.shape, cluster: plan.cluster, policy: plan.policy, contextTokens, ranks: workers },
      strategy: strategyOf(strategy),
      partition: CUTS[strategy] ?? 'e',
    });
    const row = rowOf(cell, result, done);
    done.push(row);
    yield row;
  }
}

function strategyOf(row: SimulatedRow): SimulatedStrategy {
  return row === 'kvr-e' || row === 'kvr-s' || row === 'kvr-p' ? 'kvr' : row;
}

function rowOf(
  cell: Cell,
  { ttftMs, partition, ranks, trafficBytes }: Simulation,
  done: readonly SimulationRow[],
): SimulationRow {
  const { strategy, workers, contextTokens } = cell;
  const over = (baseline: SimulatedRow): number | null => {
    if (strategy === baseline) return 1;
    const found = done.find((row) => row.strategy === baseline && isComparable(row, cell));
    return found ? found.simulated / ttftMs : null;
  };
  const computeMs = ranks.reduce((sum, rank) => sum + rank.computeMs, 0);
  const attentionMs = ranks.reduce((sum, rank) => sum + rank.attentionMs, 0);
  return {
    case: `${strategy}, ${formatPlural(workers, 'worker')}, ${formatPlural(contextTokens, 'token')}`,
    published: null,
    simulated: ttftMs,
    difference: null,
    ...cell,
    speedupOverSingle: over('single'),
    speedupOverTspDense: over('tsp-dense'),
    speedupOverTsp: over('tsp'),
    attentionShare: attentionMs / computeMs,
    trafficBytes,
    partition: strategy === 'pipeline' ? null : partitionSizes(partition),
  };
}

function isComparable(row: SimulationRow, { workers, contextTokens }: Cell): boolean {
  return row.contextTokens === contextTokens && (row.strategy === 'single' || row.workers === workers);
}
