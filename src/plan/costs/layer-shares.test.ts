import { expect, test } from 'vitest';
import { evenPartition } from '../../core/partition.js';
import { plainLayer } from '../../core/layers/layer-spec.js';
import { LLAMA_7B } from '../../core/published-shapes.js';
import { seededRandom } from '../../core/random.js';
import { predict } from '../predict/predict.js';
import { layerSharesOf, seenPairs, seenRows } from './layer-shares.js';
import { randomCosts } from './random-costs.test-support.js';

test('pairs and rows of a window are those that counting gives', () => {
  for (const windowTokens of [1, 5, 12, 100, undefined])
    for (const prefixTokens of [0, 3, 11, 40])
      for (const tokens of [1, 4, 20]) {
        const seen = Array.from({ length: tokens }, (_, row) =>
          Math.min(prefixTokens + row + 1, windowTokens ?? Infinity),
        );
        expect(seenPairs({ share: 1, windowTokens }, tokens, prefixTokens)).toBe(
          seen.reduce((a, b) => a + b, 0),
        );
        // The row after the slice sees itself too, which is not among those before it.
        const before = Math.min(prefixTokens + tokens, (windowTokens ?? Infinity) - 1);
        expect(seenRows({ share: 1, windowTokens }, prefixTokens + tokens)).toBe(before);
      }
});

test('shares follow from the shape, however its specs repeat', () => {
  const plain = plainLayer(128, 1e4);
  const local = { ...plain, attention: { ...plain.attention, windowTokens: 512 } };
  const shape = { ...LLAMA_7B, layers: 26, specs: [local, local, local, local, local, plain] };
  expect(layerSharesOf(shape)).toEqual([
    { share: 22 / 26, windowTokens: 512 },
    { share: 4 / 26, windowTokens: undefined },
  ]);
});

test('layers with a window cost less, send less, and as much as others where the window holds the prompt', () => {
  const random = seededRandom(5);
  for (let round = 0; round < 50; round++) {
    const full = randomCosts(random, { ranks: 3, contextTokens: 900, chunkTokens: 100 });
    const cut = evenPartition(900 - full.cachedTokens, 3);
    const inWindow = (windowTokens: number) =>
      predict({ ...full, layerShares: [{ share: 1, windowTokens }] }, cut);
    const whole = predict(full, cut);
    expect(inWindow(5000).ttftMs).toBeCloseTo(whole.ttftMs, 6);
    const local = inWindow(64);
    expect(local.ttftMs).toBeLessThanOrEqual(whole.ttftMs);
    local.ranks
      .slice(0, 2)
      .forEach(({ sendMs }, rank) => expect(sendMs).toBeLessThanOrEqual(whole.ranks[rank]!.sendMs));
  }
});
