/**
 * Runs in turn: a machine that gets slower while a benchmark runs does so for all sides alike.
 */

/**
 * Runs each side once a round. The first round warms up (pages are mapped, heaps grow, plans learn what a request costs) and
 * is not kept; every other round goes backwards, so that no side always has the same neighbour.
 * @returns what was kept, by side and then by round
 */
export async function runInTurn<Side, Result>(
  sides: readonly Side[],
  repeats: number,
  run: (side: Side, round: number) => Promise<Result>,
): Promise<Result[][]> {
  const kept = sides.map((): Result[] => []);
  for (let round = 0; round <= repeats; round++) {
    const order = [...sides.entries()];
    if (round % 2 === 1) order.reverse();
    for (const [at, side] of order) {
      const result = await run(side, round);
      if (round > 0) kept[at]?.push(result);
    }
  }
  return kept;
}
