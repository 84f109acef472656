/**
 * Every kind against a decoder that goes through a block as a stream, in f64, where the product finds each value's bits by
 * its index; and that integers and scales make the same values.
 */
import { expect, test } from 'vitest';
import { seededRandom } from '../../../../test/reference/random.js';
import { nearestDtype, WEIGHT_KINDS, type WeightKind } from './index.js';

/** Takes a block's bytes from the front. */
class Block {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  bytes(count: number): number[] {
    this.#at += count;
    return [...this.#bytes.subarray(this.#at - count, this.#at)];
  }

  half(): number {
    const [low = 0, high = 0] = this.bytes(2);
    const exponent = (high >> 2) & 31;
    const fraction = ((high & 3) << 8) | low;
    const magnitude = exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25);
    return high >= 128 ? -magnitude : magnitude;
  }
}

const low = (bytes: number[]): number[] => bytes.map((byte) => byte % 16);
const high = (bytes: number[]): number[] => bytes.map((byte) => Math.floor(byte / 16));
/** Bit by bit, lowest first. */
const bitsOf = (bytes: number[]): number[] =>
  bytes.flatMap((byte) => Array.from({ length: 8 }, (_, bit) => Math.floor(byte / 2 ** bit) % 2));
const signed = (byte: number): number => (byte > 127 ? byte - 256 : byte);
const nibbles = (block: Block): number[] => {
  const bytes = block.bytes(16);
  return [...low(bytes), ...high(bytes)];
};

const UNEVEN = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];
const E2M1 = [0, 0.5, 1, 1.5, 2, 3, 4, 6, -0, -0.5, -1, -1.5, -2, -3, -4, -6];

/** Eight pairs of six-bit numbers in twelve bytes. */
function pairsOf(bytes: number[]): [scale: number, offset: number][] {
  const [first, second, third] = [bytes.slice(0, 4), bytes.slice(4, 8), bytes.slice(8)];
  const rest = third.map((byte, i): [number, number] => [
    (byte % 16) + 16 * Math.floor((first[i] ?? 0) / 64),
    Math.floor(byte / 16) + 16 * Math.floor((second[i] ?? 0) / 64),
  ]);
  return [...first.map((byte, i): [number, number] => [byte % 64, (second[i] ?? 0) % 64]), ...rest];
}

const fiveBits = (block: Block): number[] => {
  const top = bitsOf(block.bytes(4));
  return nibbles(block).map((value, i) => value + 16 * (top[i] ?? 0));
};

/** 64 bytes as 256 two-bit values: 32 bytes give 128, all their lowest pairs of bits first. */
function twoBits(bytes: number[]): number[] {
  const halves = [bytes.slice(0, 32), bytes.slice(32)];
  return halves.flatMap((half) =>
    [1, 4, 16, 64].flatMap((place) => half.map((byte) => Math.floor(byte / place) % 4)),
  );
}

const STREAMS: Readonly<Record<string, (block: Block) => number[]>> = {
  F32: (block) => [new Float32Array(Uint8Array.from(block.bytes(4)).buffer)[0] ?? NaN],
  F16: (block) => [block.half()],
  BF16: (block) => [new Float32Array(Uint8Array.from([0, 0, ...block.bytes(2)]).buffer)[0] ?? NaN],
  Q4_0: (block) => {
    const d = block.half();
    return nibbles(block).map((q) => d * (q - 8));
  },
  Q4_1: (block) => {
    const [d, m] = [block.half(), block.half()];
    return nibbles(block).map((q) => d * q + m);
  },
  Q5_0: (block) => {
    const d = block.half();
    return fiveBits(block).map((q) => d * (q - 16));
  },
  Q5_1: (block) => {
    const [d, m] = [block.half(), block.half()];
    return fiveBits(block).map((q) => d * q + m);
  },
  Q8_0: (block) => {
    const d = block.half();
    return block.bytes(32).map((byte) => d * signed(byte));
  },
  IQ4_NL: (block) => {
    const d = block.half();
    return nibbles(block).map((q) => d * (UNEVEN[q] ?? NaN));
  },
  MXFP4: (block) => {
    const [exponent = 0] = block.bytes(1);
    return nibbles(block).map((q) => 2 ** (exponent - 127) * (E2M1[q] ?? NaN));
  },
  IQ4_XS: (block) => {
    const d = block.half();
    const top = bitsOf(block.bytes(2));
    const scales = block.bytes(4).flatMap((byte) => [byte % 16, Math.floor(byte / 16)]);
    return scales.flatMap((scale, i) => {
      const whole = scale + 16 * (top[2 * i] ?? 0) + 32 * (top[2 * i + 1] ?? 0);
      return nibbles(block).map((q) => d * (whole - 32) * (UNEVEN[q] ?? NaN));
    });
  },
  Q2_K: (block) => {
    const scales = block.bytes(16);
    const values = twoBits(block.bytes(64));
    const [d, m] = [block.half(), block.half()];
    return scales.flatMap((scale, i) =>
      values.slice(16 * i, 16 * i + 16).map((q) => d * (scale % 16) * q - m * Math.floor(scale / 16)),
    );
  },
  Q3_K: (block) => {
    const mask = block.bytes(32).map((byte) => bitsOf([byte]));
    const values = twoBits(block.bytes(64));
    const [lows, tops] = [block.bytes(8), block.bytes(4)];
    const d = block.half();
    const scales = [...low(lows), ...high(lows)].map((scale, i) => {
      const bits = bitsOf([tops[i % 4] ?? 0]);
      const pair = 2 * Math.floor(i / 4);
      return scale + 16 * (bits[pair] ?? 0) + 32 * (bits[pair + 1] ?? 0) - 32;
    });
    return values.map((q, i) => {
      const isSet = mask[i % 32]?.[Math.floor(i / 32)] === 1;
      return d * (scales[Math.floor(i / 16)] ?? NaN) * (q - (isSet ? 0 : 4));
    });
  },
  Q4_K: (block) => {
    const [d, m] = [block.half(), block.half()];
    const pairs = pairsOf(block.bytes(12));
    const groups = [0, 1, 2, 3].flatMap(() => {
      const bytes = block.bytes(32);
      return [low(bytes), high(bytes)];
    });
    return pairs.flatMap(([scale, offset], i) => (groups[i] ?? []).map((q) => d * scale * q - m * offset));
  },
  Q5_K: (block) => {
    const [d, m] = [block.half(), block.half()];
    const pairs = pairsOf(block.bytes(12));
    const tops = block.bytes(32).map((byte) => bitsOf([byte]));
    const groups = [0, 1, 2, 3].flatMap(() => {
      const bytes = block.bytes(32);
      return [low(bytes), high(bytes)];
    });
    return pairs.flatMap(([scale, offset], i) =>
      (groups[i] ?? []).map((q, j) => d * scale * (q + 16 * (tops[j]?.[i] ?? 0)) - m * offset),
    );
  },
  Q6_K: (block) => {
    const lows = [block.bytes(64), block.bytes(64)];
    const tops = [block.bytes(32), block.bytes(32)].flatMap((half) =>
      [1, 4, 16, 64].flatMap((place) => half.map((byte) => Math.floor(byte / place) % 4)),
    );
    const scales = block.bytes(16).map(signed);
    const d = block.half();
    const values = lows.flatMap((half) => [...low(half), ...high(half)]);
    return values.map((q, i) => d * (scales[Math.floor(i / 16)] ?? NaN) * (q + 16 * (tops[i] ?? 0) - 32));
  },
};

