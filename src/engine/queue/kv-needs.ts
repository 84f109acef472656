/**
 * What a request's caches will take on each worker of its chain. Pure.
 */
import { partitionSizes } from '../../core/partition.js';
import { type KvDtype, kvBytesPerToken, type ModelShape } from '../../core/shape.js';
import { kvRows } from '../../core/kv-rows.js';
import type { KvNeeds } from '../chain/kv-capacity.js';
import type { ChainPartition } from '../partition/chain-partition.js';
import type { GenerateSettings } from '../options/options.js';

export function kvNeeds(
  { partition, workers }: ChainPartition,
  { strategy, maxTokens }: Pick<GenerateSettings, 'strategy' | 'maxTokens'>,
  shape: ModelShape,
  kvDtype: KvDtype,
): KvNeeds {
  const sizes = partitionSizes(partition);
  return new Map(
    workers.map((worker, rank) => [
      worker,
      kvRows({ strategy, partition: sizes, rank, maxTokens }) * kvBytesPerToken(shape, kvDtype),
    ]),
  );
}
