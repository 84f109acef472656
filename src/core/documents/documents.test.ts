import { expect, test } from 'vitest';
import { MAX_RANKS } from '../partition.js';
import { MAX_EVENTS, MAX_TRAFFIC_BUCKETS, rankTimelineSchema } from '../timeline.js';
import { planDocumentSchema } from './plan-document.js';
import { MAX_RECORDS, requestListSchema } from './request-record.js';

const event = { kind: 'block', layer: 0, start: 0, startMs: 0, endMs: 1 };
const rank = {
  rank: 0,
  slice: [0, 8],
  ...{ totalMs: 1, computeMs: 1, attentionMs: 0, waitMs: 0, sentBytes: 0, receivedBytes: 0 },
  events: [event],
};
const record = {
  ...{
    id: 'a',
    atMs: 0,
    kind: 'chat',
    status: 'done',
    promptTokens: 8,
    cachedTokens: 0,
    completionTokens: 1,
  },
  ...{ queueMs: 0, ttftMs: 1, predictedTtftMs: null, singleTtftMs: null, decodeTokensPerSecond: null },
  partition: [8],
  timeline: [rank],
};
const listOf = (fields: object): unknown => ({ requests: [{ ...record, ...fields }] });

test('a record of a chain of as many ranks as there may be is taken', () => {
  const long = { partition: Array(MAX_RANKS).fill(1), timeline: Array(MAX_RANKS).fill(rank) };
  expect(requestListSchema.safeParse(listOf(long)).success).toBe(true);
});

test.each([
  ['ranks', listOf({ timeline: Array(MAX_RANKS + 1).fill(rank) })],
  ['slices', listOf({ partition: Array(MAX_RANKS + 1).fill(1) })],
  ['records', { requests: Array(MAX_RECORDS + 1).fill(record) }],
  ['events', listOf({ timeline: [{ ...rank, events: Array(MAX_EVENTS + 1).fill(event) }] })],
])('a list of more %s than there may be is refused', (_what, document) => {
  expect(requestListSchema.safeParse(listOf({})).success).toBe(true);
  expect(requestListSchema.safeParse(document).success).toBe(false);
});

test.each([
  ['a negative time', { waitMs: -1 }],
  ['half a token', { slice: [0, 0.5] }],
  ['a slice of one end', { slice: [0] }],
  ['an unknown kind of event', { events: [{ ...event, kind: 'nap' }] }],
  ['too much traffic', { traffic: { bucketMs: 1, sentBytes: Array(MAX_TRAFFIC_BUCKETS + 1).fill(0), receivedBytes: [] } }],
])('a timeline with %s is refused', (_what, fields) => {
  expect(rankTimelineSchema.safeParse({ ...rank, ...fields }).success).toBe(false);
}); // prettier-ignore

test('fields that no schema names are left out', () => {
  expect(rankTimelineSchema.parse({ ...rank, more: 1 })).toEqual(rank);
  expect(planDocumentSchema.safeParse(record).success).toBe(false);
});
