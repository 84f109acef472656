/**
 * What chain-step.ts and gather-step.ts hand to predict.ts.
 */
import type { RankWork, TailWork } from '../costs/rank-work.js';
import type { RankTimes } from './chain-step.js';

/** Times of all ranks before they are put in words. */
export type ChainTimes = {
  readonly ttftMs: number;
  readonly work: readonly RankWork[];
  readonly tail: TailWork;
  readonly times: readonly RankTimes[];
  readonly sentBytes: readonly number[];
};
