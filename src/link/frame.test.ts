import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../test/reference/random.js';
import { checksumOf } from './checksum.js';
import {
  controlFrame,
  decodeFrame,
  decodeHeader,
  encodeHead,
  type Frame,
  HEADER_BYTES,
  type KvFrame,
  MAX_META_BYTES,
  MAX_PAYLOAD_BYTES,
  PROTOCOL_VERSION,
} from './frame.js';

const MAGIC = [0x4b, 0x56];

/** A header put together by hand, from the layout in the file's head. */
function header({
  magic = MAGIC,
  version = PROTOCOL_VERSION,
  kind = 1,
  metaBytes = 0,
  payloadBytes = 0,
  bodySum = 0,
}): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.set([...magic, version, kind]);
  bytes.writeUInt32LE(metaBytes, 4);
  bytes.writeUInt32LE(payloadBytes, 8);
  bytes.writeUInt32LE(bodySum, 12);
  bytes.writeUInt32LE(checksumOf(bytes.subarray(0, 16)), 16);
  return bytes;
}

function roundTrip(frame: Frame, isChecksummed = false): Frame {
  const head = Buffer.from(encodeHead(frame, isChecksummed));
  const read = decodeHeader(head.subarray(0, HEADER_BYTES));
  expect(head.byteLength).toBe(HEADER_BYTES + read.metaBytes);
  expect(read.payloadBytes).toBe(frame.payload.byteLength);
  return decodeFrame(read, head.subarray(HEADER_BYTES), frame.payload);
}

test('control frames come back as they went, whatever JSON they hold', () => {
  for (const message of [{}, { type: 'ping', ping: 7 }, [1, 'zwei', null], 'text ⟨ü⟩', 0, null]) {
    expect(roundTrip(controlFrame(message))).toEqual({
      kind: 'control',
      message,
      payload: new Uint8Array(0),
    });
  }
  const payload = Uint8Array.of(1, 2, 3);
  expect(roundTrip(controlFrame({ type: 'run' }, payload))).toEqual({
    kind: 'control',
    message: { type: 'run' },
    payload,
  });
});

test('KV frames keep every number up to its bound', () => {
  const most = 2 ** 32 - 1;
  for (const [request, layer, start, rows] of [
    [0, 0, 0, 0],
    [2 ** 52 + 3, most, most, most],
    [Number.MAX_SAFE_INTEGER, 31, 2048, 16],
  ] as const) {
    const frame: Frame = { kind: 'kv', request, layer, start, rows, payload: new Uint8Array(16) };
    expect(roundTrip(frame)).toEqual(frame);
  }
});

test('the header has the documented layout', () => {
  const frame = controlFrame({}, new Uint8Array(5));
  const lengths = { metaBytes: 2, payloadBytes: 5 };
  expect([...encodeHead(frame, false)]).toEqual([...header(lengths), ...Buffer.from('{}')]);
  const bodySum = checksumOf(Buffer.from('{}'), new Uint8Array(5));
  const checked = header({ ...lengths, kind: 0x81, bodySum });
  expect([...encodeHead(frame, true)]).toEqual([...checked, ...Buffer.from('{}')]);
});

