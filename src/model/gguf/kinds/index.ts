/**
 * The kinds of stored weights that are read, by the number a file gives each.
 */
import { BF16, F16, F32 } from './float-kinds.js';
import { IQ4_NL, IQ4_XS, MXFP4, Q4_0, Q5_0, Q8_0 } from './integer-kinds.js';
import { Q2_K, Q3_K, Q4_K, Q5_K, Q6_K } from './k-kinds.js';
import { Q4_1, Q5_1 } from './offset-kinds.js';
import type { WeightKind } from './weight-kind.js';

export { nearestDtype } from './nearest-dtype.js';
export type { KindCounts, NearestDtype } from './nearest-dtype.js';
export type { WeightKind } from './weight-kind.js';

export const WEIGHT_KINDS: ReadonlyMap<number, WeightKind> = new Map([
  [0, F32],
  [1, F16],
  [2, Q4_0],
  [3, Q4_1],
  [6, Q5_0],
  [7, Q5_1],
  [8, Q8_0],
  [10, Q2_K],
  [11, Q3_K],
  [12, Q4_K],
  [13, Q5_K],
  [14, Q6_K],
  [20, IQ4_NL],
  [23, IQ4_XS],
  [30, BF16],
  [39, MXFP4],
]);
