import { afterAll, expect, test } from 'vitest';
import { TINY_LLAMA } from '../../../../test/reference/shapes.js';
import { KV_DTYPES, type KvDtype } from '../../../core/shape.js';
import { CpuKvCache } from '../cache/cpu-kv-cache.js';
import { KvRounding } from '../cache/kv-rounding.js';
import { seededRandom } from '../../../core/random.js';
import { rowsOfBytes } from '../../backend/conformance/wire-rows.test-support.js';
import { type Elements, floats } from '../../sessions/kernels.js';
import { kvDtypeOf } from '../cache/element-arrays.js';
import { Attention } from './attention.js';
import type { AttentionShape } from './attention-shape.js';
import type { LayerInCache } from './layer-in-cache.js';
import { viewProjections } from '../rows/projections.js';

type Case = {
  readonly name: string;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly spec?: Partial<AttentionShape>;
};
const CASES: readonly Case[] = [
  { name: 'a KV head each', heads: 4, kvHeads: 4, headDim: 8 },
  { name: 'one head', heads: 1, kvHeads: 1, headDim: 16 },
  { name: 'grouped heads', heads: 6, kvHeads: 2, headDim: 8 },
  { name: 'one KV head for all', heads: 5, kvHeads: 1, headDim: 16 },
  { name: 'grouped heads of an odd width', heads: 6, kvHeads: 2, headDim: 20 },
  { name: 'a scale of its own', heads: 4, kvHeads: 2, headDim: 8, spec: { scale: 0.21 } },
  { name: 'a cap', heads: 4, kvHeads: 2, headDim: 8, spec: { scoreCap: 5 } },
  { name: 'sinks', heads: 4, kvHeads: 2, headDim: 8, spec: { hasSinks: true } },
  { name: 'sinks, a head each', heads: 3, kvHeads: 3, headDim: 8, spec: { hasSinks: true } },
  { name: 'distances', heads: 6, kvHeads: 2, headDim: 8, spec: { alibiScale: 0.3 } },
  { name: 'distances, a head each', heads: 3, kvHeads: 3, headDim: 8, spec: { alibiScale: 1 } },
  {
    name: 'distances in a window',
    heads: 4,
    kvHeads: 1,
    headDim: 8,
    spec: { alibiScale: 1, windowTokens: 37 },
  },
  { name: 'a window', heads: 4, kvHeads: 2, headDim: 8, spec: { windowTokens: 37 } },
  { name: 'a window of one row', heads: 4, kvHeads: 4, headDim: 8, spec: { windowTokens: 1 } },
  { name: 'a long window', heads: 2, kvHeads: 1, headDim: 16, spec: { windowTokens: 300 } },
  {
    name: 'all at once',
    heads: 6,
    kvHeads: 2,
    headDim: 20,
    spec: { windowTokens: 150, hasSinks: true, scoreCap: 20, scale: 0.3 },
  },
];
/** Prefix and own rows; the last one takes two calls. */
const SLICES = [
  [0, 1],
  [0, 5],
  [7, 1],
  [33, 20],
  [40, 270],
] as const;
const FEW_SLICES = [SLICES[1], SLICES[3], SLICES[4]];
/** Of the keys: at 60 scores differ by hundreds, far over what an exponent of f32 holds. */
const LOUDNESS = [
  { prefix: 1, own: 1 },
  { prefix: 60, own: 1 },
  { prefix: 1, own: 60 },
];

/** How rows are held matters to how they are found, for heads of every kind and from a window's start on, and not to their scores. */
const HELD_BOTH_WAYS = new Set(['a window', 'all at once']);
/** An f16 and a q8 cache differ in how rows come in, so a case of each graph does. */
const HELD_AS_Q8 = new Set(['a KV head each', 'grouped heads', 'all at once']);
const EVERY_CASE = CASES.flatMap((each) =>
  KV_DTYPES.filter((kvDtype) => isHeldAs(kvDtype, each)).map((kvDtype) => ({ ...each, kvDtype })),
);

function isHeldAs(kvDtype: KvDtype, { name, spec }: Case): boolean {
  if (kvDtype === 'q8') return HELD_AS_Q8.has(name);
  return kvDtype === 'f32' || !spec || HELD_BOTH_WAYS.has(name);
}

function shapeOf({ heads, kvHeads, headDim, spec }: Case): AttentionShape {
  return { heads, kvHeads, headDim, scale: 1 / Math.sqrt(headDim), hasSinks: false, ...spec };
}

function placeOf(shape: AttentionShape, cache: CpuKvCache): LayerInCache {
  const sinks = shape.hasSinks
    ? { sinks: floats(sinksOf(shape), [shape.kvHeads, shape.heads / shape.kvHeads]) }
    : {};
  return { cache, layer: 0, sinks };
}

