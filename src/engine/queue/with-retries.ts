/**
 * A request that loses a worker or a link goes on, on those that are left or are back, from the token where it stood; its
 * listeners hear one answer.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { asKvrError, KvrError, type KvrErrorCode } from '../../core/errors.js';
import { retryWaitMs } from '../../link/reach/retry-wait.js';
import { cancelled } from '../chain/chain-failure.js';
import type { Lease } from '../chain/kv-capacity.js';
import type { GenerateEvent } from '../output/generation.js';
import { AnswerSoFar } from './answer-so-far.js';
import { Losses } from './losses.js';
import type { ValidatedRequest } from './validated-request.js';

/** What takes a part of the chain away, and not the request. */
const LOST: ReadonlySet<KvrErrorCode> = new Set(['WORKER_DIED', 'WORKER_HUNG', 'LINK', 'CACHE_DAMAGED']);

/** One run of a request. */
export type Attempt = {
  readonly isRetry: boolean;
  /** Ids of the answer so far, which earlier runs have given. */
  readonly answered: readonly number[];
  /** Called when a chain has got the request. */
  readonly handedOver: (lease: Pick<Lease, 'mostBeside'>) => void;
};
export type Run = (attempt: Attempt) => AsyncGenerator<GenerateEvent>;

/**
 * @param startMs when the request came. @param maxRetries see Losses
 * @param maxRefusals how often it is asked again, within the deadline, what a worker refuses because another engine has it
 * @throws KvrError; of a loss only where it is not run again, LOST_TOO_OFTEN where that was in vain
 */
export async function* withRetries(
  run: Run,
  { startMs, signal }: Pick<ValidatedRequest, 'startMs' | 'signal'>,
  maxRetries: number,
  maxRefusals = 0,
): AsyncGenerator<GenerateEvent> {
  let refusals = 0;
  const answer = new AnswerSoFar(startMs);
  const losses = new Losses();
  let loss: KvrError | undefined;
  for (;;) {
    let sharedBy = (): number => 1;
    const handedOver: Attempt['handedOver'] = (lease) => {
      answer.handedOver();
      sharedBy = () => 1 + lease.mostBeside;
    };
    try {
      const attempt = { isRetry: loss !== undefined, answered: [...answer.ids], handedOver };
      for await (const event of run(attempt)) {
        const unheard = answer.next(event);
        if (unheard) yield unheard;
      }
      return;
    } catch (error) {
      if (isRefusal(error) && refusals < maxRefusals) {
        await pause(retryWaitMs(++refusals), undefined, { signal }).catch(() => undefined);
        if (signal.aborted) throw cancelled();
        answer.startOver();
        continue;
      }
      // Who waited in vain for workers after a loss is told of the loss, which has a rank and a phase.
      if (!isLoss(error)) throw loss && isOfMissing(error) ? loss : error;
      loss = error;
      losses.note(sharedBy(), answer.hasGrown);
      if (signal.aborted) throw cancelled();
      if (losses.areTooMany(mostFor(loss, maxRetries))) throw lostTooOften(loss, losses);
      answer.startOver();
    }
  }
}

/** Files that were damaged are made anew, once, whatever is asked for. */
function mostFor({ code }: KvrError, maxRetries: number): number {
  return code === 'CACHE_DAMAGED' ? Math.max(1, maxRetries) : maxRetries;
}

/** Only of a run: a request that waited in vain for workers is not asked to wait again. */
function isLoss(error: unknown): error is KvrError {
  return error instanceof KvrError && LOST.has(error.code) && error.fields['rank'] !== undefined;
}

/** A worker had no room, though the engine thought that it had. */
function isRefusal(error: unknown): boolean {
  return error instanceof KvrError && error.code === 'WORKER_REFUSED' && error.fields['rank'] !== undefined;
}

/** A worker that has left for good makes a request ask for one that there is not. */
function isOfMissing(error: unknown): boolean {
  const { code } = asKvrError(error);
  return LOST.has(code) || code === 'BAD_INPUT';
}

/** A first loss says all by itself, and damage on disk is nothing that the request may have done. */
function lostTooOften(loss: KvrError, { all }: Losses): KvrError {
  if (all === 1 || loss.code === 'CACHE_DAMAGED') return loss;
  const message = `the request was run ${all} times and lost a worker each time, so it may be what ends them; the last time: ${loss.message}`;
  return new KvrError('LOST_TOO_OFTEN', message, { ...loss.fields, runs: all, lastCode: loss.code }, loss);
}
