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

export type ChainEvent =
  | TokenEvent
  | { readonly type: 'progress'; readonly rank: number; readonly layer: number }
  | ({ readonly type: 'pooled'; readonly rank: number } & PooledSlice)
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
