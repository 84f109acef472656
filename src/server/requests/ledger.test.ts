import { expect, test } from 'vitest';
import { resultOf } from '../../../test/support/live-server.js';
import { MAX_RECORDS } from '../../core/documents/request-record.js';
import { KvrError } from '../../core/errors.js';
import { Ledger, type LedgerEvent, MAX_LISTENERS } from './ledger.js';
import { Metrics } from './metrics.js';

const rank = {
  rank: 1,
  slice: [0, 4] as const,
  ...{ totalMs: 2000, computeMs: 1, attentionMs: 0, waitMs: 500, sentBytes: 7, receivedBytes: 0, events: [] },
};

test('an answer is published from its beginning to its end', () => {
  const ledger = new Ledger(() => 42);
  const published: LedgerEvent[] = [];
  ledger.listen((event) => published.push(event));
  const entry = ledger.begin('a', 'chat', 4);
  entry.onEvent({ type: 'prefill', fraction: 0.5 });
  entry.onEvent({ type: 'prefill', fraction: 1, timeline: rank });
  entry.onEvent({ type: 'token', id: 9, text: 'x' });
  entry.onEvent({ type: 'token', id: 9, text: 'rest', isRest: true });
  entry.onEvent({ type: 'done', result: { ...resultOf('x', [1, 2, 3, 4]), timeline: [rank] } });
  const shown = published.map((event) =>
    event.type === 'request' ? event.data.status : event.type === 'tokens' ? event.data.count : event.type,
  );
  expect(shown).toEqual([
    ...[
      'queued',
      'prefill',
      'progress',
      'prefill',
      'timeline',
      'progress',
      'decode',
      1,
      1,
      'timeline',
      'done',
    ],
  ]);
  expect(ledger.records).toMatchObject([
    { id: 'a', singleTtftMs: 42, completionTokens: 1, timeline: [rank] },
  ]);
});

test('an error belongs to the record, unless the client has left', () => {
  const ledger = new Ledger(() => null);
  ledger.begin('a', 'chat', 1).onError(new KvrError('DEADLINE', 'too late'), false);
  ledger.begin('b', 'chat', 1).onError(new KvrError('CANCELLED', 'gone'), true);
  expect(ledger.records).toMatchObject([
    { id: 'b', status: 'cancelled' },
    { id: 'a', status: 'failed', error: { code: 'DEADLINE', message: 'too late' } },
  ]);
  expect(ledger.records[0]).not.toHaveProperty('error');
});

test('the last records are kept, newest first; those that wait are counted even where they have left the list', () => {
  const ledger = new Ledger(() => null);
  for (let i = 0; i <= MAX_RECORDS; i++) ledger.begin(String(i), 'chat', 1);
  expect(ledger.records).toHaveLength(MAX_RECORDS);
  expect(ledger.records[0]?.id).toBe(String(MAX_RECORDS));
  expect(ledger.activeCount(['queued'])).toBe(MAX_RECORDS + 1);
});

test('as many may listen as the limit says, and one that stops makes room', () => {
  const ledger = new Ledger(() => null);
  const stops = Array.from({ length: MAX_LISTENERS }, () => ledger.listen(() => undefined));
  expect(ledger.listen(() => undefined)).toBeUndefined();
  stops[0]?.();
  expect(ledger.listen(() => undefined)).toBeDefined();
});

test('metrics count what ended, and what runs', async () => {
  const ledger = new Ledger(() => null);
  const metrics = new Metrics(ledger, () => new Map([['handshake', 3]]));
  ledger.begin('waits', 'chat', 3);
  const entry = ledger.begin('a', 'completion', 4);
  entry.onEvent({
    type: 'done',
    result: { ...resultOf('xy', [1, 2, 3, 4]), cachedTokens: 2, timeline: [rank] },
  });
  const lines = (await metrics.text()).split('\n');
  for (const line of [
    'kvr_requests_queued 1',
    'kvr_peers_refused_total{reason="handshake"} 3',
    'kvr_requests_running 0',
    'kvr_requests_total{kind="completion",status="done"} 1',
    'kvr_prompt_tokens_total 4',
    'kvr_cached_tokens_total 2',
    'kvr_completion_tokens_total 2',
    'kvr_link_sent_bytes_total{rank="1"} 7',
    'kvr_rank_wait_seconds_total{rank="1"} 0.5',
    'kvr_rank_prefill_seconds_total{rank="1"} 2',
  ])
    expect(lines).toContain(line);
});
