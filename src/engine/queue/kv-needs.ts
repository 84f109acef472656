/**
 * What a request's caches will take on each worker of its chain. Pure.
 */
import { rankKvBytes } from '../../core/kv-rows.js';
import { partitionSizes } from '../../core/partition.js';
import type { RequestSpec } from '../../core/request.js';
import type { ModelShape } from '../../core/shape.js';
import type { KvNeeds } from '../chain/kv-capacity.js';
import type { ChainPartition } from '../partition/chain-partition.js';

export function kvNeeds(
  { partition: slices, workers }: ChainPartition,
  spec: RequestSpec,
  shape: ModelShape,
): KvNeeds {
  const partition = partitionSizes(slices);
  const bytesOf = (rank: number) => rankKvBytes(shape, spec.kvDtype, { spec, partition, rank });
  return new Map(workers.map((worker, rank) => [worker, bytesOf(rank)]));
}
