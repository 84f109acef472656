/**
 * GET /kvr/live: what happens to requests, as it happens, as server-sent events.
 */
import { KvrError } from '../../core/errors.js';
import type { HttpContext, ServerContext } from '../http/context.js';
import { type LedgerEvent, MAX_LISTENERS } from '../requests/ledger.js';
import { comment, namedEvent, SSE_HEADERS } from '../http/sse.js';
import { openBody } from '../http/stream-body.js';

/** Keeps the connection known to be alive. */
const COMMENT_MS = 15_000;
/** Tokens and progress of one request are sent no more often than eyes can follow. */
const THROTTLE_MS = 100;

/** @throws BUSY where as many listen as may, CLOSED once the server closes */
export function showLive(c: HttpContext, { ledger, running }: ServerContext): Response {
  const { signal, leave } = running.listen(c.req.raw.signal);
  const body = openBody(c);
  const sentMs = new Map<string, number>();
  const stop = ledger.listen((event) => {
    // A page that reads too slowly is disconnected; it connects again and loads the present state.
    if (body.isFull()) return end();
    if (!isDue(event, sentMs)) return;
    void body.write(toText(event));
  });
  if (!stop) {
    leave();
    throw new KvrError(
      'BUSY',
      `${MAX_LISTENERS} pages follow the requests already, which is the limit; close one`,
    );
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

/** A record goes without its timeline, which has an event of its own: records change often, and timelines are long. */
function toText({ type, data }: LedgerEvent): string {
  return namedEvent(type, type === 'request' ? { ...data, timeline: undefined } : data);
}

/** @param sentMs when progress or tokens of a request were last sent; forgets those that ended */
function isDue({ type, data }: LedgerEvent, sentMs: Map<string, number>): boolean {
  if (type === 'timeline') return true;
  if (type === 'request') {
    if (data.status !== 'prefill' && data.status !== 'decode') sentMs.delete(data.id);
    return true;
  }
  const nowMs = performance.now();
  if (nowMs - (sentMs.get(data.id) ?? -Infinity) < THROTTLE_MS) return false;
  sentMs.set(data.id, nowMs);
  return true;
}
