import { expect, test } from 'vitest';
import { blockHead, HEAD_BYTES, openBlock, startOfHead } from './block-file.js';

const NAME = { model: 'm-f32-v1', hash: 'ab'.repeat(20), start: 7 };
const rows = Uint8Array.from({ length: 100 }, (_, at) => at);
const file = (): Buffer<ArrayBuffer> => Buffer.concat([blockHead(NAME, rows), rows]);

test('what was written is read', () => {
  const block = openBlock(NAME, file());
  expect(block?.start).toBe(7);
  expect([...(block?.rows ?? [])]).toEqual([...rows]);
  expect(startOfHead(file().subarray(0, HEAD_BYTES))).toBe(7);
});

test('a block with any bit changed is not read', () => {
  for (let bit = 0; bit < 8 * (HEAD_BYTES + rows.length); bit++) {
    const damaged = file();
    damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(openBlock(NAME, damaged), `bit ${bit}`).toBeUndefined();
  }
});

test('a block that is cut, longer, empty, of other tokens or of another model is not read', () => {
  for (let bytes = 0; bytes < file().length; bytes++)
    expect(openBlock(NAME, file().subarray(0, bytes))).toBeUndefined();
  expect(openBlock(NAME, Buffer.concat([file(), Buffer.of(0)]))).toBeUndefined();
  expect(openBlock({ ...NAME, hash: 'ac'.repeat(20) }, file())).toBeUndefined();
  expect(openBlock({ ...NAME, model: 'm-f32-v2' }, file())).toBeUndefined();
});
