import { expect, test } from 'vitest';
import { kvBytesOf, rankKvBytes, rowsFromOthers, windowRows } from '../kv-rows.js';
import { plainLayer } from '../layers/layer-spec.js';
import { LLAMA_7B } from '../published-shapes.js';
import { kvBytesPerToken, type KvDtype, kvRowBytes, type ModelShape } from '../shape.js';

const FULL = plainLayer(256, 1e6);
const LOCAL = { ...FULL, attention: { ...FULL.attention, windowTokens: 512 } };
/** As gemma3-1b: every sixth layer sees everything. */
const MIXED: ModelShape = {
  ...LLAMA_7B,
  ...{ layers: 26, heads: 4, kvHeads: 1, headDim: 256 },
  specs: [LOCAL, LOCAL, LOCAL, LOCAL, LOCAL, FULL],
};
const TOKENS = 8192;
const spec = { strategy: 'kvr', maxTokens: 0 } as const;

test.each([2, 3, 4, 8])(
  'at 8k tokens, %i even ranks of a model with short windows are sent at most 0.3 of the rows',
  (ranks) => {
    const partition = Array.from({ length: ranks }, () => TOKENS / ranks);
    const ends = partition.map((_, rank) => (rank * TOKENS) / ranks);
    const sent = partition.flatMap((_, rank) => rowsFromOthers(MIXED, { spec, partition, rank }));
    const whole = MIXED.layers * ends.reduce((sum, rows) => sum + rows, 0);
    expect(sent.reduce((sum, rows) => sum + rows, 0) / whole).toBeLessThan(0.3);
  },
);

test.each<KvDtype>(['f32', 'f16', 'q8'])(
  'at 8k tokens its cache takes at most 0.3 of the bytes, %s',
  (kvDtype) => {
    const bytes = rankKvBytes(MIXED, kvDtype, { spec, partition: [TOKENS], rank: 0 });
    expect(bytes / (TOKENS * kvBytesPerToken(MIXED, kvDtype))).toBeLessThan(0.3);
  },
);

test('short contexts take what they have, and everything is kept where a rank needs it', () => {
  const whole = (tokens: number): number => tokens * kvBytesPerToken(MIXED, 'f32');
  expect(kvBytesOf(MIXED, 'f32', { start: 0, end: 300 })).toBe(whole(300));
  expect(kvBytesOf(MIXED, 'f32', { start: 0, end: TOKENS, keepsAll: true })).toBe(whole(TOKENS));
  const gather = { strategy: 'tsp', maxTokens: 0 } as const;
  expect(rankKvBytes(MIXED, 'f32', { spec: gather, partition: [TOKENS], rank: 0 })).toBe(whole(TOKENS));
});

test('what a layer with a window takes does not grow with the context', () => {
  const local: ModelShape = { ...MIXED, layers: 1, specs: [LOCAL] };
  const { kept, fresh } = windowRows(512);
  const limit = (kept + fresh) * kvRowBytes(local, 'f32');
  for (const end of [800, 8_000, 1e6])
    for (const start of [0, end / 2])
      expect(kvBytesOf(local, 'f32', { start, end })).toBeLessThanOrEqual(limit);
});
