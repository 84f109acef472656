/**
 * Runs a request as soon as it is admitted, as events of text, and corrects the calibration by its timelines.
 */
import { asKvrError, KvrError } from '../../core/errors.js';
import { needsAllRows, type RequestSpec } from '../../core/request.js';
import { strategyOf } from '../../core/strategy.js';
import type { ChainRequest } from '../chain/chain-request.js';
import { runChain } from '../chain/run-chain.js';
import { VocabularySender } from '../chain/vocabulary-sender.js';
import { type GenerateEvent, generateText, type GenerationResult } from '../output/generation.js';
import type { ChainPartition } from '../partition/chain-partition.js';
import type { Admission, Admitted } from './admission.js';
import type { EngineParts } from './engine-parts.js';
import { areSound, heldUntilSound } from './held-until-sound.js';
import type { ValidatedRequest } from './validated-request.js';
import type { Attempt } from './with-retries.js';

/** Shorter prompts say little about a machine's speed. */
const MIN_REFRESH_TOKENS = 128;

export class AdmittedRuns {
  readonly #parts: EngineParts;
  readonly #admission: Pick<Admission, 'admit'>;
  readonly #vocabulary: VocabularySender;
  // Engines that share workers must not share ids; those under 2³² belong to calibration.
  #nextRequest = (1 + Math.floor(Math.random() * 2 ** 20)) * 2 ** 32;

  constructor(parts: EngineParts, admission: Pick<Admission, 'admit'>) {
    this.#parts = parts;
    this.#admission = admission;
    this.#vocabulary = new VocabularySender(parts.model.tokenizer);
  }

  /** @throws KvrError where it is not admitted, or the chain fails */
  async *run(request: ValidatedRequest, attempt: Attempt): AsyncGenerator<GenerateEvent> {
    const admitted = await this.#admission.admit(request, attempt.isRetry);
    attempt.handedOver(admitted.lease);
    try {
      yield* this.#runOn(request, admitted, attempt.answered);
    } catch (error) {
      throw await orDamage(error, admitted);
    } finally {
      admitted.end();
    }
  }

  async *#runOn(
    validated: ValidatedRequest,
    admitted: Admitted,
    answered: readonly number[],
  ): AsyncGenerator<GenerateEvent> {
    const { model, settings } = this.#parts;
    const { chosen, workers, lease } = admitted;
    const request = { ...this.#chainRequest(validated, admitted, answered), answered };
    const { stop, shownTokens } = validated.settings;
    const events = generateText(heldUntilSound(runChain(request), workers, request.signal), {
      request,
      output: { tokenizer: model.tokenizer, stops: stop, shownTokens },
      layers: model.shape.layers,
      dtype: settings.dtype,
      predictedTtftMs: chosen.predictedTtftMs,
      leftOut: chosen.leftOut ?? [],
      queueMs: performance.now() - validated.startMs,
    });
    for await (const event of events) {
      const isTypical = lease.mostBeside === 0 && answered.length === 0 && isAnswered(request.spec);
      if (event.type === 'done' && isTypical) this.#learn(chosen, event.result);
      yield event;
    }
  }

  #chainRequest(
    { spec, ids, signal, deadline }: ValidatedRequest,
    { workers, chosen, lease }: Admitted,
    answered: readonly number[],
  ): ChainRequest {
    return {
      id: this.#nextRequest++,
      // Where there is a token of the answer, all was told of the prompt.
      spec: answered.length === 0 ? spec : { ...spec, promptLogprobs: undefined },
      ids,
      partition: chosen.partition,
      workers,
      signal,
      onStart: () => lease.begin(),
      onRankEnd: (rank) => lease.release(chosen.workers[rank] as string),
      ...(chosen.reuse && { reuse: chosen.reuse }),
      ...((spec.grammar ?? spec.thinkingLimit) !== undefined && {
        sendVocabulary: (handle) => this.#vocabulary.send(handle),
      }),
      ...deadline.left,
    };
  }

  /** Timelines of real requests keep the costs right on a machine that slows down. */
  #learn({ workers }: ChainPartition, result: GenerationResult): void {
    const { strategy, promptTokens, cachedTokens, timeline, kvDtype } = result;
    // The costs are of the engine's own caches.
    if (kvDtype !== this.#parts.settings.kvDtype) return;
    const isDense = strategyOf(strategy).masking === 'dense';
    // A rank that was lost after its part has left no record.
    if (timeline.length < workers.length) return;
    if (isDense || promptTokens < MIN_REFRESH_TOKENS || cachedTokens > 0) return;
    // Times that were shared with another engine's requests say little.
    if (timeline.some(({ sharedMs = 0 }) => sharedMs > 0)) return;
    this.#parts.calibration?.refresh(promptTokens, workers, timeline);
  }
}

/** Whether the last layer has one row of the prompt to do, as plans have it. */
function isAnswered(spec: RequestSpec): boolean {
  return spec.pooling === undefined && !needsAllRows(spec);
}

/** Damaged weights can show as any failure of a worker, before they are found out. */
async function orDamage(error: unknown, { workers }: Pick<Admitted, 'workers'>): Promise<unknown> {
  const { code, message } = asKvrError(error);
  if (code === 'CANCELLED' || code === 'DEADLINE' || (await areSound(workers))) return error;
  return new KvrError('CACHE_DAMAGED', message, { rank: 0 }, error);
}
