import { expect, test } from 'vitest';
import type { PlanDocument } from '../../../core/documents/plan-document.js';
import type { RequestRecord } from '../../../core/documents/request-record.js';
import { firstSpan, lanesOf, marksOf, wholeSpan } from './lanes.js';

const record: RequestRecord = {
  id: 'a',
  atMs: 0,
  kind: 'chat',
  status: 'prefill',
  promptTokens: 10,
  cachedTokens: 0,
  completionTokens: 0,
  queueMs: null,
  ttftMs: null,
  predictedTtftMs: null,
  singleTtftMs: 300,
  decodeTokensPerSecond: null,
  partition: [],
  timeline: [],
};
const figures = { computeMs: 90, attentionMs: 0, waitMs: 0, sendMs: 0, limit: 'compute' } as const;
const plan: PlanDocument = {
  label: 'predicted',
  model: 'm',
  dtype: 'f32',
  kvDtype: 'f32',
  threads: 1,
  planningMs: 1,
  contextTokens: 10,
  workers: 2,
  partition: [6, 4],
  predictedTtftMs: 200,
  singleTtftMs: 300,
  gain: 1.5,
  ranks: [
    { rank: 0, worker: 0, slice: [0, 6], predictedMs: 150, ...figures },
    { rank: 1, worker: 1, slice: [6, 10], predictedMs: 200, ...figures },
  ],
  dropped: [],
};
const measured = {
  rank: 1,
  slice: [6, 10] as const,
  totalMs: 210,
  computeMs: 200,
  attentionMs: 0,
  waitMs: 0,
  sentBytes: 0,
  receivedBytes: 0,
  events: [],
};

test('while nothing is measured the lanes are the plan', () => {
  expect(lanesOf(record, plan).map(({ expectedMs, measured }) => [expectedMs, measured])).toEqual([
    [150, null],
    [200, null],
  ]);
  expect(lanesOf(record, null)).toEqual([]);
});

test('what is measured stands beside the plan of the same cut only', () => {
  const done = { ...record, partition: [6, 4], timeline: [measured] };
  expect(lanesOf(done, plan)[0]).toMatchObject({ rank: 0, measured: null, expectedMs: 150 });
  expect(lanesOf(done, plan)[1]).toMatchObject({ rank: 1, measured, expectedMs: 200 });
  expect(lanesOf({ ...done, partition: [5, 5] }, plan)[0]?.expectedMs).toBeNull();
});

test('while the chain is at work, ranks that are done stand beside those that are not', () => {
  const first = { ...measured, rank: 0, slice: [0, 6] as const };
  const lanes = lanesOf({ ...record, timeline: [first] }, plan);
  expect(lanes.map(({ measured, expectedMs }) => [measured?.rank, expectedMs])).toEqual([
    [0, 150],
    [undefined, 200],
  ]);
  expect(lanesOf({ ...record, timeline: [{ ...first, slice: [0, 5] as const }] }, plan)).toHaveLength(1);
});

test('marks: the plan stands in for the prediction only while the request runs', () => {
  expect(marksOf(record, plan).map(({ kind, atMs }) => [kind, atMs])).toEqual([
    ['predicted', 200],
    ['single', 300],
  ]);
  expect(marksOf({ ...record, ttftMs: 210 }, plan).map(({ kind }) => kind)).toEqual(['measured', 'single']);
});

test('one worker that takes much longer lies outside what is shown first', () => {
  const lanes = lanesOf(record, plan);
  const near = marksOf(record, plan);
  const far = marksOf({ ...record, singleTtftMs: 3000 }, plan);
  expect(firstSpan(lanes, near, 0).toMs).toBeCloseTo(306);
  expect(firstSpan(lanes, far, 0).toMs).toBeCloseTo(204);
});

test('the span holds every lane, mark and the time that has passed', () => {
  const marks = marksOf(record, plan);
  expect(wholeSpan(lanesOf(record, plan), marks, 0).toMs).toBeCloseTo(306);
  expect(wholeSpan([], [], 500).toMs).toBeCloseTo(510);
});
