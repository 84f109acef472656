/**
 * Hands the ranks of a chain their parts of a request: each its slice, with the partition and the limits.
 */
import { KvrError } from '../../core/errors.js';
import { partitionSizes } from '../../core/partition.js';
import type { ChainSpec } from './chain-spec.js';

/** Later ranks first, so that they know the request when an earlier one's rows arrive. @throws INTERNAL, LINK */
export function dispatch(spec: ChainSpec): void {
  for (let rank = spec.workers.length - 1; rank >= 0; rank--) sendPart(spec, rank);
}

function sendPart(spec: ChainSpec, rank: number): void {
  const { request, strategy, workers, ids, partition, maxTokens, kvDtype, sampling, eosIds } = spec;
  const { chunkEnds = [], wantLogits, reuse, keep = false, grammar } = spec;
  const slice = partition[rank];
  const worker = workers[rank];
  if (!slice || !worker) throw new KvrError('INTERNAL', `partition has no slice for rank ${rank}`);
  const isLast = rank === workers.length - 1;
  if (isLast) grammar?.prepare(worker.handle);
  // A copy, since the link may still be writing it when the caller goes on.
  const part = isLast ? ids.slice() : ids.slice(slice.start, slice.end);
  worker.handle.send(
    {
      type: 'run',
      request,
      strategy,
      rank,
      chain: workers.map(({ handle }) => handle.id),
      partition: partitionSizes(partition),
      maxTokens,
      kvDtype,
      sampling,
      eosIds: [...eosIds],
      chunkEnds: [...chunkEnds],
      wantLogits,
      ...(rank === 0 && reuse && { reuse }),
      ...(isLast && { keep, grammar: grammar?.rules }),
    },
    new Uint8Array(part.buffer),
  );
}
