/**
 * How far one model's predictions are from a text and from another model's. Pure.
 */

/** What was summed over the tokens that were predicted. */
export type Sums = {
  tokens: number;
  /** Negative logarithm of the probability that the text's next token got, in nats. */
  surprise: number;
  /** Kullback-Leibler divergence from the reference's distribution, Σ p·log(p/q), in nats. */
  divergence: number;
  /** Rows whose likeliest token is the reference's. */
  sameTokens: number;
};

export function noSums(): Sums {
  return { tokens: 0, surprise: 0, divergence: 0, sameTokens: 0 };
}

/**
 * Adds one row. Sums in f64.
 * @param reference logits [vocabulary] of the reference at the same place, which may be `logits` itself
 * @param next the text's next token
 */
export function addRow(sums: Sums, reference: Float32Array, logits: Float32Array, next: number): void {
  const ours = normalizer(logits);
  const theirs = normalizer(reference);
  sums.tokens += 1;
  sums.surprise += ours.logSum - (logits[next] as number);
  if (ours.best === theirs.best) sums.sameTokens += 1;
  let divergence = 0;
  for (let id = 0; id < logits.length; id++) {
    const logP = (reference[id] as number) - theirs.logSum;
    const logQ = (logits[id] as number) - ours.logSum;
    divergence += Math.exp(logP) * (logP - logQ);
  }
  // Rounding can take a divergence of 0 a hair below.
  sums.divergence += Math.max(0, divergence);
}

/** log Σ exp(logit), and the first index of the largest. */
function normalizer(logits: Float32Array): { logSum: number; best: number } {
  let best = 0;
  for (let id = 1; id < logits.length; id++) if ((logits[id] as number) > (logits[best] as number)) best = id;
  const most = logits[best] as number;
  let sum = 0;
  for (let id = 0; id < logits.length; id++) sum += Math.exp((logits[id] as number) - most);
  return { logSum: most + Math.log(sum), best };
}
