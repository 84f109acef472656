import {
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  appendFileSync,
  mkdirSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MAX_HEADER_BYTES } from './safetensors-header.js';
import { writeSafetensors } from './safetensors-writer.js';
import { MAX_TENSORS, openSafetensors } from './safetensors.js';
import type { TensorSource } from './safetensors.js';

let folder = '';
let path = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kvr-safetensors-'));
  path = join(folder, 'model.safetensors');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A file as hostile as its header: the text, then the data. */
function writeRaw(header: unknown, data: Uint8Array, claimedBytes?: bigint): void {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(claimedBytes ?? BigInt(json.length));
  writeFileSync(path, Buffer.concat([length, json, data]));
}

async function opened<T>(use: (tensors: TensorSource) => T | Promise<T>): Promise<T> {
  const tensors = await openSafetensors(folder);
  try {
    return await use(tensors);
  } finally {
    await tensors.close();
  }
}

async function refused(...parts: (string | RegExp)[]): Promise<void> {
  const error: unknown = await opened(() => undefined).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'BAD_CHECKPOINT' });
  for (const part of parts) expect((error as Error).message).toMatch(part);
  expect((error as Error).message).not.toContain('\n');
}

const counted = (length: number, from = 0) => Float32Array.from({ length }, (_, i) => from + i);

test('what was written is read, in runs of rows', async () => {
  await writeSafetensors(path, [
    { name: 'a', shape: [3], data: counted(3) },
    { name: 'b', shape: [5, 4], data: counted(20, 100) },
  ]);
  await opened(async (tensors) => {
    expect(await tensors.vector('a', 3).read(0, 1)).toEqual(counted(3));
    expect(await tensors.column('a', 3).read(1, 3)).toEqual(counted(2, 1));
    expect(await tensors.matrix('b', 5, 4).read(1, 3)).toEqual(counted(8, 104));
    expect(await tensors.matrix('b', 5, 4).read(5, 5)).toEqual(new Float32Array());
    expect([tensors.has('b'), tensors.has('c')]).toEqual([true, false]);
  });
});

test('the writer refuses a name given twice and a shape that its data does not have', async () => {
  const tensor = { name: 'a', shape: [3], data: counted(3) };
  await expect(writeSafetensors(path, [tensor, tensor])).rejects.toMatchObject({ code: 'BAD_INPUT' });
  await expect(writeSafetensors(path, [{ ...tensor, shape: [2, 2] }])).rejects.toThrow('[2, 2], 4 elements');
});

