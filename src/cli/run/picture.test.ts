import { expect, test } from 'vitest';
import type { RankTimeline, TimelineEvent } from '../../core/timeline.js';
import { paintFor } from '../terminal/paint.js';
import { barKinds, chainPicture } from './picture.js';

const PLAIN = paintFor(false);

function event(kind: TimelineEvent['kind'], startMs: number, endMs: number): TimelineEvent {
  return { kind, layer: 0, startMs, endMs };
}

function rank(index: number, slice: [number, number], events: TimelineEvent[]): RankTimeline {
  const spent = (kind: string): number =>
    events.filter((e) => e.kind === kind).reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0);
  const totalMs = Math.max(...events.map(({ endMs }) => endMs));
  const attentionMs = spent('attention');
  const computeMs = attentionMs + spent('block') + spent('head');
  return {
    rank: index,
    slice,
    totalMs,
    computeMs,
    attentionMs,
    waitMs: spent('wait'),
    sentBytes: 0,
    receivedBytes: 0,
    events,
  };
}

const CHAIN = [
  rank(0, [0, 1100], [event('block', 0, 500), event('send', 0, 900), event('attention', 500, 800)]),
  rank(
    1,
    [1100, 2048],
    [event('block', 0, 400), event('wait', 400, 500), event('attention', 500, 900), event('head', 900, 1000)],
  ),
];

test('a bar shows what took most of each stretch, on one scale for all ranks', () => {
  const lines = chainPicture(CHAIN, 80, PLAIN);
  const bars = lines.slice(0, 2).map((line) => /\) (.*?) +\d/.exec(line)?.[1]);
  const cells = bars[1]!.length;
  const count = (bar: string, glyph: string): number => [...bar].filter((each) => each === glyph).length;
  expect(count(bars[0]!, '█')).toBeCloseTo(cells * 0.5, -0.5);
  expect(count(bars[0]!, '▒')).toBeCloseTo(cells * 0.3, -0.5);
  expect(count(bars[1]!, '·')).toBeCloseTo(cells * 0.1, -0.5);
  expect(bars[1]).toMatch(/^█+·+▒+█+$/);
});

test('a line tells rank, slice, time and the share of waiting', () => {
  const [first, second] = chainPicture(CHAIN, 80, PLAIN);
  expect(first).toMatch(/^rank 0 {5}\[0,1100\) .* 900 ms {3}0 % waiting$/);
  expect(second).toMatch(/^rank 1 {2}\[1100,2048\) .* 1\.00 s {2}10 % waiting$/);
});

test.each([1, 8, 20, 30, 40, 60, 79, 80, 120, 400])('no line is wider than %i columns', (columns) => {
  for (const line of chainPicture(CHAIN, columns, PLAIN))
    expect([...line].length).toBeLessThanOrEqual(columns);
});

test('colours change no glyph', () => {
  const bare = chainPicture(CHAIN, 80, paintFor(true)).map((line) => line.replace(/\u001b\[\d+m/g, ''));
  expect(bare).toEqual(chainPicture(CHAIN, 80, PLAIN));
});

test('time without an event is idle, also before the first and after the last one', () => {
  expect(barKinds([event('block', 10, 20)], 40, 4)).toEqual(['idle', 'block', 'idle', 'idle']);
});

test('events that no cell belongs to alone are weighed by their time in it', () => {
  const events = [event('block', 0, 6), event('attention', 6, 14), event('wait', 14, 20)];
  expect(barKinds(events, 20, 2)).toEqual(['block', 'wait']);
  expect(barKinds(events, 20, 1)).toEqual(['attention']);
});

test('a chain that took no time at all still has a picture', () => {
  expect(barKinds([], 0, 3)).toEqual(['idle', 'idle', 'idle']);
  expect(chainPicture([rank(0, [0, 1], [event('block', 0, 0)])], 80, PLAIN)).toHaveLength(2);
});
