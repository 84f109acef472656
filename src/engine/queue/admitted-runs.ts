/**
 * Runs an admitted request on its chain, as events of text, and corrects the calibration by its timelines.
 */
import { strategyOf } from '../../core/strategy.js';
import type { ChainRequest } from '../chain/chain-request.js';
import { runChain } from '../chain/run-chain.js';
import { VocabularySender } from '../chain/vocabulary-sender.js';
import { type GenerateEvent, generateText, type GenerationResult } from '../output/generation.js';
import type { ChainPartition } from '../partition/chain-partition.js';
import type { Admitted } from './admission.js';
import type { EngineParts } from './engine-parts.js';
import type { ValidatedRequest } from './validated-request.js';

/** Shorter prompts say little about a machine's speed. */
const MIN_REFRESH_TOKENS = 128;

export class AdmittedRuns {
  readonly #parts: EngineParts;
  readonly #vocabulary: VocabularySender;
  // Engines that share workers must not share ids; those under 2³² belong to calibration.
  #nextRequest = (1 + Math.floor(Math.random() * 2 ** 20)) * 2 ** 32;

  constructor(parts: EngineParts) {
    this.#parts = parts;
    this.#vocabulary = new VocabularySender(parts.model.tokenizer);
  }

  /** @throws KvrError where the chain fails */
  async *run(validated: ValidatedRequest, admitted: Admitted): AsyncGenerator<GenerateEvent> {
    const { model, settings } = this.#parts;
    const { chosen, lease } = admitted;
    const request = this.#chainRequest(validated, admitted);
    const { stop, shownTokens } = validated.settings;
    const events = generateText(runChain(request), {
      request,
      output: { tokenizer: model.tokenizer, stops: stop, shownTokens },
      layers: model.shape.layers,
      dtype: settings.dtype,
      predictedTtftMs: chosen.predictedTtftMs,
      queueMs: performance.now() - validated.startMs,
    });
    for await (const event of events) {
      if (event.type === 'done' && lease.wasAlone) this.#learn(chosen, event.result);
      yield event;
    }
  }

  #chainRequest(
    { spec, ids, signal, deadline }: ValidatedRequest,
    { workers, chosen, lease }: Admitted,
  ): ChainRequest {
    return {
      id: this.#nextRequest++,
      spec,
      ids,
      partition: chosen.partition,
      workers,
      signal,
      onRankEnd: (rank) => lease.release(chosen.workers[rank] as string),
      ...(chosen.reuse && { reuse: chosen.reuse }),
      ...(spec.grammar !== undefined && { sendVocabulary: (handle) => this.#vocabulary.send(handle) }),
      ...deadline.left,
    };
  }

  /** Timelines of real requests keep the costs right on a machine that slows down. */
  #learn({ workers }: ChainPartition, result: GenerationResult): void {
    const { strategy, promptTokens, cachedTokens, timeline } = result;
    const isDense = strategyOf(strategy).masking === 'dense';
    if (isDense || promptTokens < MIN_REFRESH_TOKENS || cachedTokens > 0) return;
    // Times that were shared with another engine's requests say little.
    if (timeline.some(({ sharedMs = 0 }) => sharedMs > 0)) return;
    this.#parts.calibration?.refresh(promptTokens, workers, timeline);
  }
}
