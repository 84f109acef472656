/**
 * A request that loses a worker or a link is run again on those that are left, or are back; its listeners hear one answer.
 */
import { asKvrError, KvrError, type KvrErrorCode } from '../../core/errors.js';
import type { GenerateEvent } from '../output/generation.js';
import type { Admission, Admitted } from './admission.js';
import type { AdmittedRuns } from './admitted-runs.js';
import { areSound } from './held-until-sound.js';
import { ReplayedEvents } from './replayed-events.js';
import type { ValidatedRequest } from './validated-request.js';

/** What takes a part of the chain away, and not the request. */
const LOSSES: ReadonlySet<KvrErrorCode> = new Set(['WORKER_DIED', 'WORKER_HUNG', 'LINK', 'CACHE_DAMAGED']);

export class RetriedRuns {
  readonly #admission: Admission;
  readonly #runs: AdmittedRuns;
  readonly #maxRetries: number;

  constructor(admission: Admission, runs: AdmittedRuns, maxRetries: number) {
    this.#admission = admission;
    this.#runs = runs;
    this.#maxRetries = maxRetries;
  }

  /** @throws KvrError; of a loss only after so many retries */
  async *run(request: ValidatedRequest): AsyncGenerator<GenerateEvent> {
    const answer = new ReplayedEvents(request.startMs);
    let loss: unknown;
    for (let retries = 0; ; retries++) {
      try {
        yield* this.#runOnce(request, answer, retries > 0);
        return;
      } catch (error) {
        // Who waited in vain for workers after a loss is told of the loss, which has a rank and a phase.
        if (!isLoss(error)) throw isWorkerMissing(error) ? (loss ?? error) : error;
        if (retries >= this.#retriesFor(error) || request.signal.aborted) throw error;
        loss = error;
        answer.startOver();
      }
    }
  }

  /** Files that were damaged are made anew, once. */
  #retriesFor(error: unknown): number {
    return asKvrError(error).code === 'CACHE_DAMAGED' ? Math.max(1, this.#maxRetries) : this.#maxRetries;
  }

  async *#runOnce(
    request: ValidatedRequest,
    answer: ReplayedEvents,
    isRetry: boolean,
  ): AsyncGenerator<GenerateEvent> {
    const admitted = await this.#admission.admit(request, isRetry);
    answer.handedOver();
    try {
      for await (const event of this.#runs.run(request, admitted)) {
        const unheard = answer.next(event);
        if (unheard) yield unheard;
      }
    } catch (error) {
      throw await orDamage(error, admitted);
    } finally {
      admitted.end();
    }
  }
}

/** Damaged weights can show as any failure of a worker, before they are found out. */
async function orDamage(error: unknown, { workers }: Admitted): Promise<unknown> {
  const { code, message } = asKvrError(error);
  if (code === 'CANCELLED' || code === 'DEADLINE' || (await areSound(workers))) return error;
  return new KvrError('CACHE_DAMAGED', message, { rank: 0 }, error);
}

/** Only of a run: a request that waited in vain for workers is not asked to wait again. */
function isLoss(error: unknown): boolean {
  const { code, fields } = asKvrError(error);
  return LOSSES.has(code) && fields['rank'] !== undefined;
}

function isWorkerMissing(error: unknown): boolean {
  return LOSSES.has(asKvrError(error).code) && !isLoss(error);
}
