/**
 * The cells of an emulated bench: their cuts, planned on as many equal workers as are described. Runs nothing.
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

/** A cell whose cut is made, and the runs it has so far. */
export type EmulatedCell = {
  readonly key: CellKey;
  readonly partition: Partition;
  readonly costs: ChainCosts;
  readonly runs: CellRun[];
};

/** Cuts are made once, before the first run, so that all rounds measure the same. */
export function emulatedCells(
  options: BenchOptions & { readonly clusters: readonly EmulatedCluster[] },
  engine: Engine,
): EmulatedCell[] {
  const threads = engine.workers[0]?.ready.threads ?? 1;
  const chains = options.strategies.filter((strategy) => strategy !== 'single');
  return options.contexts.flatMap((contextTokens) => {
    const single = { strategy: 'single', workers: 1, threads, contextTokens } as const;
    const alone = options.strategies.includes('single') ? [openCell(engine, single)] : [];
    const others = options.clusters.flatMap(({ workers, link }) =>
      chains.map((strategy) => openCell(engine, { strategy, workers, threads, contextTokens, link })),
    );
    return [...alone, ...others];
  });
}

function openCell(engine: Engine, key: CellKey): EmulatedCell {
  const costsAt = (contextTokens: number): ChainCosts => equalCosts(engine, key, contextTokens);
  const costs = costsAt(key.contextTokens);
  return { key, costs, partition: cutFor(key, costs, costsAt, engine), runs: [] };
}

function cutFor(
  { strategy, workers, contextTokens }: CellKey,
  costs: ChainCosts,
  costsAt: (contextTokens: number) => ChainCosts,
  { model, settings }: Engine,
): Partition {
  const ranks = Math.min(workers, contextTokens);
  switch (strategy) {
    case 'single':
      return evenPartition(contextTokens, 1);
    case 'tsp':
    case 'tsp-dense':
    case 'kvr-e':
      return evenPartition(contextTokens, ranks);
    case 'kvr-s':
      return searchedPartition(costs, ranks).partition;
    case 'kvr-p':
      return lookUpPartition(
        withLengthsAround(emptyTable('emulated'), contextTokens, ranks, costsAt),
        contextTokens,
        ranks,
      );
    case 'kvr':
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
