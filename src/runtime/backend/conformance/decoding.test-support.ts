/**
 * What a backend's decode steps must give: one row for each sequence.
 */
import { expect, test } from 'vitest';
import type { KvCache } from '../kv-cache.js';
import type { BackendModel, Cores, RowInCache } from '../backend.js';
import type { AttendedRows } from '../rows.js';
import { expectCached, expectLogits, type Held, IDS, runRows } from './held-model.test-support.js';

export function describeDecoding(held: () => Held): void {
  test('rows of several sequences take a step together, each over its own cache', async () => {
    const { model, reference } = held();
    const half = await cacheOf(held(), 4);
    const long = await cacheOf(held(), 9);
    for (let step = 0; step < 3; step++) {
      const sequences = [
        { cache: half, position: 4 + step },
        { cache: long, position: 9 + step },
      ];
      const logits = await decodeStep(model, sequences, 'own');
      const { vocabulary } = model.shape;
      expectLogits(held(), logits.subarray(0, vocabulary), [reference.logits[4 + step] as Float64Array]);
      const last = logits.subarray(vocabulary);
      expectLogits(held(), last, [reference.logits[9 + step] as Float64Array]);
    }
    await expectCached(held(), half, 7);
    await expectCached(held(), long, 12);
  });

  test('rows of one sequence take a step together, each over those before it', async () => {
    const { model, reference } = held();
    const cache = await cacheOf(held(), 4);
    const positions = Array.from({ length: IDS.length - 4 }, (_, row) => 4 + row);
    const logits = await decodeStep(
      model,
      positions.map((position) => ({ cache, position })),
      'own',
    );
    const { vocabulary } = model.shape;
    for (const [row, position] of positions.entries()) {
      const own = logits.subarray(row * vocabulary, (row + 1) * vocabulary);
      expectLogits(held(), own, [reference.logits[position] as Float64Array]);
    }
    await expectCached(held(), cache, IDS.length);
  });

  test('all cores give the same numbers while their graphs are opened one by one', async ({ skip }) => {
    const { model } = held();
    const { allCores } = model;
    if (!allCores) return skip('this backend has no AllCoreDecode');
    const [own, all] = [await cacheOf(held(), 4), await cacheOf(held(), 4)];
    for (let position = 4; position < IDS.length; position++) {
      const expected = await decodeStep(model, [{ cache: own, position }], 'own');
      expect(await decodeStep(model, [{ cache: all, position }], 'all')).toEqual(expected);
      await allCores.openNext();
    }
    expect(allCores.isOpen).toBe(true);
    await allCores.openNext();
  });
}

async function cacheOf({ model, kvDtype }: Held, tokens: number): Promise<KvCache> {
  const cache = await model.createCache(IDS.length, kvDtype);
  await runRows(model, cache, 0, tokens);
  return cache;
}

async function decodeStep(
  model: BackendModel,
  sequences: readonly RowInCache[],
  cores: Cores,
): Promise<Float32Array> {
  const positions = sequences.map((sequence) => sequence.position);
  let rows = await model.embed(
    Int32Array.from(positions, (position) => IDS[position] as number),
    { positions, promptTokens: IDS.length },
  );
  let attended: AttendedRows | undefined;
  for (let layer = 0; layer < model.shape.layers; layer++) {
    rows = await model.block(layer, rows, { ...(attended && { attended }), cores });
    attended = await model.attendEach(rows, layer, sequences, cores);
  }
  return model.logits(rows, attended as AttendedRows, cores);
}
