/**
 * What a backend's blocks and attention must give for the rows of a prompt.
 */
import { expect, test } from 'vitest';
import type { AttendedRows, StateRows } from '../rows.js';
import {
  expectCached,
  expectClose,
  expectLogits,
  type Held,
  IDS,
  type Last,
  runRows,
  TOLERANCE,
  wholeContext,
} from './held-model.test-support.js';

export function describeSlices(held: () => Held): void {
  const cuts = [[12], [1, 11], [5, 7], [4, 1, 4, 3]];
  test.each(cuts.map((cut) => ({ cut })))(
    'a context in slices of $cut has the keys, values and logits of the plain pass',
    async ({ cut }) => {
      const { model, reference, kvDtype } = held();
      const cache = await model.createCache(IDS.length, kvDtype);
      let last: Last | undefined;
      let start = 0;
      for (const tokens of cut) {
        last = await runRows(model, cache, start, start + tokens);
        start += tokens;
      }
      await expectCached(held(), cache, IDS.length);
      const { rows, attended } = last as Last;
      const logits = await model.logits(rows, attended);
      expectLogits(held(), logits, reference.logits.slice(-rows.count));
      const normed = await model.normed(rows, attended);
      expect(normed).toHaveLength(rows.count * model.shape.hidden);
      expectLogits(held(), normed, reference.normed.slice(-rows.count));
    },
  );

  test('attention over the whole context with a mask is that of the rows before', async () => {
    const { model } = held();
    const { cache, layers } = await wholeContext(held());
    for (const { rows, layer } of layers) {
      const part = rows.part(4, 9);
      const causal = await model.attendSlice(part, { cache, layer, start: 4 });
      const dense = await model.attendDense(part, { cache, layer, start: 4 }, IDS.length);
      const [one, other] = [await model.logits(part, causal), await model.logits(part, dense)];
      expectClose(dense.count === 5 ? other : [], one, TOLERANCE);
    }
  });

  test('of the last layer one row can be kept, which attends alone', async () => {
    const { model, reference } = held();
    const { cache, layers } = await wholeContext(held());
    const { input, rows } = layers[0] as (typeof layers)[number];
    expect((await model.block(0, input, { keeps: 'last' })).count).toBe(IDS.length);
    const attended = await model.attendSlice(rows, { cache, layer: 0, start: 0 });
    const layer = model.shape.layers - 1;
    const row = await model.block(layer, rows, { attended, keeps: 'last' });
    expect(row.count).toBe(1);
    expect((await model.takeKv(row, held().kvDtype)).count).toBe(IDS.length);
    const alone = await model.attendRow(row, { cache, layer }, IDS.length);
    expectLogits(held(), await model.logits(row, alone), reference.logits.slice(-1));
  });

  test('parts that are joined go on as the whole does', async () => {
    const { model, reference } = held();
    const cache = await model.createCache(IDS.length, held().kvDtype);
    let rows = await model.embed(Int32Array.from(IDS), { positions: 0, promptTokens: IDS.length });
    let attended: AttendedRows | undefined;
    for (let layer = 0; layer < model.shape.layers; layer++) {
      const parts: StateRows[] = [];
      for (const [from, to] of [
        [0, 5],
        [5, 6],
        [6, 12],
      ] as const) {
        const part = rows.part(from, to);
        expect(part.count).toBe(to - from);
        const made = await model.block(layer, part, attended && { attended: attended.part(from, to) });
        await cache.write(layer, from, await model.takeKv(made, held().kvDtype));
        parts.push(made);
      }
      rows = await model.join(rows, parts);
      for (const part of parts) part.release();
      attended = await model.attendSlice(rows, { cache, layer, start: 0 });
    }
    await expectCached(held(), cache, IDS.length);
    const logits = await model.logits(rows, attended as AttendedRows);
    expectLogits(held(), logits, reference.logits);
  });
}
