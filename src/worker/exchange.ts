/**
 * How a rank's keys and values reach the ranks that need them, and how it waits for those it needs. The rank loop
 * knows only this: strategies differ in their exchange and in nothing else.
 */

export interface Exchange {
  /**
   * Hands on keys and values [rows, kvHeads·D] of rows from `start` of a layer. Returns before they are sent; only
   * when MAX_UNSENT_KIB already wait for a slow link does it hold the rank back. The buffers stay the caller's.
   */
  publish(layer: number, start: number, keys: Float32Array, values: Float32Array): void;
  /** Returns when all rows of a layer before this rank's slice are in its cache. @throws CANCELLED, PROTOCOL */
  waitForPrefix(layer: number): Promise<void>;
}

/** One worker alone: nothing to send, nothing to wait for. */
export const noExchange: Exchange = {
  publish: () => undefined,
  waitForPrefix: () => Promise.resolve(),
};
