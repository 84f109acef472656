/**
 * A request that loses a worker or a link is run again on those that are left, or are back; its listeners hear one answer.
 */
import { asKvrError, type KvrErrorCode } from '../../core/errors.js';
import type { GenerateEvent } from '../output/generation.js';
import type { Admission } from './admission.js';
import type { AdmittedRuns } from './admitted-runs.js';
import { ReplayedEvents } from './replayed-events.js';
import type { ValidatedRequest } from './validated-request.js';

/** What takes a part of the chain away, and not the request. */
const LOSSES: ReadonlySet<KvrErrorCode> = new Set(['WORKER_DIED', 'WORKER_HUNG', 'LINK']);

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
    for (let retries = 0; ; retries++) {
      try {
        yield* this.#runOnce(request, answer, retries > 0);
        return;
      } catch (error) {
        if (retries >= this.#maxRetries || !isLoss(error) || request.signal.aborted) throw error;
        answer.startOver();
      }
    }
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
    } finally {
      admitted.end();
    }
  }
}

/** Only of a run: a request that waited in vain for workers is not asked to wait again. */
function isLoss(error: unknown): boolean {
  const { code, fields } = asKvrError(error);
  return LOSSES.has(code) && fields['rank'] !== undefined;
}
