/**
 * Headers of safetensors files spoiled at every place: each is refused in one line, and none takes memory for what it claims.
 */
import { expect, test } from 'vitest';
import { KvrError } from '../../core/errors.js';
import { parseHeader } from './safetensors-header.js';

const DEEP = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
const SOUND = { dtype: 'F32', shape: [2, 3], data_offsets: [0, 24] };
const SPOILT = [
  'x',
  '',
  true,
  null,
  -1,
  0.5,
  2 ** 53,
  1e308,
  {},
  [],
  [[]],
  [-1, 2],
  [2, 2 ** 60],
  'DEEP',
  [2 ** 52, 2 ** 52],
];
const LONG = Array.from({ length: 1_000_000 }, () => 1);

function faultOf(json: unknown): unknown {
  const text = JSON.stringify(json)?.replaceAll('"DEEP"', DEEP) ?? '';
  const header = new TextEncoder().encode(text);
  try {
    return parseHeader(header, 8 + header.length + 24, 'm.safetensors');
  } catch (error) {
    return error;
  }
}

test('the header that all others are made of is sound', () => {
  expect(faultOf({ a: SOUND })).toBeInstanceOf(Map);
});

test.each(Object.keys(SOUND))('a tensor whose %s is spoiled is refused in one short line', (key) => {
  const before = process.memoryUsage().rss;
  for (const value of [...SPOILT, LONG]) {
    const fault = faultOf({ a: { ...SOUND, [key]: value } });
    // Another type of as many bytes is known by what it is only when the tensor is read.
    if (key === 'dtype' && fault instanceof Map) continue;
    expect(fault, JSON.stringify(value).slice(0, 40)).toBeInstanceOf(KvrError);
    expect(fault).toMatchObject({ code: 'BAD_CHECKPOINT' });
    expect((fault as Error).message).toMatch(/^m\.safetensors.{1,400}$/);
  }
  expect(process.memoryUsage().rss - before).toBeLessThan(256e6);
});

test('an entry or a header of another kind is refused in one short line', () => {
  for (const value of SPOILT) {
    for (const json of [value, { a: value }, { a: SOUND, b: value }]) {
      const isEmpty = JSON.stringify(json) === '{}';
      const fault = faultOf(json);
      expect((fault as Error).message, JSON.stringify(json)).toMatch(/^m\.safetensors.{1,400}$/);
      expect(isEmpty || fault instanceof KvrError).toBe(true);
    }
  }
});
