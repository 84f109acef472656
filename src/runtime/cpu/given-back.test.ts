import { expect, test } from 'vitest';
import { TINY_LLAMA } from '../../../test/reference/shapes.js';
import { CpuKvCache } from './cache/cpu-kv-cache.js';
import { KvMemory } from './cache/kv-memory.js';
import { freeBuffer } from '../sessions/free-buffer.js';
import { CpuStateRows } from './rows/cpu-rows.js';

test('a freed buffer is gone before the call returns, whoever refers to it', () => {
  const buffer = new ArrayBuffer(200_000_000);
  const view = new Float32Array(buffer, 4);
  const before = process.memoryUsage().arrayBuffers;
  freeBuffer(buffer);
  freeBuffer(buffer);
  expect([buffer.byteLength, view.length]).toEqual([0, 0]);
  expect(before - process.memoryUsage().arrayBuffers).toBeGreaterThan(190_000_000);
});

test('a cache takes its memory with the first rows, once, and gives it back as it closes', async () => {
  const memory = new KvMemory();
  const cache = new CpuKvCache(TINY_LLAMA, 1_000, 'f32', { memory });
  expect(memory).toMatchObject({ heldBytes: 0, taken: 0 });
  const row = new Float32Array(TINY_LLAMA.kvHeads * TINY_LLAMA.headDim);
  cache.writeArrays(0, 5, { keys: row, values: row });
  cache.writeArrays(1, 5, { keys: row, values: row });
  expect(memory.taken).toBe(1);
  expect(memory.heldBytes).toBeGreaterThanOrEqual(cache.bytes);
  const next = CpuKvCache.continued(cache, 6, 1_000);
  expect(memory.taken).toBe(2);
  cache.close();
  cache.close();
  next.close();
  expect(memory.heldBytes).toBe(0);
  expect(() => cache.writeArrays(0, 5, { keys: row, values: row })).toThrow(/closed/);
});

test('a cache that was never written to costs nothing', () => {
  const memory = new KvMemory();
  new CpuKvCache(TINY_LLAMA, 1_000, 'f32', { memory }).close();
  expect(memory).toMatchObject({ heldBytes: 0, taken: 0 });
});

test('rows that are released give back what they hold, and not the positions that others share', () => {
  const rows = 1_000;
  const floats = (width: number): Float32Array => new Float32Array(rows * width);
  const rotary = { cos: floats(32), sin: floats(32) };
  const projections = { queries: floats(64), keys: floats(32), values: floats(32) };
  const states = new CpuStateRows(rows, [rotary], floats(64), { projections });
  const part = states.part(0, 10);
  states.release();
  states.release();
  const { hidden } = states;
  expect([hidden, part.hidden, ...Object.values(projections)].map(({ length }) => length)).toEqual([
    0, 0, 0, 0, 0,
  ]);
  expect(rotary.cos.length).toBe(rows * 32);
});
