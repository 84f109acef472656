/**
 * How many callers a worker takes, and who has to go for a new one. Pure: connections.ts closes.
 */
import { MAX_RANKS } from '../../../core/partition.js';
import { KvrError } from '../../../core/errors.js';
import { isLoopback } from '../../../link/address.js';
import type { FrameHeader } from '../../../link/frame.js';
import type { Connection } from './connection.js';

/** Connections that have not said hello. An honest one says it at once. */
export const MAX_STRANGERS = 64;
/** Of one machine. This machine's own may be as many as all. */
export const MAX_STRANGERS_PER_HOST = 16;
/** Connections of every kind: the longest chain's, for two engines. */
export const MAX_CONNECTIONS = 2 * MAX_RANKS;
/** Of one machine, not this one: many engines, or many workers that each have a link for each engine. */
export const MAX_CONNECTIONS_PER_HOST = 256;
export const MAX_ENGINES = 64;
/** Where all places are taken, an engine that has missed this many of its pings a second gives up its own. */
export const ENGINE_YIELD_MS = 3_000;
/** A hello is a few hundred bytes. */
export const MAX_HELLO_BYTES = 4 << 10;

export function isFull(all: ReadonlySet<Pick<Connection, 'host'>>, host: string | undefined): boolean {
  if (all.size >= MAX_CONNECTIONS) return true;
  return (
    isElsewhere(host) && [...all].filter((each) => each.host === host).length >= MAX_CONNECTIONS_PER_HOST
  );
}

/**
 * The stranger that goes for one more. It is the oldest: an honest caller says hello within a round trip, so that whoever
 * fills the places keeps nobody out.
 */
export function strangerToClose<T extends { readonly role: string; readonly host: string | undefined }>(
  all: Iterable<T>,
  host: string | undefined,
): T | undefined {
  const strangers = [...all].filter(({ role }) => role === 'unknown');
  const fromHost = strangers.filter((each) => each.host === host);
  if (isElsewhere(host) && fromHost.length > MAX_STRANGERS_PER_HOST) return fromHost[0];
  return strangers.length > MAX_STRANGERS ? strangers[0] : undefined;
}

/** The engine that goes for one more: the longest silent. @throws WORKER_REFUSED where all have spoken a moment ago */
export function engineToClose(all: Iterable<Connection>, nowMs: number): Connection | undefined {
  const engines = [...all].filter(({ role }) => role === 'engine');
  if (engines.length < MAX_ENGINES) return undefined;
  const silent = engines.reduce((most, next) => (next.lastHeardMs < most.lastHeardMs ? next : most));
  if (nowMs - silent.lastHeardMs > ENGINE_YIELD_MS) return silent;
  throw new KvrError('WORKER_REFUSED', `this worker serves ${engines.length} engines, as many as it may`);
}

/** @throws PROTOCOL for a frame that is more than a hello */
export function checkHello({ metaBytes, payloadBytes }: FrameHeader): void {
  if (metaBytes <= MAX_HELLO_BYTES && payloadBytes === 0) return;
  throw new KvrError(
    'PROTOCOL',
    `a first frame of ${metaBytes} and ${payloadBytes} bytes, a hello has at most ${MAX_HELLO_BYTES}`,
  );
}

/** True for a caller on another machine; unix sockets have no host. */
function isElsewhere(host: string | undefined): boolean {
  return host !== undefined && !isLoopback(host.replace(/^::ffff:/, ''));
}