const KINDS = [...WEIGHT_KINDS.values()];
const BLOCKS = 40;

/** Random blocks without infinities, which a random scale now and then is. */
function randomBlocks(kind: WeightKind): Uint8Array {
  const random = seededRandom(7);
  const bytes = new Uint8Array(BLOCKS * kind.blockBytes);
  const values = new Float32Array(kind.blockValues);
  for (let at = 0; at < bytes.length;) {
    const block = Uint8Array.from({ length: kind.blockBytes }, () => random.below(256));
    kind.decode(block, values);
    if (!values.every(Number.isFinite)) continue;
    bytes.set(block, at);
    at += block.length;
  }
  return bytes;
}

test('every kind that is read is checked here', () => {
  expect(KINDS.map(({ name }) => name).sort()).toEqual(Object.keys(STREAMS).sort());
});

test.each(KINDS)('$name', (kind) => {
  const bytes = randomBlocks(kind);
  const values = new Float32Array(BLOCKS * kind.blockValues);
  kind.decode(bytes, values);
  for (let i = 0; i < BLOCKS; i++) {
    const block = new Block(bytes.subarray(i * kind.blockBytes, (i + 1) * kind.blockBytes));
    const expected = Float32Array.from((STREAMS[kind.name] as (block: Block) => number[])(block));
    const found = values.subarray(i * kind.blockValues, (i + 1) * kind.blockValues);
    const largest = Math.max(...expected.map(Math.abs));
    expect(found.length).toBe(expected.length);
    for (let j = 0; j < found.length; j++)
      expect(Math.abs((found[j] as number) - (expected[j] as number))).toBeLessThanOrEqual(1e-7 * largest);
  }
});

test.each(KINDS.filter(({ integers }) => integers))('$name as integers and scales', (kind) => {
  const { integers } = kind as Required<WeightKind>;
  const bytes = randomBlocks(kind);
  const values = new Float32Array(BLOCKS * kind.blockValues);
  kind.decode(bytes, values);
  const codes = new Int8Array(values.length);
  const scales = new Float32Array(values.length / integers.blockSize);
  integers.decode(bytes, codes, scales);
  const most = 2 ** (integers.bits - 1);
  expect(codes.every((code) => code >= -most && code < most)).toBe(true);
  for (let i = 0; i < values.length; i++) {
    const value = (codes[i] as number) * (scales[Math.floor(i / integers.blockSize)] as number);
    expect(Object.is(Math.fround(value) + 0, (values[i] as number) + 0)).toBe(true);
  }
});

test.each<[kinds: Record<string, number>, dtype: string]>([
  [{ F32: 10, F16: 1000 }, 'f32'],
  [{ BF16: 1000 }, 'f32'],
  [{ Q4_0: 1000, F32: 5 }, 'q4'],
  [{ Q4_0: 900, Q4_1: 100 }, 'q8'],
  [{ Q8_0: 1000, F32: 5 }, 'q8'],
  [{ Q4_K: 700, Q6_K: 300 }, 'q8'],
  [{ MXFP4: 900, F32: 10 }, 'q8'],
])('of %j the nearest is %s', (kinds, dtype) => {
  expect(nearestDtype(kinds).dtype).toBe(dtype);
});
