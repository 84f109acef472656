/**
 * From a chain's events to text: decodes ids, stops at stop strings, and sums up what happened.
 */
import { partitionSizes } from '../../core/partition.js';
import type { Dtype, KvDtype } from '../../core/shape.js';
import type { RankTimeline } from '../../core/timeline.js';
import type { StrategyName } from '../../core/strategy.js';
import type { ChainEvent, PooledSlice, TokenFacts } from '../chain/chain-events.js';
import type { ChainRequest } from '../chain/chain-request.js';
import type { LeftOutWorker } from '../partition/chain-partition.js';
import { meanOf } from './pooled-mean.js';
import { afterPromptLogprobs, type PromptLogprobs } from './prompt-logprobs.js';
import { TextOutput, type TextOutputOptions } from './text-output.js';

export type FinishReason = 'stop' | 'length';

export type GenerationResult = {
  readonly text: string;
  readonly tokenIds: readonly number[];
  readonly promptTokens: number;
  /** Those of them whose rows were kept from an earlier request, and not computed again. */
  readonly cachedTokens: number;
  readonly completionTokens: number;
  /** 'stop': an end token or a stop string; 'length': the limit of new tokens. */
  readonly finishReason: FinishReason;
  /** The stop string that ended it, where one did. */
  readonly stopString?: string | undefined;
  readonly strategy: StrategyName;
  /** Slice sizes in rank order. */
  readonly partition: readonly number[];
  readonly workers: number;
  /** Who they were, in rank order, and which workers the plan did without. */
  readonly plan: { readonly chain: readonly string[]; readonly leftOut: readonly LeftOutWorker[] };
  readonly dtype: Dtype;
  readonly kvDtype: KvDtype;
  /** From being asked to being handed to the chain. */
  readonly queueMs: number;
  /** From handing the request to the chain to its first token in our hands. */
  readonly ttftMs: number;
  /** What the plan expected; null where there is no plan for this machine yet. */
  readonly predictedTtftMs: number | null;
  /** Tokens after the first one per second; null for a single token. */
  readonly decodeTokensPerSecond: number | null;
  /** Tokens that the last rank made with the cores of all workers, since the others had nothing to do. */
  readonly wideTokens: number;
  /** How often it was run again since a worker or a link was lost; the times are those of the answer as it was heard. */
  readonly retries: number;
  /** The same: each time it went on where it stood. */
  readonly recoveries: number;
  /** How long the answer stood still for that, in all: from each loss to the next token. */
  readonly recoveryMs: number;
  /** Where the prompt was pooled instead of answered: the mean of the rows that count, [hidden], not normalised. */
  readonly pooled?: Float32Array;
  /** What the model thinks of each of the prompt's tokens, where that was asked for. */
  readonly promptLogprobs?: PromptLogprobs;
  /** One record per rank, in rank order. */
  readonly timeline: readonly RankTimeline[];
};

export type GenerateEvent =
  /** Once, before the first token, where they were asked for. */
  | { readonly type: 'promptLogprobs'; readonly logprobs: PromptLogprobs }
  /** With the timeline of a rank, where one has just finished its prompt phase. */
  | { readonly type: 'prefill'; readonly fraction: number; readonly timeline?: RankTimeline }
  | ({
      readonly type: 'token';
      readonly id: number;
      readonly text: string;
      /** Text of earlier tokens that was held back, at the answer's end: no token of its own. */
      readonly isRest?: true;
      /** With the first token after a worker or a link was lost: how long the answer stood still. */
      readonly recoveredMs?: number;
    } & TokenFacts)
  | { readonly type: 'done'; readonly result: GenerationResult };

export type GenerationInput = {
  readonly request: ChainRequest;
  /** How the text is to come out. */
  readonly output: Omit<TextOutputOptions, 'promptIds'>;
  readonly layers: number;
  readonly dtype: Dtype;
  readonly predictedTtftMs: number | null;
  readonly leftOut: readonly LeftOutWorker[];
  readonly queueMs: number;
};

