import { expect, test } from 'vitest';
import { blockFormat } from './linear.js';
import { quantizeBlocks, quantizeChannels } from './quantize.js';

/** Values in (-1, 1) without a pattern that blocks could follow. */
const noise = (length: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => Math.sin(i * i + 0.5));

/** Reads one weight back the way the format says. */
function readBlock(
  blocks: ReturnType<typeof quantizeBlocks>,
  bits: 4 | 8,
  blockSize: number,
  row: number,
  column: number,
  columns: number,
): number {
  const perRow = Math.ceil(columns / blockSize);
  const block = row * perRow + Math.floor(column / blockSize);
  const inside = column % blockSize;
  const byte = blocks.packed[(block * blockSize * bits) / 8 + (bits === 8 ? inside : inside >> 1)] ?? 0;
  const code = bits === 8 ? byte : inside % 2 === 0 ? byte & 15 : byte >> 4;
  return (code - 2 ** (bits - 1)) * (blocks.scales[block] ?? 0);
}

test.each([4, 8] as const)(
  '%i-bit blocks come back within a step or two, also in a last block that is not full',
  (bits) => {
    const [rows, columns, blockSize] = [5, 83, 32];
    const values = noise(rows * columns);
    const blocks = quantizeBlocks(values, columns, { bits, blockSize });
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const scale = Math.abs(blocks.scales[row * 3 + Math.floor(column / blockSize)] ?? 0);
        const error = Math.abs(
          readBlock(blocks, bits, blockSize, row, column, columns) - (values[row * columns + column] ?? 0),
        );
        // With 4 bits the largest values may be clipped, by a step and a half at most of the codes that are tried.
        expect(error).toBeLessThanOrEqual(scale * (bits === 4 ? 2 : 0.501));
      }
    }
  },
);

test('4-bit scales leave less squared error than putting the largest magnitude at the end of the range', () => {
  const [rows, columns, blockSize] = [40, 64, 32];
  const values = noise(rows * columns).map((value) => value ** 3);
  const blocks = quantizeBlocks(values, columns, { bits: 4, blockSize });
  let chosen = 0;
  let plain = 0;
  for (let at = 0; at < values.length; at += blockSize) {
    const block = values.subarray(at, at + blockSize);
    const step = [...block].reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most)) / -8;
    block.forEach((value, i) => {
      const [row, column] = [Math.floor((at + i) / columns), (at + i) % columns];
      chosen += (readBlock(blocks, 4, blockSize, row, column, columns) - value) ** 2;
      plain += (Math.min(7, Math.max(-8, Math.round(value / step))) * step - value) ** 2;
    });
  }
  expect(chosen).toBeLessThan(0.9 * plain);
});

test('blocks and channels of zeros are zeros again, with a scale that is a number', () => {
  const blocks = quantizeBlocks(new Float32Array(64), 64, { bits: 4, blockSize: 32 });
  expect([...blocks.scales]).toEqual([1, 1]);
  expect(blocks.packed.every((byte) => byte === 0x88)).toBe(true);
  const channels = { weights: new Int8Array(4), scales: new Float32Array(1) };
  quantizeChannels(new Float32Array(4), 4, channels, 0);
  expect([...channels.weights, ...channels.scales]).toEqual([0, 0, 0, 0, 1]);
});

test('channels are written as columns, each with its own scale', () => {
  const target = { weights: new Int8Array(3 * 2), scales: new Float32Array(2) };
  quantizeChannels(Float32Array.of(1, -0.5, 0.25), 3, target, 0);
  quantizeChannels(Float32Array.of(-20, 10, 5), 3, target, 1);
  expect([...target.weights]).toEqual([127, -127, -63, 64, 32, 32]);
  expect(target.scales[1]).toBeCloseTo(20 / 127, 6);
});

test('blocks are large where the matrix is and at least 16 to a row where they can be', () => {
  expect([4096, 2048, 1024, 512, 256, 64].map((columns) => blockFormat(4, columns).blockSize)).toEqual([
    128, 128, 64, 32, 16, 16,
  ]);
});
