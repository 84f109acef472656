/**
 * How near an answer has to come to a reference's, under the project's tolerance: the same ids up to the first step whose margin is
 * under 1e-3, logits within 1e-3. Pure.
 */
export const LOGIT_TOLERANCE = 1e-3;
export const MARGIN = 1e-3;

export type Expected = {
  readonly ids: readonly number[];
  /** After the prompt, [vocabulary]. */
  readonly logits: ArrayLike<number>;
  /** Distance of each choice to the second best; all wide enough where it is not given. */
  readonly margins?: readonly number[];
  /** How far logits may be off; choices with less than twice that between them are not certain. LOGIT_TOLERANCE unless given. */
  readonly tolerance?: number;
};

/** Steps whose choice is certain. */
export function certainSteps({ ids, margins, tolerance }: Expected): number {
  const least = tolerance === undefined ? MARGIN : 2 * tolerance;
  const narrow = margins?.findIndex((margin) => margin < least) ?? -1;
  return narrow < 0 ? ids.length : narrow;
}

/** Infinity where the lengths differ. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let largest = 0;
  for (let i = 0; i < a.length; i++)
    largest = Math.max(largest, Math.abs((a[i] as number) - (b[i] as number)));
  return largest;
}
