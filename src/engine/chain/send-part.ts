/**
 * Hands one rank its part of a request.
 */
import { KvrError } from '../../core/errors.js';
import { joinIds } from '../../core/ids/join-ids.js';
import { partitionSizes } from '../../core/partition.js';
import type { RunMessage } from '../../worker/protocol/index.js';
import type { ChainRequest } from './chain-request.js';

/** @throws INTERNAL, LINK */
export function sendPart(request: ChainRequest, rank: number): void {
  const { ids, answered = [], partition, workers, sendVocabulary } = request;
  const slice = partition[rank];
  const worker = workers[rank];
  if (!slice || !worker) throw new KvrError('INTERNAL', `partition has no slice for rank ${rank}`);
  const isLast = rank === workers.length - 1;
  if (isLast) sendVocabulary?.(worker.handle);
  // A copy, since the link may still be writing it when the caller goes on.
  const behind = request.spec.promptLogprobs === undefined ? 0 : 1;
  const part = isLast ? joinIds(ids, answered) : ids.slice(slice.start, slice.end + behind);
  worker.handle.send(runMessage(request, rank), new Uint8Array(part.buffer));
}

function runMessage(
  { id, spec, workers, answered = [], partition, reuse }: ChainRequest,
  rank: number,
): RunMessage {
  const isLast = rank === workers.length - 1;
  return {
    type: 'run',
    request: id,
    spec,
    rank,
    chain: workers.map(({ handle }) => handle.id),
    partition: partitionSizes(partition),
    ...(rank === 0 && reuse && { reuse }),
    ...(isLast && answered.length > 0 && { answered: answered.length }),
  };
}
