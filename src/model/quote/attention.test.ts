import { expect, test } from 'vitest';
import { matchAttention, shiftAttention } from './attention.js';
import type { AttentionWeights } from './attention.js';
import { matchCode } from './codes.js';
import * as layout from './layout.js';

const PAIRS = layout.HEAD_DIM / 2;

/** Rows [HEAD_DIM] of a head's queries, or of the keys, for a stream of the constant and some slots. */
function project(matrix: AttentionWeights['q'], head: number, slots: readonly number[]): Float64Array {
  const stream = new Float64Array(layout.HIDDEN);
  stream[layout.CONSTANT_AT] = 1;
  for (const [slot, id] of slots.entries()) stream.set(matchCode(id), layout.slotAt(slot));
  return Float64Array.from({ length: layout.HEAD_DIM }, (_, i) => {
    const row = (head * layout.HEAD_DIM + i) * layout.HIDDEN;
    return stream.reduce((sum, value, column) => sum + value * matrix.data[row + column]!, 0);
  });
}

/** The attention score of a query for a key `distance` tokens before it. */
function score(query: Float64Array, key: Float64Array, distance: number): number {
  let sum = 0;
  for (let i = 0; i < PAIRS; i++) {
    const angle = distance * layout.ROTARY_THETA ** (-i / PAIRS);
    const [a, b, c, d] = [query[i]!, query[i + PAIRS]!, key[i]!, key[i + PAIRS]!];
    sum += (a * c + b * d) * Math.cos(angle) + (a * d - b * c) * Math.sin(angle);
  }
  return sum / Math.sqrt(layout.HEAD_DIM);
}

for (const [name, offsets, slots] of [
  ['near', layout.NEAR_OFFSETS, 1],
  ['far', layout.FAR_OFFSETS, layout.NEAR_SLOTS],
] as const) {
  test(`the ${name} heads give all other places of the context together less than 1e-5 of their attention`, () => {
    const weights = shiftAttention(offsets, slots);
    const key = project(weights.k, 0, []);
    for (const [head, offset] of offsets.entries()) {
      const query = project(weights.q, head, []);
      const right = score(query, key, offset);
      let others = 0;
      for (let distance = 0; distance < layout.CONTEXT_TOKENS; distance++) {
        if (distance !== offset) others += Math.exp(score(query, key, distance) - right);
      }
      expect(others).toBeLessThan(1e-5);
    }
  });
}

/** The last tokens here, newest first, and the key of a place that they precede, with `wrong` tokens changed. */
function matchScore(wrong: readonly number[], distance: number): number {
  const tokens = Array.from({ length: layout.WINDOW }, (_, i) => 97 + i);
  const before = tokens.map((id, i) => (wrong.includes(i) ? id ^ 0x20 : id));
  const { q, k } = matchAttention();
  return score(project(q, 0, tokens), project(k, 0, [0, ...before]), distance);
}

test('one wrong token costs more than the whole context of distance, the nearest the most', () => {
  const farthestEqual = matchScore([], layout.CONTEXT_TOKENS - 1);
  const costs = Array.from({ length: layout.WINDOW }, (_, i) => farthestEqual - matchScore([i], 1));
  for (const cost of costs) expect(cost).toBeGreaterThan(10);
  expect(costs[0]).toBeGreaterThan(costs.at(-1)!);
});

test('of equal matches the nearer one scores higher, when the distances are not close', () => {
  const distances = [1, 16, 128, 512, 1024, 2048, 4096, 8192, 16_384, 32_767];
  const scores = distances.map((distance) => matchScore([], distance));
  expect(scores).toEqual([...scores].sort((a, b) => b - a));
});
