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
  simulatedStrategyOf,
  type SimulatedStrategyName,
  type Simulation,
} from '../../simulate/index.js';
import { formatPlural } from '../terminal/format.js';

type Row = { readonly strategy: SimulatedStrategyName; readonly partition: PartitionKind };

/** Strategies with their partitions, in the order of tables; kvr has the exact balance and may leave workers out. */
const ROWS = {
  single: { strategy: 'single', partition: 'e' },
  'tsp-dense': { strategy: 'tsp-dense', partition: 'e' },
  tsp: { strategy: 'tsp', partition: 'e' },
  ring: { strategy: 'ring', partition: 'e' },
  'ring-zigzag': { strategy: 'ring-zigzag', partition: 'e' },
  pipeline: { strategy: 'pipeline', partition: 'e' },
  'kvr-e': { strategy: 'kvr', partition: 'e' },
  'kvr-s': { strategy: 'kvr', partition: 's' },
  'kvr-p': { strategy: 'kvr', partition: 'p' },
  kvr: { strategy: 'kvr', partition: 'exact' },
} as const satisfies Record<string, Row>;

export type SimulatedRow = keyof typeof ROWS;
export const SIMULATED_ROWS = Object.keys(ROWS) as SimulatedRow[];

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
  /** A described cluster is nobody's published one. */
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
        .filter((row) => !isAlone(row) || index === 0)
        .map((strategy) => ({ strategy, workers: isAlone(strategy) ? 1 : count, contextTokens })),
    ),
  );
}

/** Rows one by one; the last of a context and number of workers knows all baselines that come before it. @throws BAD_INPUT */
export function* simulationRows(plan: SimulationPlan): Generator<SimulationRow> {
  const done: SimulationRow[] = [];
  for (const cell of cellsOf(plan)) {
    const { strategy, workers, contextTokens } = cell;
    const result = simulate({
      ...{ shape: plan.shape, cluster: plan.cluster, policy: plan.policy, contextTokens, ranks: workers },
      ...ROWS[strategy],
    });
    const row = rowOf(cell, result, done);
    done.push(row);
    yield row;
  }
}

/** Whether it runs on one worker, however many there are. */
function isAlone(row: SimulatedRow): boolean {
  return simulatedStrategyOf(ROWS[row].strategy).topology === 'none';
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
  const sharesTokens = simulatedStrategyOf(ROWS[strategy].strategy).shares === 'tokens';
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
    partition: sharesTokens ? partitionSizes(partition) : null,
  };
}

function isComparable(row: SimulationRow, { workers, contextTokens }: Cell): boolean {
  return row.contextTokens === contextTokens && (isAlone(row.strategy) || row.workers === workers);
}
