/**
 * A worker of which nothing costs time but rows in blocks.
 */
import type { WorkerCost } from '../../plan/index.js';

/** @param rowMs what a row takes in a block, however many go through at once */
export function costOfRows(rowMs: number): WorkerCost {
  return {
    block: [
      { tokens: 1, ms: rowMs },
      { tokens: 64, ms: 64 * rowMs },
    ],
    attention: { fixedMs: 0, tokenMs: 0, prefixTokenMs: 0, pairMs: 0 },
    headMs: 0,
    callMs: 0,
    embedTokenMs: 0,
    firstBlockShare: 0.5,
    chunkTokens: 64,
    scale: 1,
    attentionScale: 1,
  };
}
