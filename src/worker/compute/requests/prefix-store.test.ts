import { expect, test } from 'vitest';
import { kvBytesPerToken, type ModelShape } from '../../../core/shape.js';
import { KvCache } from '../../../runtime/cpu/cache/kv-cache.js';
import { commonTokens } from '../../../core/common-prefix.js';
import { PrefixStore } from './prefix-store.js';

const SHAPE = { layers: 2, kvHeads: 2, headDim: 2 } as ModelShape;
const TOKEN_BYTES = kvBytesPerToken(SHAPE, 'f32');

function storeOf(tokens: number): { store: PrefixStore; dropped: number[] } {
  const dropped: number[] = [];
  return { store: new PrefixStore(SHAPE, tokens * TOKEN_BYTES, (entry) => dropped.push(entry)), dropped };
}

function keep(store: PrefixStore, entry: number, ids: number[], capacity = ids.length): boolean {
  return store.keep(entry, Int32Array.from(ids), new KvCache(SHAPE, capacity), Infinity);
}

test('an entry of one element type does not stand for one of the other, and f16 takes half the room', () => {
  const { store, dropped } = storeOf(10);
  const ids = Int32Array.of(1, 2, 3, 4);
  expect(store.keep(1, ids, new KvCache(SHAPE, 4, 'f32'), Infinity)).toBe(true);
  expect(store.keep(2, ids, new KvCache(SHAPE, 4, 'f16'), Infinity)).toBe(true);
  expect(dropped).toEqual([]);
  expect(store.bytes).toBe(6 * TOKEN_BYTES);
  expect(store.keep(3, ids, new KvCache(SHAPE, 4, 'f16'), Infinity)).toBe(false);
});

test('drops what was used longest ago, and never holds more than its budget', () => {
  const { store, dropped } = storeOf(4);
  keep(store, 1, [1, 1]);
  keep(store, 2, [2, 2]);
  expect(store.find(1)?.entry).toBe(1);
  expect(keep(store, 3, [3, 3])).toBe(true);
  expect(dropped).toEqual([2]);
  expect(store.bytes).toBe(4 * TOKEN_BYTES);
  expect(keep(store, 4, [4, 4, 4, 4, 4])).toBe(false);
  expect(dropped).toEqual([2]);
});

test('holds no more than there is room for', () => {
  const { store, dropped } = storeOf(100);
  keep(store, 1, [1, 1, 1]);
  expect(store.keep(2, Int32Array.of(2, 2), new KvCache(SHAPE, 2), 4 * TOKEN_BYTES)).toBe(true);
  expect(dropped).toEqual([1]);
  expect(store.keep(3, Int32Array.of(3, 3), new KvCache(SHAPE, 2), TOKEN_BYTES)).toBe(false);
});

test('a longer one replaces what it begins with, and a shorter one is not kept beside it', () => {
  const { store, dropped } = storeOf(100);
  keep(store, 1, [1, 2]);
  keep(store, 2, [1, 3]);
  keep(store, 3, [1, 2, 3]);
  expect(dropped).toEqual([1]);
  expect(keep(store, 4, [1, 2])).toBe(false);
  expect(store.bytes).toBe(5 * TOKEN_BYTES);
});

test('a cache with many unused rows is copied to its size', () => {
  const { store } = storeOf(100);
  const cache = new KvCache(SHAPE, 50);
  const rows = Float32Array.from({ length: 8 }, (_, index) => index);
  for (let layer = 0; layer < 2; layer++) cache.write(layer, 0, { keys: rows, values: rows });
  store.keep(1, Int32Array.of(5, 6), cache, Infinity);
  const kept = store.find(1);
  expect([kept?.cache.capacity, kept?.bytes]).toEqual([2, 2 * TOKEN_BYTES]);
  expect(kept?.cache.read(1, 0, 2)).toEqual({ keys: rows, values: rows });
});

test('makes room, what is spared last of all', () => {
  const { store, dropped } = storeOf(100);
  keep(store, 1, [1, 1]);
  keep(store, 2, [2, 2]);
  store.shrinkTo(3 * TOKEN_BYTES, 1);
  expect(dropped).toEqual([2]);
  store.shrinkTo(0, 1);
  expect(dropped).toEqual([2, 1]);
});

test('counts what two texts begin with in common', () => {
  expect(commonTokens(Int32Array.of(1, 2, 3), Int32Array.of(1, 2, 4, 5))).toBe(2);
  expect(commonTokens(Int32Array.of(1, 2), Int32Array.of(1, 2, 4))).toBe(2);
  expect(commonTokens(Int32Array.of(), Int32Array.of(1))).toBe(0);
});
