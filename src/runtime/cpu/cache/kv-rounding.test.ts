import { afterAll, expect, test } from 'vitest';
import { TINY_LLAMA } from '../../../../test/reference/shapes.js';
import { CpuKvCache } from './cpu-kv-cache.js';
import { KvRounding } from './kv-rounding.js';

const rounding = new KvRounding(TINY_LLAMA);
afterAll(() => rounding.close());

test('rows become the nearest f16, ties to even, and what f16 can not hold the largest it can', async () => {
  const keys = Float32Array.of(0, -0, 1, -2, 1 + 2 ** -11, 1 + 3 * 2 ** -11, 65_519, 1e9);
  const values = Float32Array.of(-1e9, -Infinity, 2 ** -24, 2 ** -26, 0.1, 3, 4, 5);
  const rounded = await rounding.rows({ keys, values }, 'f16');
  // Bits of f16: a sign, 5 of exponent, 10 of fraction.
  expect([...rounded.keys]).toEqual([0, 0x8000, 0x3c00, 0xc000, 0x3c00, 0x3c02, 0x7bff, 0x7bff]);
  expect([...rounded.values]).toEqual([0xfbff, 0xfbff, 1, 0, 0x2e66, 0x4200, 0x4400, 0x4500]);
});

test('a cache takes rows of its own element type only', async () => {
  const width = TINY_LLAMA.kvHeads * TINY_LLAMA.headDim;
  const full = { keys: new Float32Array(width), values: new Float32Array(width) };
  const half = await rounding.rows(full, 'f16');
  expect(() => new CpuKvCache(TINY_LLAMA, 1, 'f16').writeArrays(0, 0, full)).toThrow(/do not fit/);
  expect(() => new CpuKvCache(TINY_LLAMA, 1, 'f32').writeArrays(0, 0, half)).toThrow(/do not fit/);
  new CpuKvCache(TINY_LLAMA, 1, 'f16').writeArrays(0, 0, half);
});