/** Turns a chain's events into text and progress, with a summary at the end. @throws KvrError where the chain fails */
export async function* generateText(
  events: AsyncIterable<ChainEvent>,
  input: GenerationInput,
): AsyncGenerator<GenerateEvent> {
  const run = new Generation(input);
  for await (const event of afterPromptLogprobs(events, input.request)) {
    if (event.type === 'promptLogprobs') {
      run.promptLogprobs = event.logprobs;
      yield event;
    } else if (event.type === 'progress')
      yield { type: 'prefill', fraction: run.progress(event.rank, event.layer) };
    else if (event.type === 'pooled') run.pool(event);
    else if (event.type === 'prefilled') {
      run.timelines.push(event.timeline);
      // After the first token the prompt phase is over for listeners; the result has all timelines.
      if (run.ids.length === 0) yield { type: 'prefill', fraction: run.fraction, timeline: event.timeline };
    } else if (event.type === 'token') {
      const { onAllCores, ...token } = event;
      const text = run.push(event.id, onAllCores);
      yield { ...token, text };
      if (run.isStopped) break;
    } else run.finish(event.reason);
  }
  const rest = run.end();
  if (rest !== '') yield { type: 'token', id: run.ids.at(-1) ?? 0, text: rest, isRest: true };
  yield { type: 'done', result: run.result() };
}

class Generation {
  readonly ids: number[] = [];
  readonly timelines: RankTimeline[] = [];
  #finishReason: FinishReason = 'stop';
  promptLogprobs: PromptLogprobs | undefined;
  isStopped = false;
  /** Share of the prompt phase that is done. */
  fraction = 0;
  readonly #input: GenerationInput;
  readonly #output: TextOutput;
  readonly #layersDone: number[];
  readonly #startMs = performance.now();
  #firstMs = 0;
  readonly #pooled: (PooledSlice & { readonly rank: number })[] = [];
  #wideTokens = 0;
  #lastMs = 0;

  constructor(input: GenerationInput) {
    this.#input = input;
    this.#output = new TextOutput({ ...input.output, promptIds: input.request.ids });
    this.#layersDone = input.request.workers.map(() => 0);
    // What an earlier run has said is said: only what it held back of the last tokens comes with the next.
    for (const id of input.request.answered ?? []) this.push(id);
  }

  /** @returns the share of the prompt phase that is done: layers times tokens over all ranks. */
  progress(rank: number, layer: number): number {
    const { request, layers } = this.#input;
    this.#layersDone[rank] = layer + 1;
    const done = request.partition.reduce(
      (sum, { start, end }, r) => sum + (end - start) * (this.#layersDone[r] ?? 0),
      0,
    );
    this.fraction = done / (request.ids.length * layers);
    return this.fraction;
  }

  /** What is left of the prompt takes the place of a first token. */
  pool(slice: PooledSlice & { readonly rank: number }): void {
    this.#pooled.push(slice);
    this.#firstMs = performance.now();
  }

  /** @returns the text that can be shown after this token; an end token has none. */
  push(id: number, onAllCores = false): string {
    if (onAllCores) this.#wideTokens++;
    this.#lastMs = performance.now();
    if (this.ids.length === 0) this.#firstMs = this.#lastMs;
    this.ids.push(id);
    if (this.#input.request.spec.eosIds.includes(id)) return '';
    const { text, isStopped } = this.#output.push(id);
    this.isStopped = isStopped;
    return text;
  }

  /** An answer of no tokens is there once the prompt was read. */
  finish(reason: FinishReason): void {
    this.#finishReason = reason;
    if (this.#firstMs === 0) this.#firstMs = performance.now();
  }

  end(): string {
    return this.isStopped ? '' : this.#output.end();
  }

  result(): GenerationResult {
    const { request, dtype, predictedTtftMs, leftOut, queueMs } = this.#input;
    const { spec, ids, partition, workers } = request;
    const decodeMs = this.#lastMs - this.#firstMs;
    return {
      text: this.#output.text,
      tokenIds: this.ids,
      promptTokens: ids.length,
      cachedTokens: this.timelines.reduce((sum, { cachedTokens = 0 }) => sum + cachedTokens, 0),
      completionTokens: this.ids.length,
      finishReason: this.#finishReason,
      stopString: this.#output.stopped,
      strategy: spec.strategy,
      partition: partitionSizes(partition),
      workers: workers.length,
      plan: { chain: workers.map(({ handle }) => handle.id), leftOut },
      dtype,
      kvDtype: spec.kvDtype,
      queueMs,
      ttftMs: this.#firstMs - this.#startMs,
      predictedTtftMs,
      decodeTokensPerSecond: this.ids.length > 1 ? ((this.ids.length - 1) / decodeMs) * 1000 : null,
      wideTokens: this.#wideTokens,
      ...{ retries: 0, recoveries: 0, recoveryMs: 0 },
      ...(spec.pooling !== undefined && { pooled: meanOf(this.#pooled) }),
      ...(this.promptLogprobs && { promptLogprobs: this.promptLogprobs }),
      timeline: [...this.timelines].sort((a, b) => a.rank - b.rank),
    };
  }
}
