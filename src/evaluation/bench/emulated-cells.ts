/**
 * The cells of an emulated bench with their partitions, planned on as many equal workers as are described. Runs nothing.
 */
import { evenPartition, type Partition } from '../../core/partition.js';
import {
  type ChainCosts,
  chainCosts,
  emptyTable,
  lookUpPartition,
  planPartition,
  searchedPartition,
} from '../../plan/index.js';
import type { Engine } from '../../engine/engine.js';
import type { CellKey, CellRun } from './cells.js';
import { withLengthsAround } from './lookup-table.js';
import type { BenchOptions, EmulatedCluster } from './options.js';
import { benchStrategyOf, isAlone } from './strategies.js';

/** A cell with its partition, and the runs it has so far. */
export type EmulatedCell = {
  readonly key: CellKey;
  readonly partition: Partition;
  readonly costs: ChainCosts;
  readonly runs: CellRun[];
};

/** Partitions are made once, before the first run, so that all rounds measure the same. */
export function emulatedCells(
  options: BenchOptions & { readonly clusters: readonly EmulatedCluster[] },
  engine: Engine,
): EmulatedCell[] {
  const threads = engine.workers[0]?.ready.threads ?? 1;
  const alone = options.strategies.filter(isAlone);
  const chains = options.strategies.filter((strategy) => !isAlone(strategy));
  return options.contexts.flatMap((contextTokens) => {
    const singles = alone.map((strategy) =>
      openCell(engine, { strategy, workers: 1, threads, contextTokens }),
    );
    const others = options.clusters.flatMap(({ workers, link }) =>
      chains.map((strategy) => openCell(engine, { strategy, workers, threads, contextTokens, link })),
    );
    return [...singles, ...others];
  });
}

function openCell(engine: Engine, key: CellKey): EmulatedCell {
  const costsAt = (contextTokens: number): ChainCosts => equalCosts(engine, key, contextTokens);
  const costs = costsAt(key.contextTokens);
  return { key, costs, partition: partitionFor(key, costs, costsAt, engine), runs: [] };
}

function partitionFor(
  { strategy, workers, contextTokens }: CellKey,
  costs: ChainCosts,
  costsAt: (contextTokens: number) => ChainCosts,
  { model, settings }: Engine,
): Partition {
  const ranks = Math.min(workers, contextTokens);
  const { planner, request } = benchStrategyOf(strategy);
  if (planner !== 'plan') return evenPartition(contextTokens, ranks);
  switch (request.partition) {
    case 'e':
      return evenPartition(contextTokens, ranks);
    case 's':
      return searchedPartition(costs, ranks).partition;
    case 'p':
      return lookUpPartition(
        withLengthsAround(emptyTable('emulated'), contextTokens, ranks, costsAt),
        contextTokens,
        ranks,
      );
    case 'auto':
      return planPartition({
        contextTokens,
        workers: costs.workers,
        links: costs.links,
        shape: model.shape,
        kvDtype: settings.kvDtype,
        effort: 'full',
      }).partition;
  }
}

/** What the one worker was measured to cost, as many times as there are workers. */
function equalCosts(
  { costs, model, settings }: Engine,
  { workers, link }: CellKey,
  contextTokens: number,
): ChainCosts {
  const cost = costs?.knowledge.workers.slice(0, 1) ?? [];
  const each = Array.from({ length: workers }, () => cost).flat();
  const links = each.slice(1).flatMap(() => (link ? [link] : []));
  const { kvDtype } = settings;
  return chainCosts({ contextTokens, shape: model.shape, kvDtype, workers: each, links });
}
