import { expect, test } from 'vitest';
import type { ModelShape } from '../../../core/shape.js';
import { type Chunk, joinOutputs, partOf } from './chunk-parts.js';

const SHAPE = { hidden: 3, heads: 2, kvHeads: 1, headDim: 2 } as ModelShape;
const count = (length: number): Float32Array => Float32Array.from({ length }, (_, index) => index);
const chunk: Chunk = {
  start: 10,
  end: 14,
  rotary: { cos: count(4), sin: count(4) },
  hidden: count(12),
  output: { hidden: count(12), queries: count(16), keys: count(8), values: count(8) },
};

test('a part has its rows of everything, at its own positions', () => {
  const part = partOf(SHAPE, chunk, 1, 3);
  expect([part.start, part.end]).toEqual([11, 13]);
  expect([...part.rotary.cos]).toEqual([1, 2]);
  expect([...part.hidden]).toEqual([3, 4, 5, 6, 7, 8]);
  expect([...(part.output?.queries ?? [])]).toEqual([4, 5, 6, 7, 8, 9, 10, 11]);
  expect([...(part.output?.keys ?? [])]).toEqual([2, 3, 4, 5]);
});

test('all rows are the chunk itself, and parts put together are what they were', () => {
  expect(partOf(SHAPE, chunk, 0, 4)).toBe(chunk);
  const parts = [partOf(SHAPE, chunk, 0, 1), partOf(SHAPE, chunk, 1, 4)];
  expect(joinOutputs(parts.flatMap(({ output }) => output ?? []))).toEqual(chunk.output);
  const only = parts[0]?.output as NonNullable<Chunk['output']>;
  expect(joinOutputs([only])).toBe(only);
});
