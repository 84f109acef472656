import { expect, test } from 'vitest';
import {
  controlFrame,
  decodeFrame,
  decodeHeader,
  encodeHead,
  type Frame,
  HEADER_BYTES,
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
}): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.set([...magic, version, kind]);
  bytes.writeUInt32LE(metaBytes, 4);
  bytes.writeUInt32LE(payloadBytes, 8);
  return bytes;
}

function roundTrip(frame: Frame): Frame {
  const head = Buffer.from(encodeHead(frame));
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
  const head = encodeHead(controlFrame({}, new Uint8Array(5)));
  expect([...head]).toEqual([...header({ metaBytes: 2, payloadBytes: 5 }), ...Buffer.from('{}')]);
});

test.each([
  ['another magic', { magic: [0x47, 0x45] }, /not a frame of kv-runahead/],
  ['a newer version', { version: PROTOCOL_VERSION + 1 }, /protocol 3, this one 2; install the same version/],
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
  });
});

test.each([['{"a":'], ['\u0000'], [''], ['undefined']])(
  'refuses control meta that is no JSON: %j',
  (text) => {
    const meta = Buffer.from(text);
    const head = { kind: 'control', metaBytes: meta.length, payloadBytes: 0 } as const;
    expect(() => decodeFrame(head, meta, new Uint8Array(0))).toThrow(
      expect.objectContaining({ code: 'PROTOCOL' }),
    );
  },
);

test('never sends what the other side would refuse', () => {
  expect(() => encodeHead(controlFrame('x'.repeat(MAX_META_BYTES)))).toThrow(/frame meta of 1048578 bytes/);
  const payload = new Uint8Array(MAX_PAYLOAD_BYTES + 1);
  expect(() => encodeHead(controlFrame({}, payload))).toThrow(/frame payload of 16777217 bytes/);
});
