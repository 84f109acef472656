/**
 * How a rank's keys and values reach the ranks that need them, and how it knows that those it needs are there. The
 * rank loop knows only this: strategies differ in their exchange and in nothing else.
 */
import type { CacheRows } from '../../../runtime/backend/rows.js';

export interface Exchange {
  /**
   * Hands on keys and values of rows from `start` of a layer, in frames of at most KV_FRAME_BYTES or one row. Waits for no link,
   * only for the device that the rows are on. The rows stay the caller's.
   */
  publish(layer: number, start: number, rows: CacheRows): Promise<void>;
  /** The first row of a layer that any other rank needs of this one; publish() leaves out what lies before. */
  firstNeeded(layer: number): number;
  /** False while MAX_UNSENT_KIB wait for a slow link: the rank is to pause before it makes more. */
  canPublish(): boolean;
  /** True when all rows of a layer that this rank's attention reads are there, but for its own. */
  hasPrefix(layer: number): boolean;
  /** True when a prompt that begins now finds the rows it first waits for: who makes them has begun, and needs nothing of it before. */
  hasFirstRows(): boolean;
}

/** One worker alone: nothing to send, nothing to wait for. */
export const noExchange: Exchange = {
  publish: () => Promise.resolve(),
  firstNeeded: () => 0,
  canPublish: () => true,
  hasPrefix: () => true,
  hasFirstRows: () => true,
};
