/**
 * A cache that keeps only windows against one that keeps all rows: attention gives the same numbers to the last digit, for
 * slices, for single rows, and after another cache has gone on from it.
 */
import { expect, test } from 'vitest';
import { TINY_LLAMA } from '../../../../test/reference/shapes.js';
import { windowRows } from '../../../core/kv-rows.js';
import { seededRandom } from '../../../core/random.js';
import { KV_DTYPES, type KvDtype, type ModelShape } from '../../../core/shape.js';
import { Attention } from '../attention/attention.js';
import { attentionShape } from '../attention/attention-shape.js';
import { viewKeysAndValues } from '../rows/arrays.js';
import { type Projections, viewProjections } from '../rows/projections.js';
import type { KeysAndValues } from './cpu-cache-rows.js';
import { CpuKvCache } from './cpu-kv-cache.js';
import { KvMemory } from './kv-memory.js';
import { KvRounding } from './kv-rounding.js';

const TOKENS = 1350;
const PROMPT_TOKENS = 1300;
const SLICES = [[1300], [1, 1299], [700, 1, 33, 566], [300, 300, 300, 300, 100]];

type Case = { readonly windowTokens: number; readonly heads: number; readonly kvHeads: number };
const CASES: readonly Case[] = [
  { windowTokens: 1, heads: 2, kvHeads: 2 },
  { windowTokens: 37, heads: 4, kvHeads: 2 },
  { windowTokens: 128, heads: 2, kvHeads: 2 },
  { windowTokens: 600, heads: 6, kvHeads: 1 },
];
const EVERY_CASE = CASES.flatMap((each) => KV_DTYPES.map((kvDtype) => ({ ...each, kvDtype })));

function shapeOf({ windowTokens, heads, kvHeads }: Case): ModelShape {
  const [spec] = TINY_LLAMA.specs;
  if (!spec) throw new Error('a shape has specs');
  const attention = { ...spec.attention, windowTokens };
  return { ...TINY_LLAMA, layers: 1, heads, kvHeads, headDim: 8, specs: [{ ...spec, attention }] };
}

type Made = {
  readonly shape: ModelShape;
  readonly attention: Attention;
  readonly rows: Projections;
  /** As the cache has them. */
  readonly kept: KeysAndValues;
  readonly whole: CpuKvCache;
};

async function make(each: Case & { readonly kvDtype: KvDtype }): Promise<Made> {
  const shape = shapeOf(each);
  const random = seededRandom(each.windowTokens);
  const noise = (width: number): Float32Array =>
    Float32Array.from({ length: TOKENS * width }, () => random() * 4 - 2);
  const width = shape.kvHeads * shape.headDim;
  const rows = { queries: noise(shape.heads * shape.headDim), keys: noise(width), values: noise(width) };
  const rounding = new KvRounding(shape);
  const kept = await rounding.rows(rows, each.kvDtype);
  await rounding.close();
  const whole = new CpuKvCache(shape, TOKENS, each.kvDtype);
  whole.writeArrays(0, 0, kept);
  const spec = shape.specs[0]?.attention;
  if (!spec) throw new Error('a layer attends');
  return { shape, attention: new Attention(attentionShape(shape, spec), 1), rows, kept, whole };
}

function windows({ shape, whole }: Made, apart: readonly number[] = [], memory = new KvMemory()): CpuKvCache {
  return new CpuKvCache(shape, TOKENS, whole.kvDtype, { keepsWindows: true, apart, memory });
}

/** Rows [start, end) over a cache, which gets them on the way where it takes rows late. */
async function attend({ attention, rows, kept }: Made, cache: CpuKvCache, start: number, end: number) {
  const late = cache.takesRowsLate(0) ? viewKeysAndValues(kept, TOKENS, start, end) : undefined;
  const at = { cache, layer: 0, sinks: {} };
  return attention.slice(at, start, viewProjections(rows, TOKENS, start, end), late);
}

