/**
 * What of an earlier request's cache a new one can go on from. Pure.
 */
import type { Reuse } from './active-request.js';
import { commonTokens } from '../../../core/ids/common-prefix.js';
import { strategyOf } from '../../../core/strategy.js';
import type { PrefixEntry } from './prefix-store.js';
import type { Job } from '../../threads/thread-messages.js';

/**
 * The part of an entry that the job's slice begins with. A chain's rank 0 may have all of its slice; whoever is alone
 * computes at least the last token, since nothing else gives its logits.
 */
export function reuseOf(
  { spec: { strategy, kvDtype }, rank, chain, partition, ids, reuse }: Job,
  entry: PrefixEntry,
): Reuse | undefined {
  if (rank !== 0 || !strategyOf(strategy).reusesPrefix) return undefined;
  if (entry.cache.kvDtype !== kvDtype) return undefined;
  const most = chain.length === 1 ? ids.length - 1 : (partition[0] ?? 0);
  const common = Math.min(commonTokens(entry.ids, ids), reuse?.tokens ?? 0, most);
  // Layers with a window have let go of rows that they would need to go on from just anywhere, or never had them.
  const tokens = entry.cache.continuable(common);
  return tokens > 0 && tokens >= entry.start ? { cache: entry.cache, tokens, start: entry.start } : undefined;
}