describe('a frame with a checksum', () => {
  const rows: Frame = {
    kind: 'kv',
    request: 7,
    layer: 1,
    start: 2,
    rows: 1,
    payload: new Uint8Array(8).fill(9),
  };

  test('comes back as it went, with the sum to pass on', () => {
    expect(roundTrip(controlFrame({ type: 'ping' }), true)).toEqual(controlFrame({ type: 'ping' }));
    const { bodySum, ...same } = roundTrip(rows, true) as KvFrame;
    expect(same).toEqual(rows);
    expect(bodySum).toBeGreaterThan(0);
  });

  test('is passed on with the sum it came with: what a relay damages is found behind it', () => {
    const { bodySum } = roundTrip(rows, true) as KvFrame;
    const damaged: Frame = { ...rows, payload: new Uint8Array(8), ...(bodySum !== undefined && { bodySum }) };
    expect(() => roundTrip(damaged, true)).toThrow(/damaged frame \(checksum\)/);
  });

  test.each([1, 2, 40])('has %i flipped bits at any place found', (flips) => {
    const random = seededRandom(flips);
    for (let round = 0; round < 2000; round++) {
      const bytes = Buffer.concat([encodeHead(rows, true), rows.payload]);
      const bits = new Set(Array.from({ length: flips }, () => random.below(8 * bytes.length)));
      for (const bit of bits) bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
      const decode = (): Frame => {
        const read = decodeHeader(bytes.subarray(0, HEADER_BYTES));
        const meta = bytes.subarray(HEADER_BYTES, HEADER_BYTES + read.metaBytes);
        return decodeFrame(read, meta, new Uint8Array(bytes.subarray(HEADER_BYTES + read.metaBytes)));
      };
      if (flips === 1) expect(decode).toThrow(expect.objectContaining({ code: 'LINK' }));
      expect(decode).toThrow();
    }
  });
});

test.each([
  ['another magic', { magic: [0x47, 0x45] }, /not a frame of kv-runahead/],
  ['a newer version', { version: PROTOCOL_VERSION + 1 }, /protocol 4, this one 3; install the same version/],
  ['version 0', { version: 0 }, /protocol 0/],
  ['an unknown kind', { kind: 3 }, /unknown kind 3/],
  ['kind 0', { kind: 0 }, /unknown kind 0/],
  ['meta over its bound', { metaBytes: MAX_META_BYTES + 1 }, /meta of 1048577 bytes exceeds .* 1048576/],
  ['the largest meta there is', { metaBytes: 2 ** 32 - 1 }, /exceeds the bound/],
  ['a payload over its bound', { payloadBytes: MAX_PAYLOAD_BYTES + 1 }, /payload of 16777217 bytes/],
  ['the largest payload there is', { payloadBytes: 2 ** 32 - 1 }, /exceeds the bound/],
  ['KV with too little meta', { kind: 2, metaBytes: 19, payloadBytes: 8 }, /19 bytes of meta, expected 20/],
  ['KV with too much meta', { kind: 2, metaBytes: 21, payloadBytes: 8 }, /21 bytes of meta, expected 20/],
  [
    'KV with half a pair',
    { kind: 2, metaBytes: 20, payloadBytes: 14 },
    /14 bytes, which is not a multiple of 4/,
  ],
])('refuses a header with %s', (_, fields, message) => {
  expect(() => decodeHeader(header(fields))).toThrow(
    expect.objectContaining({ code: 'PROTOCOL', message: expect.stringMatching(message) as string }),
  );
});

test('takes headers at their bounds', () => {
  expect(decodeHeader(header({ metaBytes: MAX_META_BYTES, payloadBytes: MAX_PAYLOAD_BYTES }))).toEqual({
    kind: 'control',
    metaBytes: MAX_META_BYTES,
    payloadBytes: MAX_PAYLOAD_BYTES,
    bodySum: undefined,
  });
});

test.each([['{"a":'], ['\u0000'], [''], ['undefined']])(
  'refuses control meta that is no JSON: %j',
  (text) => {
    const meta = Buffer.from(text);
    const head = { kind: 'control', metaBytes: meta.length, payloadBytes: 0, bodySum: undefined } as const;
    expect(() => decodeFrame(head, meta, new Uint8Array(0))).toThrow(
      expect.objectContaining({ code: 'PROTOCOL' }),
    );
  },
);

test('never sends what the other side would refuse', () => {
  expect(() => encodeHead(controlFrame('x'.repeat(MAX_META_BYTES)), false)).toThrow(
    /frame meta of 1048578 bytes/,
  );
  const payload = new Uint8Array(MAX_PAYLOAD_BYTES + 1);
  expect(() => encodeHead(controlFrame({}, payload), false)).toThrow(/frame payload of 16777217 bytes/);
});
