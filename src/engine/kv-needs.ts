/**
 * What a request's caches will take on each worker of its chain. Pure.
 */
import { partitionSizes } from '../core/partition.js';
import { type KvDtype, kvBytesPerToken, type ModelShape } from '../core/shape.js';
import { cacheRows } from '../worker/cache-rows.js';
import type { KvNeeds } from './chain-room.js';
import type { Cut } from './cut.js';
import type { GenerateSettings } from './options.js';

export function kvNeeds(
  { partition, workers }: Cut,
  { strategy, maxTokens }: Pick<GenerateSettings, 'strategy' | 'maxTokens'>,
  shape: ModelShape,
  kvDtype: KvDtype,
): KvNeeds {
  const sizes = partitionSizes(partition);
  return new Map(
    workers.map((worker, rank) => [
      worker,
      cacheRows({ strategy, partition: sizes, rank, maxTokens }) * kvBytesPerToken(shape, kvDtype),
    ]),
  );
}
