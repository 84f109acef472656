/**
 * The element type of ours that a GGUF file's weights lose nothing visible in. Pure; asked by who picks a dtype.
 *
 * Q4_0 and Q8_0 become q4 and q8 as they are, code by code, and so do the other kinds of integers and one scale for 32
 * values (Q5_0, IQ4_NL, IQ4_XS, MXFP4) in q8. All else that is quantised is rounded to 8 bits once more, which is a step of
 * at most 1/127 of a block's largest value where theirs is 1/31 (Q6_K) or more.
 */
import type { Dtype } from '../../../core/shape.js';

/** Kind → number of weights stored in it, as Checkpoint.storedKinds has them. */
export type KindCounts = Readonly<Record<string, number>>;

const FLOATS = ['F32', 'F16', 'BF16'];
/** Up to this share of a file may be of kinds that decide nothing: norms, and a head that keeps 8 bits in every dtype. */
const SMALL_SHARE = 0.01;

export type NearestDtype = { readonly dtype: Dtype; readonly reason: string };

/** @param kinds storedKinds.layers of a checkpoint: embedding and head are finer in every dtype of ours */
export function nearestDtype(kinds: KindCounts): NearestDtype {
  const total = Object.values(kinds).reduce((sum, count) => sum + count, 0);
  const share = (names: readonly string[]): number =>
    names.reduce((sum, name) => sum + (kinds[name] ?? 0), 0) / Math.max(1, total);
  const names = Object.keys(kinds)
    .filter((name) => share([name]) > SMALL_SHARE)
    .join(', ');
  if (share(FLOATS) > 0.5) return { dtype: 'f32', reason: `its weights are ${names}` };
  if (share(['Q4_0']) >= 1 - SMALL_SHARE)
    return { dtype: 'q4', reason: 'its weights are Q4_0, which q4 takes as they are' };
  return { dtype: 'q8', reason: `its weights are ${names}, of which q8 loses nothing visible` };
}
