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

export type ChainEvent =
  | TokenEvent
  | { readonly type: 'progress'; readonly rank: number; readonly layer: number }
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
