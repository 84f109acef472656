/**
 * Where attention reads: rows of a layer of a cache, and the sinks of the model's layer that they belong to.
 */
import type { Feeds } from '../../sessions/kernels.js';
import type { CpuKvCache } from '../cache/cpu-kv-cache.js';

export type LayerInCache = {
  readonly cache: CpuKvCache;
  readonly layer: number;
  /** `sinks` [kvHeads, group] where the model's layer has them. */
  readonly sinks: Feeds;
};
