/**
 * The conformance suite of Exchange, run on every kind and every place in a chain that makes a difference.
 */
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../../../test/reference/random.js';
import type { Slice } from '../../../core/partition.js';
import type { StrategyName } from '../../../core/strategy.js';
import { KV_FRAME_BYTES } from '../../../link/frame.js';
import { MAX_UNSENT_KIB } from '../../threads/thread-messages.js';
import { jobOf, SentMessages } from '../compute-parts.test-support.js';
import { FakeCacheRows, FakeModel } from '../fake-model.test-support.js';
import { type ActiveRequest, openRequest } from '../requests/active-request.js';
import { exchangeFor } from './exchange-for.js';

type Kind = {
  readonly name: string;
  readonly strategy: StrategyName;
  readonly rank: number;
  readonly isAlone?: boolean;
  /** Whether anyone needs this rank's rows. */
  readonly publishes: boolean;
  /** Rows that come from others before attention can begin. */
  readonly needed: readonly Slice[];
  /** Whether it waits for its own rows as well. */
  readonly needsOwn: boolean;
};

const PARTITION = [5, 3, 4];
const [FIRST, SECOND, THIRD] = [
  { start: 0, end: 5 },
  { start: 5, end: 8 },
  { start: 8, end: 12 },
] as const;
const SLICES = [FIRST, SECOND, THIRD];

const KINDS: readonly Kind[] = [
  { name: 'none', strategy: 'single', rank: 0, isAlone: true, publishes: false, needed: [], needsOwn: false },
  { name: 'chain, first', strategy: 'kvr', rank: 0, publishes: true, needed: [], needsOwn: false },
  { name: 'chain, inner', strategy: 'kvr', rank: 1, publishes: true, needed: [FIRST], needsOwn: false },
  {
    name: 'chain, last',
    strategy: 'kvr',
    rank: 2,
    publishes: false,
    needed: [FIRST, SECOND],
    needsOwn: false,
  },
  {
    name: 'gather, first',
    strategy: 'tsp',
    rank: 0,
    publishes: true,
    needed: [SECOND, THIRD],
    needsOwn: true,
  },
  {
    name: 'gather, last',
    strategy: 'tsp',
    rank: 2,
    publishes: true,
    needed: [FIRST, SECOND],
    needsOwn: true,
  },
  {
    name: 'gather, alone',
    strategy: 'tsp',
    rank: 0,
    isAlone: true,
    publishes: false,
    needed: [],
    needsOwn: true,
  },
];

/** Rows of 256 KiB, two of which fit a frame. */
const model = new FakeModel({ kvHeads: 1, headDim: 32_768 });

async function open({ strategy, rank, isAlone = false }: Kind, of = model) {
  const sent = new SentMessages();
  const partition = isAlone ? PARTITION.slice(0, 1) : PARTITION;
  const request = await openRequest(jobOf({ spec: { strategy }, partition, rank, request: 7 }), of);
  return { sent, request, exchange: exchangeFor(sent.outbox, request) };
}

/** Every row filled with a number of its own. */
function rowsOf(count: number, of = model): FakeCacheRows {
  const rowBytes = 8 * of.shape.kvHeads * of.shape.headDim;
  const rows = Array.from({ length: count }, (_, row) => new Uint8Array(rowBytes).fill(row + 1));
  return new FakeCacheRows(of, 'f32', rows);
}

describe.each(KINDS)('the exchange of $name', (kind) => {
  const own = SLICES[kind.rank] as Slice;
  const ownRows = kind.isAlone ? 5 : own.end - own.start;

  test('hands on exactly the rows that it is given, in frames under the bound, and leaves them to the caller', async () => {
    const { sent, exchange } = await open(kind);
    const rows = rowsOf(ownRows);
    await exchange.publish(2, own.start, rows);
    expect(model.live.has(rows)).toBe(true);
    const frames = sent.of('publish');
    expect(sent.all).toHaveLength(frames.length);
    expect(frames.reduce((sum, frame) => sum + frame.rows, 0)).toBe(kind.publishes ? ownRows : 0);
    let start = own.start;
    for (const frame of frames) {
      expect(frame).toMatchObject({ request: 7, layer: 2, start });
      expect(frame.payload.byteLength).toBeLessThanOrEqual(KV_FRAME_BYTES);
      const from = start - own.start;
      expect(Buffer.compare(frame.payload, await rows.pack(from, from + frame.rows))).toBe(0);
      start += frame.rows;
    }
  });

  test('sends rows that are larger than a frame one by one', async () => {
    const wide = new FakeModel({ kvHeads: 1, headDim: KV_FRAME_BYTES / 4 });
    const { sent, exchange } = await open(kind, wide);
    await exchange.publish(0, own.start, rowsOf(2, wide));
    expect(sent.of('publish').map((frame) => frame.rows)).toEqual(kind.publishes ? [1, 1] : []);
  });

  test('can publish as long as the way out has room, and waits for none of it', async () => {
    const { sent, exchange } = await open(kind);
    expect(exchange.canPublish()).toBe(true);
    sent.unsentKib = MAX_UNSENT_KIB + 1;
    expect(exchange.canPublish()).toBe(!(kind.publishes || kind.strategy === 'tsp'));
    await exchange.publish(0, own.start, rowsOf(1));
    expect(sent.of('publish')).toHaveLength(kind.publishes ? 1 : 0);
    sent.unsentKib = 0;
    expect(exchange.canPublish()).toBe(true);
  });

  test.each([1, 2, 3])(
    'has a layer’s prefix exactly when all rows it needs are there: order %i',
    async (seed) => {
      const { request, exchange } = await open(kind);
      const arrivals = shuffled(
        [
          ...kind.needed.flatMap(({ start, end }) => inTwo(start, end)).map(arriving(request)),
          ...(kind.needsOwn
            ? [
                () => exchange.publish(1, own.start, rowsOf(1)),
                () => exchange.publish(1, own.start + 1, rowsOf(ownRows - 1)),
              ]
            : []),
        ],
        seed,
      );
      for (const arrive of arrivals) {
        expect(exchange.hasPrefix(1)).toBe(false);
        await arrive();
      }
      expect(exchange.hasPrefix(1)).toBe(true);
      expect(exchange.hasPrefix(2)).toBe(arrivals.length === 0);
    },
  );
});

function inTwo(start: number, end: number): Slice[] {
  return [
    { start, end: start + 1 },
    { start: start + 1, end },
  ];
}

/** Rows of others that came into layer 1 of the cache. */
function arriving({ coverage }: ActiveRequest): (rows: Slice) => () => Promise<void> {
  return ({ start, end }) =>
    async () =>
      coverage[1]?.add(start, end);
}

function shuffled<T>(items: readonly T[], seed: number): T[] {
  const random = seededRandom(seed);
  return items
    .map((item) => ({ item, key: random.next() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}
