/**
 * GET /kvr/live: what happens to requests, as it happens, as server-sent events.
 */
import { KvrError } from '../../core/errors.js';
import type { HttpContext, ServerContext } from '../http/context.js';
import type { LedgerEvent } from '../requests/ledger.js';
import { comment, namedEvent, SSE_HEADERS } from '../http/sse.js';
import { openBody } from '../http/stream-body.js';

/** Keeps the connection known to be alive. */
const COMMENT_MS = 15_000;
/** Tokens and progress of one request are told no more often than eyes can follow. */
const THROTTLE_MS = 100;

/** @throws BUSY where as many listen as may, CLOSED once the server closes */
export function showLive(c: HttpContext, { ledger, running }: ServerContext): Response {
  const { signal, leave } = running.listen(c.req.raw.signal);
  const body = openBody(c);
  const told = new Map<string, number>();
  const stop = ledger.listen((event) => {
    // Who does not keep up gets a new beginning instead of a past that grows.
    if (body.isFull()) return end();
    if (!isDue(event, told)) return;
    void body.write(toText(event));
  });
  if (!stop) {
    leave();
    throw new KvrError('BUSY', 'as many pages as may follow the requests live already; close one');
  }
  const timer = setInterval(() => void body.write(comment('alive')), COMMENT_MS);
  const end = (): void => {
    stop();
    clearInterval(timer);
    leave();
    void body.close();
  };
  signal.addEventListener('abort', end, { once: true });
  void body.write(comment('live'));
  return c.body(body.readable, 200, SSE_HEADERS);
}

function toText(event: LedgerEvent): string {
  switch (event.type) {
    case 'request':
      return namedEvent('request', { ...event.record, timeline: undefined });
    case 'progress':
      return namedEvent('progress', { id: event.id, fraction: event.fraction });
    case 'tokens':
      return namedEvent('tokens', { id: event.id, count: event.count });
    case 'timeline':
      return namedEvent('timeline', { id: event.id, timeline: event.timeline });
  }
}

/** @param told when progress or tokens of a request were last told; forgets those that ended */
function isDue(event: LedgerEvent, told: Map<string, number>): boolean {
  if (event.type === 'timeline') return true;
  if (event.type === 'request') {
    if (event.record.status !== 'prefill' && event.record.status !== 'decode') told.delete(event.record.id);
    return true;
  }
  const nowMs = performance.now();
  if (nowMs - (told.get(event.id) ?? -Infinity) < THROTTLE_MS) return false;
  told.set(event.id, nowMs);
  return true;
}
