import { beforeEach, expect, test } from 'vitest';
import type { RequestRecord } from '../../core/documents/request-record.js';
import { applyLive, progress, replaceRequests, requests, selectedId, shownRequest } from './store.js';

const record = (id: string, fields: Partial<RequestRecord> = {}): RequestRecord => ({
  id,
  atMs: 0,
  kind: 'chat',
  status: 'queued',
  promptTokens: 10,
  cachedTokens: 0,
  completionTokens: 0,
  queueMs: null,
  ttftMs: null,
  predictedTtftMs: null,
  singleTtftMs: null,
  decodeTokensPerSecond: null,
  partition: [],
  timeline: [],
  ...fields,
});
const timeline = [
  {
    rank: 0,
    slice: [0, 10] as const,
    totalMs: 1,
    computeMs: 1,
    attentionMs: 0,
    waitMs: 0,
    sentBytes: 0,
    receivedBytes: 0,
    events: [],
  },
];

beforeEach(() => {
  replaceRequests([]);
  progress.value = new Map();
  selectedId.value = null;
});

test('a new request goes first, a known one stays in its place', () => {
  applyLive({ type: 'request', data: record('a') });
  applyLive({ type: 'request', data: record('b') });
  applyLive({ type: 'request', data: record('a', { status: 'prefill' }) });
  expect(requests.value.map(({ id, status }) => [id, status])).toEqual([
    ['b', 'queued'],
    ['a', 'prefill'],
  ]);
});

test('a timeline stays when the record is told again without it', () => {
  applyLive({ type: 'request', data: record('a', { status: 'decode' }) });
  applyLive({ type: 'timeline', data: { id: 'a', timeline } });
  applyLive({ type: 'request', data: record('a', { status: 'done', ttftMs: 5 }) });
  expect(requests.value[0]).toMatchObject({ status: 'done', ttftMs: 5, timeline });
});

test('progress only goes forward and ends with its request', () => {
  applyLive({ type: 'request', data: record('a', { status: 'prefill' }) });
  applyLive({ type: 'progress', data: { id: 'a', fraction: 0.5 } });
  applyLive({ type: 'progress', data: { id: 'a', fraction: 0.4 } });
  expect(progress.value.get('a')?.fraction).toBe(0.5);
  applyLive({ type: 'request', data: record('a', { status: 'failed' }) });
  expect(progress.value.size).toBe(0);
});

test('the newest running request is shown unless one is chosen', () => {
  applyLive({ type: 'request', data: record('a', { status: 'prefill' }) });
  applyLive({ type: 'request', data: record('b', { status: 'queued' }) });
  expect(shownRequest.value?.id).toBe('a');
  selectedId.value = 'b';
  expect(shownRequest.value?.id).toBe('b');
});

test('the list does not grow past what the server remembers', () => {
  for (let i = 0; i < 60; i++) applyLive({ type: 'request', data: record(String(i)) });
  expect(requests.value.length).toBe(50);
  expect(requests.value[0]?.id).toBe('59');
});
