/**
 * A request that loses a worker or a link is run again on those that are left, or are back; its listeners hear one answer.
 */
import { asKvrError, type KvrErrorCode } from '../../core/errors.js';
import type { GenerateEvent } from '../output/generation.js';
import { ReplayedEvents } from './replayed-events.js';
import type { ValidatedRequest } from './validated-request.js';

/** What takes a part of the chain away, and not the request. */
const LOSSES: ReadonlySet<KvrErrorCode> = new Set(['WORKER_DIED', 'WORKER_HUNG', 'LINK', 'CACHE_DAMAGED']);

/** One run of a request. @param onHandedOver called when a chain has got it */
export type Run = (isRetry: boolean, onHandedOver: () => void) => AsyncGenerator<GenerateEvent>;

/** @param startMs when the request came. @throws KvrError; of a loss only after so many retries */
export async function* withRetries(
  run: Run,
  { startMs, signal }: Pick<ValidatedRequest, 'startMs' | 'signal'>,
  maxRetries: number,
): AsyncGenerator<GenerateEvent> {
  const answer = new ReplayedEvents(startMs);
  let loss: unknown;
  for (let retries = 0; ; retries++) {
    try {
      for await (const event of run(retries > 0, () => answer.handedOver())) {
        const unheard = answer.next(event);
        if (unheard) yield unheard;
      }
      return;
    } catch (error) {
      // Who waited in vain for workers after a loss is told of the loss, which has a rank and a phase.
      if (!isLoss(error)) throw isWorkerMissing(error) ? (loss ?? error) : error;
      if (retries >= mostFor(error, maxRetries) || signal.aborted) throw error;
      loss = error;
      answer.startOver();
    }
  }
}

/** Files that were damaged are made anew, once, whatever is asked for. */
function mostFor(error: unknown, maxRetries: number): number {
  return asKvrError(error).code === 'CACHE_DAMAGED' ? Math.max(1, maxRetries) : maxRetries;
}

/** Only of a run: a request that waited in vain for workers is not asked to wait again. */
function isLoss(error: unknown): boolean {
  const { code, fields } = asKvrError(error);
  return LOSSES.has(code) && fields['rank'] !== undefined;
}

function isWorkerMissing(error: unknown): boolean {
  return LOSSES.has(asKvrError(error).code) && !isLoss(error);
}
