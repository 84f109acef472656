/**
 * How a rank's keys and values reach the ranks that need them, and how it knows that those it needs are there. The
 * rank loop knows only this: strategies differ in their exchange and in nothing else.
 */
import type { LayerRows } from '../../../runtime/cpu/cache/kv-cache.js';

export interface Exchange {
  /** Hands on keys and values [rows, kvHeads·D] of rows from `start` of a layer. Never waits. The buffers stay the caller's. */
  publish(layer: number, start: number, rows: LayerRows): void;
  /** False while MAX_UNSENT_KIB wait for a slow link: the rank is to pause before it makes more. */
  canPublish(): boolean;
  /** True when all rows of a layer before this rank's slice are in its cache. */
  hasPrefix(layer: number): boolean;
}

/** One worker alone: nothing to send, nothing to wait for. */
export const noExchange: Exchange = {
  publish: () => undefined,
  canPublish: () => true,
  hasPrefix: () => true,
};
