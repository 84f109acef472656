/**
 * An admitted request's run: specified for the workers of its cut, told as events, and at its end a lesson for the
 * cost book.
 */
import type { ClusterWorker } from '../../cluster/cluster.js';
import { samplingSchema } from '../../core/sampling.js';
import { strategyOf } from '../../core/strategy.js';
import type { Admitted } from './admission.js';
import type { ValidatedRequest } from './validated-request.js';
import type { ChainSpec } from '../chain/chain-spec.js';
import type { ChainPartition } from '../partition/chain-partition.js';
import type { EngineParts } from './engine-parts.js';
import { type GenerateEvent, type GenerationResult, runGeneration } from '../output/generation.js';
import { VocabularySender } from '../chain/grammars.js';

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
  async *run(arrival: ValidatedRequest, admitted: Admitted): AsyncGenerator<GenerateEvent> {
    const { model, settings } = this.#parts;
    const { cut, lease } = admitted;
    const input = {
      spec: this.#specify(arrival, admitted),
      tokenizer: model.tokenizer,
      stops: arrival.settings.stop,
      shownTokens: arrival.settings.shownTokens,
      layers: model.shape.layers,
      dtype: settings.dtype,
      predictedTtftMs: cut.predictedTtftMs,
      queueMs: performance.now() - arrival.startMs,
    };
    for await (const event of runGeneration(input)) {
      if (event.type === 'done' && lease.wasAlone) this.#learn(cut, event.result);
      yield event;
    }
  }

  #specify(
    { settings, ids, grammar, signal, deadline }: ValidatedRequest,
    { cluster, cut, lease }: Admitted,
  ): ChainSpec {
    const { sampling, strategy, maxTokens, wantLogits, chunkEnds, prefixCache } = settings;
    return {
      request: this.#nextRequest++,
      strategy,
      workers: cut.workers.map((index) => cluster.workers[index] as ClusterWorker),
      ids,
      partition: cut.partition,
      maxTokens,
      kvDtype: this.#parts.settings.kvDtype,
      sampling: samplingSchema.parse(sampling),
      eosIds: this.#parts.model.eosIds,
      wantLogits,
      chunkEnds,
      keep: prefixCache,
      signal,
      onRankEnd: (rank) => lease.release(cut.workers[rank] as number),
      ...(cut.reuse && { reuse: cut.reuse }),
      ...(grammar && { grammar: this.#vocabulary.before(grammar) }),
      ...deadline.left,
    };
  }

  /** Timelines of real requests keep the costs true to a machine that slows down. */
  #learn(cut: ChainPartition, { strategy, promptTokens, cachedTokens, timeline }: GenerationResult): void {
    if (strategyOf(strategy).masking === 'dense' || promptTokens < MIN_REFRESH_TOKENS || cachedTokens > 0)
      return;
    // Another engine's requests may have been in between.
    if (timeline.some(({ sharedMs = 0 }) => sharedMs > 0)) return;
    this.#parts.book?.refresh(promptTokens, cut.workers, timeline);
  }
}