/** Some that take most of a row's weight, and some that take little. */
function sinksOf({ heads }: AttentionShape): Float32Array {
  return Float32Array.from({ length: heads }, (_, head) => 4 - 3 * head);
}

/** Loud scores of heads 20 wide reach several hundred, where f32 has steps of 3e-5. */
const SLICE_TOLERANCE = 5e-5;

test.each(EVERY_CASE)(
  'slices attend as written out in f64: $name, $kvDtype',
  async ({ kvDtype, ...each }) => {
    const shape = shapeOf(each);
    const attention = new Attention(shape, 1);
    for (const [prefixTokens, rows] of each.spec ? FEW_SLICES : SLICES) {
      for (const loud of LOUDNESS) {
        const made = await makeRows(shape, kvDtype, prefixTokens, rows, loud);
        const got = await attention.slice(placeOf(shape, made.cache), prefixTokens, made.own);
        const wanted = writtenOut(shape, prefixTokens, made);
        const gap = largestGap(got, wanted);
        expect(gap, `${prefixTokens} + ${rows}, ${JSON.stringify(loud)}`).toBeLessThan(SLICE_TOLERANCE);
      }
    }
    await attention.close();
  },
);

/** Loud scores of heads 128 wide reach a thousand, where f32 has steps of 6e-5. */
const ROW_TOLERANCE = 1e-4;
/** Around the ends of pieces of the cache, and far beyond. */
const ROW_TOKENS = [1, 127, 128, 129, 600];

test.each(EVERY_CASE)(
  'one row attends as written out in f64, the same to the last digit for any number of threads: $name, $kvDtype',
  async ({ kvDtype, ...each }) => {
    for (const headDim of each.spec ? [each.headDim] : [each.headDim, 128]) {
      const shape = shapeOf({ ...each, headDim });
      const alone = new Attention(shape, 1);
      const shared = new Attention(shape, 3);
      for (const tokens of ROW_TOKENS) {
        for (const loud of LOUDNESS) {
          const made = await makeRows(shape, kvDtype, tokens - 1, 1, loud);
          const got = await alone.row(placeOf(shape, made.cache), tokens, made.own.queries);
          const wanted = writtenOut(shape, tokens - 1, made);
          expect(largestGap(got, wanted), `${tokens}, ${JSON.stringify(loud)}`).toBeLessThan(ROW_TOLERANCE);
          expect(await shared.row(placeOf(shape, made.cache), tokens, made.own.queries)).toEqual(got);
        }
      }
      await alone.close();
      await shared.close();
    }
  },
);

/** Last ones of one, of a few and of many rows, beginning at ends of tiles and between. */
const CUTS = [
  [700],
  [1, 699],
  [257, 442, 1],
  [129, 33, 1, 65, 97, 375],
  [256, 130, 3, 2, 309],
  [512, 1, 187],
];

test.each([
  ...EVERY_CASE,
  ...EVERY_CASE.filter(({ spec }) => !spec).map((each) => ({ ...each, headDim: 64 })),
])(
  'a row gets the same to the last digit whatever the cut: $name of $headDim, $kvDtype',
  async ({ kvDtype, ...each }) => {
    const shape = shapeOf(each);
    const attention = new Attention(shape, 1);
    const { cache, own } = await makeRows(shape, kvDtype, 0, 700, { prefix: 1, own: 3 });
    const [whole, ...others] = await Promise.all(
      CUTS.map(async (sizes) => {
        const parts = new Float32Array(own.queries.length);
        let start = 0;
        for (const size of sizes) {
          const rows = viewProjections(own, 700, start, start + size);
          parts.set(
            await attention.slice(placeOf(shape, cache), start, rows),
            start * shape.heads * shape.headDim,
          );
          start += size;
        }
        return parts;
      }),
    );
    for (const [index, cut] of others.entries()) {
      const first = cut.findIndex((value, at) => value !== whole?.[at]);
      expect([CUTS[index + 1], Math.floor(first / (shape.heads * shape.headDim))]).toEqual([
        CUTS[index + 1],
        -1,
      ]);
    }
    await attention.close();
  },
);

/** One for heads of a width: opening one takes longer than most of what it is used for. */
const roundings = new Map<number, KvRounding>();
afterAll(async () => {
  for (const each of roundings.values()) await each.close();
});

function roundingOf(headDim: number): KvRounding {
  const found = roundings.get(headDim) ?? new KvRounding({ headDim });
  roundings.set(headDim, found);
  return found;
}

type Rows = Awaited<ReturnType<typeof makeRows>>;

