import { expect, test } from 'vitest';
import { seededRandom, type Random } from '../../test/reference/random.js';
import { FrameDecoder } from './frame-decoder.js';
import { controlFrame, encodeHead, type Frame, HEADER_BYTES, MAX_PAYLOAD_BYTES } from './frame.js';

function randomBytes(random: Random, bytes: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: bytes }, () => random.below(256));
}

function randomFrame(random: Random): Frame {
  const bytes = random.pick([0, 1, 7, 8, 64, 1000, 5000]);
  if (random.next() < 0.5) {
    return controlFrame(
      { n: random.below(1e6), text: 'é'.repeat(random.below(50)) },
      randomBytes(random, bytes),
    );
  }
  const payload = randomBytes(random, 8 * Math.ceil(bytes / 8));
  return { kind: 'kv', request: random.below(1e9), layer: random.below(99), start: 3, rows: 1, payload };
}

function toStream(frames: readonly Frame[], isChecksummed = false): Buffer {
  return Buffer.concat(frames.flatMap((frame) => [encodeHead(frame, isChecksummed), frame.payload]));
}

/** Where to cut a stream: every byte, a few places, or not at all. */
function cuts(random: Random, bytes: number): number[] {
  const pieces = random.pick([0, 1, 3, 40, bytes]);
  const places = pieces === bytes ? Array.from({ length: bytes }, (_, i) => i) : [];
  for (let i = 0; i < pieces && pieces !== bytes; i++) places.push(random.below(bytes + 1));
  return [0, ...places.sort((a, b) => a - b), bytes];
}

test('frames come out whole and in order wherever the stream is cut', () => {
  const random = seededRandom(1);
  for (let round = 0; round < 120; round++) {
    const frames = Array.from({ length: random.below(6) }, () => randomFrame(random));
    const stream = toStream(frames);
    const places = cuts(random, stream.length);
    const decoder = new FrameDecoder(false);
    const decoded: Frame[] = [];
    for (let i = 1; i < places.length; i++)
      decoded.push(...decoder.push(stream.subarray(places[i - 1], places[i])));
    expect(decoded).toEqual(frames);
    expect(decoder.isTorn).toBe(false);
  }
});

test('a stream that ends anywhere inside a frame is torn, and only there', () => {
  const frame = controlFrame({ type: 'ping' }, new Uint8Array(10));
  const stream = toStream([frame, frame]);
  for (let end = 0; end <= stream.length; end++) {
    const decoder = new FrameDecoder(false);
    const decoded = [...decoder.push(stream.subarray(0, end))];
    expect(decoded).toHaveLength(Math.floor((2 * end) / stream.length));
    expect(decoder.isTorn).toBe(end % (stream.length / 2) !== 0);
  }
});

test('every payload owns its buffer, so that it can move to another thread', () => {
  const frames = [controlFrame({}, Uint8Array.of(1, 2)), controlFrame({}, Uint8Array.of(3))];
  const [first, second] = [...new FrameDecoder(false).push(toStream(frames))] as [Frame, Frame];
  expect(first.payload.buffer.byteLength).toBe(2);
  expect(second.payload.buffer.byteLength).toBe(1);
  structuredClone(first.payload, { transfer: [first.payload.buffer] });
  expect([...second.payload]).toEqual([3]);
});

test('random bytes end in a PROTOCOL error, never in another error or in a frame', () => {
  const random = seededRandom(2);
  for (let round = 0; round < 300; round++) {
    const bytes = randomBytes(random, HEADER_BYTES + random.below(200));
    expect(() => [...new FrameDecoder(false).push(bytes)]).toThrow(
      expect.objectContaining({ code: 'PROTOCOL' }),
    );
  }
});

test.each([true, false])(
  'any one byte of a header changed is an error at once, before anything it claims has come (checksummed: %s)',
  (isChecksummed) => {
    const rows: Frame = { kind: 'kv', request: 1, layer: 2, start: 3, rows: 1, payload: new Uint8Array(8) };
    const head = toStream([rows], isChecksummed).subarray(0, HEADER_BYTES);
    for (let at = 0; at < HEADER_BYTES; at++) {
      for (const flip of [0x01, 0x80, 0xff]) {
        const changed = Buffer.from(head);
        changed[at] = (changed[at] as number) ^ flip;
        expect(() => [...new FrameDecoder(isChecksummed).push(changed)]).toThrow(
          expect.objectContaining({ code: 'LINK', message: expect.stringMatching(/damaged/) as string }),
        );
      }
    }
  },
);

test('a frame without checksum is refused where they are required', () => {
  const stream = toStream([controlFrame({ type: 'ping' })], false);
  expect(() => [...new FrameDecoder(true).push(stream)]).toThrow(/without checksum/);
  expect([...new FrameDecoder(true).push(toStream([controlFrame(1)], true))]).toHaveLength(1);
});

test('a header that claims the most there may be takes no more memory than that', () => {
  const head = encodeHead(controlFrame({}, new Uint8Array(MAX_PAYLOAD_BYTES)), false);
  const decoder = new FrameDecoder(false);
  expect([...decoder.push(head)]).toEqual([]);
  expect(decoder.isTorn).toBe(true);
});