/** Rows from `start` on as an answer makes them, one at a time. */
async function decode(made: Made, cache: CpuKvCache, start: number): Promise<number[][]> {
  const attended: number[][] = [];
  for (let row = start; row < TOKENS; row++) {
    cache.writeArrays(0, row, viewKeysAndValues(made.kept, TOKENS, row, row + 1));
    const { queries } = viewProjections(made.rows, TOKENS, row, row + 1);
    attended.push([...(await made.attention.row({ cache, layer: 0, sinks: {} }, row + 1, queries))]);
  }
  return attended;
}

test.each(EVERY_CASE)(
  'slices and an answer after them: a window of $windowTokens, $heads heads on $kvHeads, $kvDtype',
  async (each) => {
    const made = await make(each);
    const answer = await decode(made, made.whole, PROMPT_TOKENS);
    for (const sizes of SLICES) {
      const cache = windows(made);
      let start = 0;
      for (const size of sizes) {
        const expected = await attend(made, made.whole, start, start + size);
        expect(await attend(made, cache, start, start + size)).toEqual(expected);
        start += size;
      }
      expect(await decode(made, cache, PROMPT_TOKENS), `slices of ${sizes.join()}`).toEqual(answer);
    }
  },
);

test.each(EVERY_CASE)(
  'a cache that goes on from it: a window of $windowTokens, $heads heads on $kvHeads, $kvDtype',
  async (each) => {
    const made = await make(each);
    const points = [640, 1280, PROMPT_TOKENS];
    const source = windows(made, points);
    await attend(made, source, 0, PROMPT_TOKENS);
    await decode(made, source, PROMPT_TOKENS);
    // A prompt may go on from a point, from a few rows before it, and not from between.
    expect([640, 1280, 1300, TOKENS].map((tokens) => source.continuable(tokens))).toEqual([
      640,
      1280,
      1300,
      TOKENS,
    ]);
    expect([600, 1250].map((tokens) => source.continuable(tokens))).toEqual([600, 1250]);
    const { kept, fresh } = windowRows(each.windowTokens);
    if (kept + fresh < 500) expect(source.continuable(1000)).toBe(640);
    for (const tokens of [600, 640, 1250, PROMPT_TOKENS]) {
      const next = CpuKvCache.continued(source, tokens, TOKENS, { apart: points });
      const expected = await attend(made, made.whole, tokens, PROMPT_TOKENS + 50);
      expect(await attend(made, next, tokens, PROMPT_TOKENS + 50), `from ${tokens}`).toEqual(expected);
      // It has the points of the other, and its own.
      expect(next.continuable(640)).toBe(640);
      const third = CpuKvCache.continued(next, PROMPT_TOKENS, TOKENS);
      expect(await attend(made, third, PROMPT_TOKENS, TOKENS)).toEqual(
        await attend(made, made.whole, PROMPT_TOKENS, TOKENS),
      );
    }
  },
);

test('rows that are kept apart take what was foretold, and are given back', async () => {
  const made = await make({ ...(CASES[1] as Case), kvDtype: 'f32' });
  const memory = new KvMemory();
  const cache = windows(made, [640, PROMPT_TOKENS], memory);
  const { kept, fresh } = windowRows(37);
  const rowBytes = 2 * 4 * made.shape.kvHeads * made.shape.headDim;
  expect(cache.bytes).toBe((kept + fresh) * rowBytes);
  await attend(made, cache, 0, PROMPT_TOKENS);
  const own = memory.heldBytes - cache.apartBytes;
  expect(cache.apartBytes).toBe(2 * (36 + 64) * rowBytes);
  expect(own / cache.bytes).toBeLessThan(2);
  cache.dropRowsApart();
  expect([memory.heldBytes, cache.apartBytes, cache.continuable(640)]).toEqual([own, 0, 0]);
  cache.close();
  expect(memory.heldBytes).toBe(0);
});

test('a cache that can not be continued there says so', async () => {
  const made = await make({ ...(CASES[1] as Case), kvDtype: 'f32' });
  const cache = windows(made);
  await attend(made, cache, 0, PROMPT_TOKENS);
  expect(cache.continuable(640)).toBe(0);
  expect(() => CpuKvCache.continued(cache, 640, TOKENS)).toThrow(/do not fit/);
  expect(() => cache.read(0, 0, 10)).toThrow(/do not fit/);
});
