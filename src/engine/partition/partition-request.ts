/**
 * The partition of one request, by what the engine knows when its turn comes: costs, the table of partition p, kept rows of
 * earlier requests, and how busy each worker is.
 */
import type { ModelShape } from '../../core/shape.js';
import { cacheFolder } from '../../model/cache/index.js';
import { partitionAfterPrefix } from './partition-after-prefix.js';
import type { ChainPartition } from './chain-partition.js';
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

/** @param found kept prefixes of the prompt. @throws BAD_INPUT */
export async function partitionRequest(
  { model, settings, chain, calibration, warn }: PartitionSource,
  request: RequestSettings,
  contextTokens: number,
  found: readonly CachedPrefix[] = [],
): Promise<ChainPartition> {
  const { capacity, cluster } = chain;
  const allowed = allowedWorkers(
    request,
    cluster.members.map(({ id }) => id),
  );
  const workers = chain.workers.filter(({ handle }) => allowed.includes(handle.id));
  const owner = { model, settings, workers };
  const table =
    request.partition === 'p' ? await readTable(cacheFolder(settings.cacheDir), owner, warn) : undefined;
  const ids = workers.map(({ handle }) => handle.id);
  const { shape } = model;
  const context = {
    contextTokens,
    workers: ids,
    order: chain.order.among(ids),
    allWorkers: allowed.length,
    shape,
    costs: calibration?.costs,
    table,
  };
  const usable = found.filter(({ worker }) => ids.includes(worker));
  const planned = partitionAfterPrefix(request, context, usable);
  return balanceLoad(planned, request, context, capacity.heldBytes);
}