/** A half's value by its definition. */
function halfValue(bits: number): number {
  const sign = bits >> 15 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? Number.NaN : sign * Infinity;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

test('every F16 value is read as what it is', async () => {
  const bits = Uint16Array.from({ length: 65_536 }, (_, i) => i);
  writeRaw(
    { h: { dtype: 'F16', shape: [256, 256], data_offsets: [0, 131_072] } },
    new Uint8Array(bits.buffer),
  );
  const values = await opened((tensors) => tensors.matrix('h', 256, 256).read(0, 256));
  expect(values).toEqual(Float32Array.from(bits, halfValue));
  expect(Object.is(values[0x8000], -0)).toBe(true);
});

test('every BF16 value is read as the upper half of an f32', async () => {
  const bits = Uint16Array.from({ length: 65_536 }, (_, i) => i);
  writeRaw(
    { h: { dtype: 'BF16', shape: [65_536, 1], data_offsets: [0, 131_072] } },
    new Uint8Array(bits.buffer),
  );
  const values = await opened((tensors) => tensors.matrix('h', 65_536, 1).read(3, 65_536));
  const view = new DataView(new ArrayBuffer(4));
  const expected = Float32Array.from(bits, (value) => {
    view.setUint16(0, value);
    return view.getFloat32(0);
  });
  expect(values).toEqual(expected.slice(3));
});

test('a tensor at an odd offset is read', async () => {
  const data = Buffer.concat([Buffer.alloc(3), Buffer.from(counted(2, 7).buffer)]);
  writeRaw(
    {
      u: { dtype: 'U8', shape: [3], data_offsets: [0, 3] },
      f: { dtype: 'F32', shape: [2], data_offsets: [3, 11] },
    },
    data,
  );
  expect(await opened((tensors) => tensors.vector('f', 2).read(0, 1))).toEqual(counted(2, 7));
});

test('shards are found by the index', async () => {
  await writeSafetensors(join(folder, 'x-1.safetensors'), [{ name: 'a', shape: [2], data: counted(2) }]);
  await writeSafetensors(join(folder, 'x-2.safetensors'), [{ name: 'b', shape: [2], data: counted(2, 5) }]);
  writeIndex({ a: 'x-1.safetensors', b: 'x-2.safetensors' });
  await opened(async (tensors) => {
    expect(tensors.files.map((file) => file.slice(-15))).toEqual(['x-1.safetensors', 'x-2.safetensors']);
    expect(await tensors.vector('b', 2).read(0, 1)).toEqual(counted(2, 5));
  });
});

function writeIndex(weightMap: unknown): void {
  writeFileSync(join(folder, 'model.safetensors.index.json'), JSON.stringify({ weight_map: weightMap }));
}

test.each(['../x.safetensors', '/etc/x.safetensors', 'a/b.safetensors', '..\\x.safetensors', 'x.bin', '', 7])(
  'an index that names the shard %j is refused',
  async (shard) => {
    writeIndex({ a: shard });
    await refused('weight_map.a');
  },
);

test('an index whose shards are absent, or lack a tensor, is refused with the name', async () => {
  writeIndex({ a: 'x-1.safetensors' });
  await refused('x-1.safetensors can not be opened');
  await writeSafetensors(join(folder, 'x-1.safetensors'), [{ name: 'b', shape: [2], data: counted(2) }]);
  await refused('x-1.safetensors holds tensor a');
  writeIndex({});
  await refused('names 0 files');
  writeIndex(Object.fromEntries(Array.from({ length: 513 }, (_, i) => [`${i}`, `${i}.safetensors`])));
  await refused('names 513 files');
});

test('a folder without safetensors is refused', () => refused('neither model.safetensors nor'));

test('a pipe or a folder in place of the file is refused, not waited for', async () => {
  execFileSync('mkfifo', [path]);
  await refused('is not a file');
  rmSync(path);
  mkdirSync(path);
  await refused('is not a file');
});

test('a truncated file is refused with the claimed and the real size', async () => {
  await writeSafetensors(path, [{ name: 'a', shape: [5, 4], data: counted(20) }]);
  const bytes = readFileSync(path).length;
  truncateSync(path, bytes - 1);
  await refused(path, `${bytes}`, `${bytes - 1}`, 'cut off');
  for (const left of [0, 7]) {
    truncateSync(path, left);
    await refused(`has ${left} bytes`);
  }
});

test('a file cut off inside its header is refused', async () => {
  await writeSafetensors(path, [{ name: 'a', shape: [5, 4], data: counted(20) }]);
  truncateSync(path, 20);
  await refused('the header claims', 'the most is 12 in a file of 20');
});

test('a file that goes on after its tensors is refused', async () => {
  await writeSafetensors(path, [{ name: 'a', shape: [2], data: counted(2) }]);
  appendFileSync(path, 'x');
  await refused('too long');
});

test('a header that is longer than its bound, or than the file, is refused before it is read', async () => {
  writeRaw('{}', new Uint8Array(), 2n ** 64n - 1n);
  await refused('claims 18446744073709551615 bytes');
  writeRaw('{}', new Uint8Array(), BigInt(MAX_HEADER_BYTES + 1));
  truncateSync(path, MAX_HEADER_BYTES + 100);
  await refused(`the header has ${MAX_HEADER_BYTES + 1} bytes, the most is ${MAX_HEADER_BYTES}; split`);
});

test('more tensors than any model has are refused', async () => {
  const empty = { dtype: 'U8', shape: [0], data_offsets: [0, 0] };
  const names = Array.from({ length: MAX_TENSORS + 1 }, (_, index) => `t${index}`);
  writeRaw(Object.fromEntries(names.map((name) => [name, empty])), new Uint8Array());
  await refused(`has ${MAX_TENSORS + 1} tensors up to this file, the most is ${MAX_TENSORS}`);
});

test.each<[string, unknown]>([
  ['text that is no JSON', '{"a":'],
  ['a list', '[]'],
  ['null', 'null'],
])('a header of %s is refused', async (_, header) => {
  writeRaw(header, new Uint8Array());
  await refused('the header is');
});

test('a header that is not UTF-8 is refused', async () => {
  writeFileSync(path, Buffer.from([2, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe]));
  await refused('the header is not JSON');
});

const F32 = { dtype: 'F32', shape: [2], data_offsets: [0, 8] };
test.each<[string, unknown]>([
  ['a negative size', { ...F32, shape: [-2] }],
  ['a fraction', { ...F32, shape: [0.5, 4] }],
  ['a size of NaN', { ...F32, shape: [null] }],
  ['a huge size', { ...F32, shape: [2 ** 53] }],
  ['sizes whose product is huge', { ...F32, shape: [2 ** 40, 2 ** 40] }],
  ['a size of infinity', `{"a":{"dtype":"F32","shape":[1e999],"data_offsets":[0,8]}}`],
  ['a hundred dimensions', { ...F32, shape: Array.from({ length: 100 }, () => 1) }],
  ['a shape that is not its size', { ...F32, shape: [3] }],
  ['an end before its start', { ...F32, data_offsets: [8, 0] }],
  ['offsets beyond the file', { ...F32, data_offsets: [8, 16] }],
  ['negative offsets', { ...F32, data_offsets: [-8, 0] }],
  ['one offset', { ...F32, data_offsets: [8] }],
  ['no dtype', { ...F32, dtype: undefined }],
  ['no entry', null],
])('a tensor with %s is refused', async (_, entry) => {
  writeRaw(typeof entry === 'string' ? entry : { a: entry }, new Uint8Array(8));
  await refused(path, /"a"|cut off/);
});

test('tensors that overlap or leave a gap are refused', async () => {
  writeRaw({ a: F32, b: { ...F32, data_offsets: [4, 12] } }, new Uint8Array(12));
  await refused('"b": it overlaps the tensor before it by 4 bytes');
  writeRaw({ a: F32, b: { ...F32, data_offsets: [12, 20] } }, new Uint8Array(20));
  await refused('"b": 4 bytes before it belong to no tensor');
});

test('a tensor called __proto__ is one like any other', async () => {
  writeRaw('{"__proto__":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}', new Uint8Array(8));
  expect(await opened((tensors) => [tensors.has('__proto__'), tensors.has('shape')])).toEqual([true, false]);
});

test.each(['I64', 'F8_E4M3', 'Q4_K'])(
  'a tensor of type %s is refused by name when it is wanted, not before',
  async (dtype) => {
    const bytes = dtype === 'I64' ? 16 : 2;
    writeRaw({ a: { dtype, shape: [2], data_offsets: [0, bytes] } }, new Uint8Array(bytes));
    await opened((tensors) => {
      expect(() => tensors.vector('a', 2)).toThrow(
        `tensor a is of type ${dtype}, supported are F32, F16, BF16`,
      );
    });
  },
);

test('a missing tensor and a wrong shape are refused with name and shapes', async () => {
  await writeSafetensors(path, [{ name: 'a', shape: [5, 4], data: counted(20) }]);
  await opened((tensors) => {
    expect(() => tensors.matrix('b', 2, 3)).toThrow('no tensor b [2, 3]');
    expect(() => tensors.matrix('a', 4, 5)).toThrow('tensor a is [5, 4], config.json makes it [4, 5]');
    expect(() => tensors.vector('a', 20)).toThrow('tensor a is [5, 4], config.json makes it [20]');
  });
});

test('a file that shrinks while it is open is noticed', async () => {
  await writeSafetensors(path, [{ name: 'a', shape: [5, 4], data: counted(20) }]);
  await opened(async (tensors) => {
    const matrix = tensors.matrix('a', 5, 4);
    truncateSync(path, readFileSync(path).length - 8);
    await expect(matrix.read(0, 5)).rejects.toMatchObject({ code: 'BAD_CHECKPOINT' });
  });
});

test('closing twice is harmless, and reading afterwards says CLOSED', async () => {
  await writeSafetensors(path, [{ name: 'a', shape: [2], data: counted(2) }]);
  const tensors = await openSafetensors(folder);
  const vector = tensors.vector('a', 2);
  await tensors.close();
  await tensors.close();
  await expect(vector.read(0, 1)).rejects.toMatchObject({ code: 'CLOSED' });
});

test('rows outside a matrix are a defect of the caller', async () => {
  await writeSafetensors(path, [{ name: 'a', shape: [5, 4], data: counted(20) }]);
  await opened(async (tensors) => {
    const matrix = tensors.matrix('a', 5, 4);
    for (const [start, end] of [
      [-1, 2],
      [3, 2],
      [0, 6],
      [Number.NaN, 1],
    ] as const) {
      await expect(matrix.read(start, end)).rejects.toMatchObject({ code: 'INTERNAL' });
    }
  });
});

test('names out of files come into messages on one line, short and without control characters', async () => {
  const name = `a\n\u001b[31m${'x'.repeat(1000)}`;
  writeRaw({ [name]: { ...F32, shape: [3] } }, new Uint8Array(8));
  const error: unknown = await opened(() => undefined).catch((thrown: unknown) => thrown);
  expect((error as Error).message).toContain('tensor "a\\n\\u001b[31mxxx');
  expect((error as Error).message).toMatch(/^[ -~\u2026]{1,400}$/);
});
