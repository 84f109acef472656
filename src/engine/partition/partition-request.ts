/**
 * The partition of one request, by what the engine knows when its turn comes: costs, the table of partition p, kept rows of
 * earlier requests, and how busy each worker is.
 */
import type { KvDtype, ModelShape } from '../../core/shape.js';
import { strategyOf } from '../../core/strategy.js';
import { cacheFolder } from '../../model/cache/index.js';
import { partitionAfterPrefix } from './partition-after-prefix.js';
import { type ChainPartition, type PartitionContext, partitionContext } from './chain-partition.js';
import { wireKvDtype } from './kv-wire.js';
import type { EngineSettings } from '../options/options.js';
import { allowedWorkers } from '../options/chain-choice.js';
import type { RequestSettings } from '../options/request.js';
import type { CachedPrefix } from '../chain/prefix-index.js';
import type { RunningChain } from '../chain/running-chain.js';
import type { CostSource } from './cost-source.js';
import { balanceLoad } from './load-balance.js';
import { readTable } from './table-file.js';

/** The parts of an engine that matter here. */
type PartitionSource = {
  readonly model: { readonly digest: string; readonly shape: ModelShape };
  readonly settings: EngineSettings;
  readonly chain: RunningChain;
  readonly calibration: CostSource | undefined;
  readonly warn: (words: string) => void;
};

type PartitionOptions = {
  /** Of the request's keys and values; the engine's unless given. */
  readonly kvDtype?: KvDtype;
  /** Kept prefixes of the prompt; none unless given. */
  readonly found?: readonly CachedPrefix[];
};

/** @throws BAD_INPUT */
export async function partitionRequest(
  source: PartitionSource,
  request: RequestSettings,
  contextTokens: number,
  { kvDtype = source.settings.kvDtype, found = [] }: PartitionOptions = {},
): Promise<ChainPartition> {
  const { model, settings, chain, warn } = source;
  const plain = contextOf(source, request, contextTokens, kvDtype);
  const ids = plain.workers;
  const workers = chain.workers.filter(({ handle }) => ids.includes(handle.id));
  const owner = { model, settings, workers };
  const table =
    request.partition === 'p' ? await readTable(cacheFolder(settings.cacheDir), owner, warn) : undefined;
  const context = { ...plain, table };
  const usable = found.filter(({ worker }) => ids.includes(worker));
  const planned = partitionAfterPrefix(request, context, usable);
  return balanceLoad(planned, request, context, chain.capacity.heldBytes);
}

/**
 * The element type of a request's keys and values: the engine's, or with `kvWire` 'auto' what its plan gains most by. Chosen
 * once, when the request comes, for all its runs, so that one that loses a worker goes on with the same numbers.
 * @throws BAD_INPUT
 */
export function requestKvDtype(
  source: PartitionSource,
  request: RequestSettings,
  contextTokens: number,
): KvDtype {
  const { kvDtype, kvWire } = source.settings;
  if (kvWire !== 'auto' || !isPlanned(request)) return kvDtype;
  const context = contextOf(source, request, contextTokens, kvDtype);
  const { costs, workers } = context;
  // A plan needs the workers that it is for, which may be on their way.
  if (!costs || workers.length === 0) return kvDtype;
  if (request.decodeOn !== undefined && !workers.includes(request.decodeOn)) return kvDtype;
  return wireKvDtype(kvDtype, (each) => {
    const planned = partitionContext(request, { ...context, costs: costs.withKvDtype(each) });
    return planned.predictedTtftMs ?? Infinity;
  });
}

function isPlanned({ partition, strategy }: RequestSettings): boolean {
  return partition === 'auto' && strategyOf(strategy).planner === 'plan';
}

/** What is known of the workers that the request may use and that can be used now. */
function contextOf(
  { model: { shape }, chain, calibration }: PartitionSource,
  request: RequestSettings,
  contextTokens: number,
  kvDtype: KvDtype,
): PartitionContext {
  const allowed = allowedWorkers(
    request,
    chain.cluster.members.map(({ id }) => id),
  );
  const workers = chain.workers.map(({ handle }) => handle.id).filter((id) => allowed.includes(id));
  return {
    contextTokens,
    workers,
    order: chain.order.among(workers),
    allWorkers: allowed.length,
    shape,
    costs: calibration?.costs.withKvDtype(kvDtype),
    table: undefined,
  };
}
