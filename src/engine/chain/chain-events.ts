/**
 * The events of a request while its chain runs.
 */
import type { TokenLogprobs } from '../../core/sampling.js';
import type { RankTimeline } from '../../core/timeline.js';
import type { FromWorker } from '../../worker/protocol/index.js';

/** Comes with a token where the request asks for it. */
export type TokenFacts = {
  /** After the prompt, [vocabulary]; with the first token. */
  readonly logits?: Float32Array;
  readonly logprobs?: TokenLogprobs;
};
type TokenEvent = { readonly type: 'token'; readonly id: number; readonly onAllCores?: true } & TokenFacts;

/** Hidden states of a rank's slice after the final norm, added up. */
export type PooledSlice = {
  readonly tokens: number;
  /** [hidden] */
  readonly sums: Float64Array;
};

/** What the model thinks of tokens of the prompt, one after the other. */
export type ScoredTokens = {
  /** Of the first, in the prompt. */
  readonly position: number;
  readonly logprobs: readonly TokenLogprobs[];
};

export type ChainEvent =
  | TokenEvent
  | { readonly type: 'progress'; readonly rank: number; readonly layer: number }
  | ({ readonly type: 'pooled'; readonly rank: number } & PooledSlice)
  | ({ readonly type: 'promptLogprobs' } & ScoredTokens)
  | { readonly type: 'prefilled'; readonly timeline: RankTimeline }
  | { readonly type: 'finished'; readonly reason: 'stop' | 'length' };

/** @param payload the logits as f32, or nothing */
export function tokenEvent(
  { id, logprobs, onAllCores }: Extract<FromWorker, { type: 'token' }>,
  payload: Uint8Array<ArrayBuffer>,
): TokenEvent {
  return {
    type: 'token',
    id,
    ...(payload.byteLength > 0 && { logits: new Float32Array(payload.buffer) }),
    ...(logprobs && { logprobs }),
    ...(onAllCores && { onAllCores }),
  };
}

/** @param payload sums as f64; what is no whole number of them is left off, and shows where ranks are put together */
export function pooledEvent(
  { tokens }: Extract<FromWorker, { type: 'pooled' }>,
  rank: number,
  payload: Uint8Array<ArrayBuffer>,
): ChainEvent {
  const whole = payload.byteLength - (payload.byteLength % Float64Array.BYTES_PER_ELEMENT);
  return { type: 'pooled', rank, tokens, sums: new Float64Array(payload.slice(0, whole).buffer) };
}

/** @param payload f64 [rows, 1 + 2·top]; what is no whole row is left off, and shows where ranks are put together */
export function promptLogprobsEvent(
  { start, top }: Extract<FromWorker, { type: 'promptLogprobs' }>,
  payload: Uint8Array<ArrayBuffer>,
): ChainEvent {
  const width = 1 + 2 * top;
  const rows = Math.floor(payload.byteLength / Float64Array.BYTES_PER_ELEMENT / width);
  const numbers = new Float64Array(payload.slice(0, rows * width * Float64Array.BYTES_PER_ELEMENT).buffer);
  const logprobs = Array.from({ length: rows }, (_, row) =>
    readScores(numbers.subarray(row * width, (row + 1) * width)),
  );
  return { type: 'promptLogprobs', position: start + 1, logprobs };
}

/** @param row the token's log-probability, then ids and log-probabilities of the likeliest */
function readScores(row: Float64Array): TokenLogprobs {
  const [logprob = 0, ...likeliest] = row;
  const top = Array.from({ length: likeliest.length / 2 }, (_, at) => ({
    id: likeliest[2 * at] as number,
    logprob: likeliest[2 * at + 1] as number,
  }));
  return { logprob, top };
}
