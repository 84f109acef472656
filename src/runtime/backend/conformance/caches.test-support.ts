/**
 * What a backend's caches must keep, and how their rows travel.
 */
import { expect, test } from 'vitest';
import { kvBytesPerToken, kvRowBytes } from '../../../core/shape.js';
import {
  expectCached,
  expectLogits,
  type Held,
  IDS,
  runRows,
  wholeContext,
} from './held-model.test-support.js';

export function describeCaches(held: () => Held): void {
  test('rows that were packed give the same in another cache, byte for byte', async () => {
    const { model, kvDtype, reference } = held();
    const { cache } = await wholeContext(held());
    const other = await model.createCache(IDS.length + 5, kvDtype);
    for (let layer = 0; layer < model.shape.layers; layer++) {
      const rows = cache.read(layer, 0, 7);
      expect([rows.count, rows.kvDtype]).toEqual([7, kvDtype]);
      expect(rows.rowBytes).toBe(kvRowBytes(model.shape, kvDtype));
      const [first, second] = [await rows.pack(0, 3), await rows.pack(3, 7)];
      expect([first.byteOffset, first.buffer.byteLength]).toEqual([0, first.byteLength]);
      await other.writePacked(layer, 3, second);
      await other.writePacked(layer, 0, first);
      const [there, here] = [other.read(layer, 0, 7), cache.read(layer, 0, 7)];
      expect(await there.pack(0, 7)).toEqual(await here.pack(0, 7));
    }
    const { rows, attended } = await runRows(model, other, 7, IDS.length);
    expectLogits(held(), await model.logits(rows, attended), reference.logits.slice(7));
  });

  test('what a block publishes is what its cache holds', async () => {
    const { model, kvDtype } = held();
    const cache = await model.createCache(4, kvDtype);
    const rows = await model.block(
      0,
      await model.embed(Int32Array.of(1, 2, 3), { positions: 0, promptTokens: 3 }),
    );
    const own = await model.takeKv(rows, kvDtype);
    await cache.write(0, 1, own);
    expect(await own.pack(1, 3)).toEqual(await cache.read(0, 2, 4).pack(0, 2));
    own.release();
  });

  test('a cache continued from a beginning goes on from there, and the other stays as it was', async () => {
    const { model, kvDtype, reference } = held();
    const { cache } = await wholeContext(held());
    const next = await model.continueCache(cache, 6, IDS.length);
    expect([next.kvDtype, next.capacity, next.bytes]).toEqual([
      kvDtype,
      IDS.length,
      IDS.length * kvBytesPerToken(model.shape, kvDtype),
    ]);
    const { rows, attended } = await runRows(model, next, 6, IDS.length);
    expectLogits(held(), await model.logits(rows, attended), reference.logits.slice(6));
    await next.writePacked(0, 0, new Uint8Array(kvRowBytes(model.shape, kvDtype)));
    await expectCached(held(), cache, IDS.length);
    next.close();
    next.close();
    await expectCached(held(), cache, IDS.length);
  });

  test('rows that do not fit are refused', async () => {
    const { model, kvDtype } = held();
    const cache = await model.createCache(3, kvDtype);
    const rowBytes = kvRowBytes(model.shape, kvDtype);
    const refused = { code: 'INTERNAL' };
    const rows = await model.block(
      0,
      await model.embed(Int32Array.of(1, 2), { positions: 0, promptTokens: 2 }),
    );
    const own = await model.takeKv(rows, kvDtype);
    await expect(cache.write(0, 2, own)).rejects.toMatchObject(refused);
    await expect(cache.writePacked(0, 3, new Uint8Array(rowBytes))).rejects.toMatchObject(refused);
    await expect(cache.writePacked(0, 0, new Uint8Array(rowBytes + 4))).rejects.toMatchObject(refused);
    await expect(model.continueCache(cache, 2, 1)).rejects.toMatchObject(refused);
    const others = await model.createCache(3, kvDtype === 'f16' ? 'f32' : 'f16');
    await expect(others.write(0, 0, own)).rejects.toMatchObject(refused);
  });
}