async function makeRows(
  shape: AttentionShape,
  kvDtype: KvDtype,
  prefixTokens: number,
  rows: number,
  loud: (typeof LOUDNESS)[number],
) {
  const random = seededRandom(prefixTokens * 1000 + rows);
  const noise = (count: number): Float32Array => Float32Array.from({ length: count }, () => random() * 2 - 1);
  const width = shape.kvHeads * shape.headDim;
  const keys = noise((prefixTokens + rows) * width);
  const scaled = keys.map((key, at) => key * (at < prefixTokens * width ? loud.prefix : loud.own));
  const rounding = roundingOf(shape.headDim);
  const kept = await rounding.rows({ keys: scaled, values: noise(keys.length) }, kvDtype);
  // What rounding does is compared elsewhere; here both have the same numbers.
  const [heldKeys, heldValues] = [numbersOf(kept.keys, shape), numbersOf(kept.values, shape)];
  // Room after the last row, so that strides are told from tokens.
  const cache = new CpuKvCache({ ...TINY_LLAMA, ...shape, layers: 1 }, prefixTokens + rows + 3, kvDtype);
  cache.writeArrays(0, 0, kept);
  const own = {
    queries: noise(rows * shape.heads * shape.headDim).map((query) => query * 3),
    keys: heldKeys.subarray(prefixTokens * width),
    values: heldValues.subarray(prefixTokens * width),
  };
  return { keys: heldKeys, values: heldValues, cache, own };
}

/** softmax(scale·q·k)·v over the rows that a row sees, one number after another. */
function writtenOut(shape: AttentionShape, prefixTokens: number, { keys, values, own }: Rows): Float64Array {
  const { heads, kvHeads, headDim } = shape;
  const rows = own.queries.length / (heads * headDim);
  const attended = new Float64Array(own.queries.length);
  for (let row = 0; row < rows; row++) {
    const end = prefixTokens + row + 1;
    const first = Math.max(0, end - (shape.windowTokens ?? end));
    for (let head = 0; head < heads; head++) {
      const query = (row * heads + head) * headDim;
      const kvHead = Math.floor((head * kvHeads) / heads);
      const at = (token: number): number => (token * kvHeads + kvHead) * headDim;
      const scores = new Float64Array(end - first);
      for (let token = first; token < end; token++)
        scores[token - first] =
          scoreOf(shape, dot(own.queries, query, keys, at(token), headDim)) -
          (shape.alibiScale ?? 0) * slopeOf(head, heads) * (end - 1 - token);
      const weights = softmaxOf(scores, shape.hasSinks ? sinksOf(shape)[head] : undefined);
      for (let token = first; token < end; token++)
        for (let d = 0; d < headDim; d++)
          attended[query + d]! += weights[token - first]! * values[at(token) + d]!;
    }
  }
  return attended;
}

function scoreOf({ scale, scoreCap }: AttentionShape, product: number): number {
  return scoreCap === undefined ? scale * product : scoreCap * Math.tanh((scale * product) / scoreCap);
}

/** ALiBi's: of six heads, those of four, and the first and third of eight. */
function slopeOf(head: number, heads: number): number {
  const slopes: Record<number, number[]> = {
    3: [2 ** -4, 2 ** -8, 2 ** -2],
    4: [2 ** -2, 2 ** -4, 2 ** -6, 2 ** -8],
    6: [2 ** -2, 2 ** -4, 2 ** -6, 2 ** -8, 2 ** -1, 2 ** -3],
  };
  return slopes[heads]?.[head] ?? 0;
}

/** A sink takes its part of the weight and has no value. */
function softmaxOf(scores: Float64Array, sink = -Infinity): Float64Array {
  const top = scores.reduce((most, score) => Math.max(most, score), sink);
  const weights = scores.map((score) => Math.exp(score - top));
  const sum = weights.reduce((total, weight) => total + weight, Math.exp(sink - top));
  return weights.map((weight) => weight / sum);
}

function dot(a: Float32Array, aFrom: number, b: Float32Array, bFrom: number, count: number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += a[aFrom + i]! * b[bFrom + i]!;
  return sum;
}

function largestGap(got: Float32Array, wanted: Float64Array): number {
  let gap = got.length === wanted.length ? 0 : NaN;
  for (let at = 0; at < got.length; at++) gap = Math.max(gap, Math.abs(got[at]! - wanted[at]!));
  return gap;
}

/** What rows of a cache stand for, in f32 as kernels have it. */
function numbersOf(rows: Elements, shape: AttentionShape): Float32Array {
  const kvDtype = kvDtypeOf(rows);
  return Float32Array.from(rowsOfBytes(kvDtype, bytesOf(rows), shape.headDim));
}

function bytesOf({ buffer, byteOffset, byteLength }: Elements): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
