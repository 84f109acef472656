import { expect, test } from 'vitest';
import { kvBytesPerToken, type KvDtype } from '../../../core/shape.js';
import { commonTokens } from '../../../core/ids/common-prefix.js';
import { FakeCache, FakeModel } from '../fake-model.test-support.js';
import { PrefixStore } from './prefix-store.js';

const model = new FakeModel();
const TOKEN_BYTES = kvBytesPerToken(model.shape, 'f32');
const cacheOf = (capacity: number, kvDtype: KvDtype = 'f32'): FakeCache =>
  new FakeCache(model, capacity, kvDtype);

function storeOf(tokens: number): { store: PrefixStore; dropped: number[] } {
  const dropped: number[] = [];
  return { store: new PrefixStore(model, tokens * TOKEN_BYTES, (entry) => dropped.push(entry)), dropped };
}

function keep(store: PrefixStore, entry: number, ids: number[]): Promise<boolean> {
  return store.keep(entry, Int32Array.from(ids), cacheOf(ids.length), Infinity);
}

test('an entry of one element type does not stand for one of the other, and f16 takes half the room', async () => {
  const { store, dropped } = storeOf(10);
  const ids = Int32Array.of(1, 2, 3, 4);
  expect(await store.keep(1, ids, cacheOf(4, 'f32'), Infinity)).toBe(true);
  expect(await store.keep(2, ids, cacheOf(4, 'f16'), Infinity)).toBe(true);
  expect(dropped).toEqual([]);
  expect(store.bytes).toBe(6 * TOKEN_BYTES);
  expect(await store.keep(3, ids, cacheOf(4, 'f16'), Infinity)).toBe(false);
});

test('drops what was used longest ago, and never holds more than its budget', async () => {
  const { store, dropped } = storeOf(4);
  await keep(store, 1, [1, 1]);
  await keep(store, 2, [2, 2]);
  expect(store.find(1)?.entry).toBe(1);
  expect(await keep(store, 3, [3, 3])).toBe(true);
  expect(dropped).toEqual([2]);
  expect(store.bytes).toBe(4 * TOKEN_BYTES);
  expect(await keep(store, 4, [4, 4, 4, 4, 4])).toBe(false);
  expect(dropped).toEqual([2]);
});

test('holds no more than there is room for', async () => {
  const { store, dropped } = storeOf(100);
  await keep(store, 1, [1, 1, 1]);
  expect(await store.keep(2, Int32Array.of(2, 2), cacheOf(2), 4 * TOKEN_BYTES)).toBe(true);
  expect(dropped).toEqual([1]);
  expect(await store.keep(3, Int32Array.of(3, 3), cacheOf(2), TOKEN_BYTES)).toBe(false);
});

test('a longer one replaces what it begins with, and a shorter one is not kept beside it', async () => {
  const { store, dropped } = storeOf(100);
  await keep(store, 1, [1, 2]);
  await keep(store, 2, [1, 3]);
  await keep(store, 3, [1, 2, 3]);
  expect(dropped).toEqual([1]);
  expect(await keep(store, 4, [1, 2])).toBe(false);
  expect(store.bytes).toBe(5 * TOKEN_BYTES);
});

test('a cache with many unused rows is copied to its size', async () => {
  const { store } = storeOf(100);
  const cache = cacheOf(50);
  const row = new Uint8Array(cache.rowBytes).fill(7);
  await cache.writePacked(1, 1, row);
  await store.keep(1, Int32Array.of(5, 6), cache, Infinity);
  const kept = store.find(1);
  expect([kept?.cache.capacity, kept?.bytes]).toEqual([2, 2 * TOKEN_BYTES]);
  expect(await kept?.cache.read(1, 1, 2).pack(0, 1)).toEqual(row);
  expect([cache.isClosed, (kept?.cache as FakeCache).isClosed]).toEqual([true, false]);
});

test('makes room, but not of what is spared', async () => {
  const { store, dropped } = storeOf(100);
  await keep(store, 1, [1, 1]);
  await keep(store, 2, [2, 2]);
  store.shrinkTo(3 * TOKEN_BYTES, 1);
  expect(dropped).toEqual([2]);
  const cache = store.find(1)?.cache as FakeCache;
  store.shrinkTo(0, 1);
  expect([dropped, cache.isClosed]).toEqual([[2], false]);
  store.shrinkTo(0);
  expect([dropped, cache.isClosed]).toEqual([[2, 1], true]);
});

test('counts what two texts begin with in common', async () => {
  expect(commonTokens(Int32Array.of(1, 2, 3), Int32Array.of(1, 2, 4, 5))).toBe(2);
  expect(commonTokens(Int32Array.of(1, 2), Int32Array.of(1, 2, 4))).toBe(2);
  expect(commonTokens(Int32Array.of(), Int32Array.of(1))).toBe(0);
});
