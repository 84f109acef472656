import { expect, test } from 'vitest';
import type { TimelineEvent } from '../../../core/timeline.js';
import { columnKinds, eventAt, KINDS } from './columns.js';
import { runs } from './runs.js';

const event = (kind: TimelineEvent['kind'], startMs: number, endMs: number): TimelineEvent => ({
  kind,
  layer: 0,
  startMs,
  endMs,
});
const names = (kinds: Uint8Array) => [...kinds].map((kind) => KINDS[kind]);
const span = { fromMs: 0, toMs: 40 };

test('a column shows what took most of its time', () => {
  const events = [
    event('embed', 0, 10),
    event('attention', 10, 16),
    event('block', 16, 20),
    event('wait', 20, 24),
  ];
  expect(names(columnKinds(events, span, 4))).toEqual(['block', 'attention', 'idle', 'idle']);
});

test('many events thinner than a column add up', () => {
  const events = Array.from({ length: 400 }, (_, i) =>
    event(i % 4 === 0 ? 'block' : 'attention', i / 10, (i + 1) / 10),
  );
  expect(names(columnKinds(events, span, 4))).toEqual(Array(4).fill('attention'));
});

test('only the part inside the span counts', () => {
  const zoomed = { fromMs: 10, toMs: 20 };
  expect(names(columnKinds([event('block', 0, 15), event('wait', 15, 400)], zoomed, 2))).toEqual([
    'block',
    'wait',
  ]);
  expect(names(columnKinds([event('block', 0, 10), event('wait', 20, 30)], zoomed, 2))).toEqual([
    'idle',
    'idle',
  ]);
});

test('the event at a moment is the innermost one', () => {
  const events = [event('block', 0, 40), event('cache', 10, 12), event('send', 11, 12)];
  expect(eventAt(events, 11)?.kind).toBe('cache');
  expect(eventAt(events, 20)?.kind).toBe('block');
  expect(eventAt(events, 50)).toBeUndefined();
});

test('runs of equal neighbours cover everything once', () => {
  expect(runs(Uint8Array.of(1, 1, 0, 2, 2, 2))).toEqual([
    { from: 0, to: 2, value: 1 },
    { from: 2, to: 3, value: 0 },
    { from: 3, to: 6, value: 2 },
  ]);
  expect(runs(new Uint8Array(0))).toEqual([]);
});
