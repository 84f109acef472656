import { expect, test } from 'vitest';
import { MAX_RANKS } from '../../core/partition.js';
import { liveEvent } from './live-event.js';

const told = (name: string, data: unknown) => liveEvent({ name, data: JSON.stringify(data) });
const rank = {
  rank: 0,
  slice: [0, 1],
  ...{ totalMs: 1, computeMs: 1, attentionMs: 0, waitMs: 0, sentBytes: 0, receivedBytes: 0 },
  events: [{ kind: 'block', layer: 0, startMs: 0, endMs: 1 }],
};

test('events are read by their name, and fields that the page does not know are left out', () => {
  expect(told('progress', { id: 'a', fraction: 0.5, more: 1 })).toEqual({
    type: 'progress',
    data: { id: 'a', fraction: 0.5 },
  });
  expect(told('tokens', { id: 'a', count: 3 })).toEqual({ type: 'tokens', data: { id: 'a', count: 3 } });
});

test('unknown names, broken JSON and data of another shape tell nothing', () => {
  expect(told('other', {})).toBeUndefined();
  expect(liveEvent({ name: 'tokens', data: '{' })).toBeUndefined();
  expect(told('tokens', { id: 'a', count: '3' })).toBeUndefined();
  expect(told('tokens', null)).toBeUndefined();
});

test('a timeline may have as many ranks as a request may, and no more', () => {
  const timeline = (ranks: number) => told('timeline', { id: 'a', timeline: Array(ranks).fill(rank) });
  expect(timeline(MAX_RANKS)).toMatchObject({ type: 'timeline', data: { id: 'a' } });
  expect(timeline(MAX_RANKS + 1)).toBeUndefined();
});
