import { expect, test } from 'vitest';
import { runInTurn } from './rounds.js';

test('all sides run once a round, the first round is not kept, the order turns', async () => {
  const order: string[] = [];
  const kept = await runInTurn(['a', 'b'], 2, async (side, round) => {
    order.push(`${side}${round}`);
    return round;
  });
  expect(order).toEqual(['a0', 'b0', 'b1', 'a1', 'a2', 'b2']);
  expect(kept).toEqual([
    [1, 2],
    [1, 2],
  ]);
});
