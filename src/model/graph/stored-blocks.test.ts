/**
 * Weights that are stored as integers with scales go into blocks as they are, where these have as many bits.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TINY_LLAMA } from '../../../test/reference/shapes.js';
import type { IntegerRows, WeightMatrix } from '../../core/checkpoint.js';
import { selectRows } from '../checkpoint/matrix.js';
import { GraphBuilder } from './graph-builder.js';
import { addBlockMatMul } from './linear.js';
import { WeightFile } from './weight-file.js';

const ROWS = 5;
const COLUMNS = 64;
const BLOCK = 32;

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kvr-stored-blocks-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Codes of all values that so many bits have, and scales that no rounding would find. */
function storedMatrix(bits: 4 | 8): WeightMatrix & { all: IntegerRows } {
  const [span, offset] = [2 ** bits, 2 ** (bits - 1)];
  const codes = Int8Array.from({ length: ROWS * COLUMNS }, (_, i) => ((i * 7) % span) - offset);
  const scales = Float32Array.from({ length: codes.length / BLOCK }, (_, i) => (i % 2 ? -1 : 1) * (i + 0.37));
  const rows = (start: number, end: number): IntegerRows => ({
    codes: codes.slice(start * COLUMNS, end * COLUMNS),
    scales: scales.slice((start * COLUMNS) / BLOCK, (end * COLUMNS) / BLOCK),
  });
  const read = async (start: number, end: number): Promise<Float32Array> => {
    const part = rows(start, end);
    return Float32Array.from(part.codes, (code, i) => code * (part.scales[Math.floor(i / BLOCK)] ?? NaN));
  };
  const integers = { bits, blockSize: BLOCK, read: async (start: number, end: number) => rows(start, end) };
  return { rows: ROWS, columns: COLUMNS, read, integers, all: { codes, scales } };
}

/** What the product's weights are once they lie in the file: codes with a sign, and scales. */
async function written(weight: WeightMatrix, bits: 4 | 8): Promise<IntegerRows> {
  const path = join(folder, `${Math.random()}.bin`);
  const weights = await WeightFile.create(path);
  const graph = new GraphBuilder('test');
  const target = {
    shape: TINY_LLAMA,
    dtype: 'q8',
    integerWeights: 'u8',
    graph,
    weights,
    quantized: new Map(),
  } as const;
  await addBlockMatMul(target, 'w', graph.input('x', 'f32', [1, COLUMNS]), weight, bits);
  await weights.close();
  const { initializers } = graph.build();
  const [packed, scales] = initializers.map(({ data }) => {
    if (!('offset' in data)) throw new Error('the weights lie in the file');
    return readFileSync(path).subarray(data.offset, data.offset + data.bytes);
  }) as [Buffer, Buffer];
  const codes =
    bits === 8
      ? [...packed].map((byte) => byte - 128)
      : [...packed].flatMap((byte) => [(byte & 15) - 8, (byte >> 4) - 8]);
  return {
    codes: Int8Array.from(codes),
    scales: new Float32Array(Uint8Array.from(scales).buffer),
  };
}

test.each<[stored: 4 | 8, asked: 4 | 8]>([
  [8, 8],
  [4, 4],
  [4, 8],
])('%i bits in %i are the same codes and scales', async (stored, asked) => {
  const matrix = storedMatrix(stored);
  const { codes, scales } = await written(matrix, asked);
  expect(codes).toEqual(matrix.all.codes);
  expect(scales).toEqual(matrix.all.scales);
});

test('8 bits in 4 are rounded', async () => {
  const matrix = storedMatrix(8);
  const { scales } = await written(matrix, 4);
  expect(scales).not.toEqual(matrix.all.scales);
});

test('rows that were selected are stored as they are too', async () => {
  const matrix = storedMatrix(8);
  const runs = [
    { start: 3, end: 5 },
    { start: 0, end: 1 },
  ];
  const { codes } = await written(selectRows(matrix, runs), 8);
  expect([...codes]).toEqual([
    ...matrix.all.codes.subarray(3 * COLUMNS),
    ...matrix.all.codes.subarray(0, COLUMNS),
  ]);
});
