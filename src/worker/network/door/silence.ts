/**
 * Ends connections that have gone silent: a machine without power says no goodbye, and a stranger may never say hello. Looks at
 * all connections once a second, and pings peers so that they hear something. Called by worker-node.ts.
 */
import { type Clock, wallClock } from '../../../core/clock.js';
import { KvrError } from '../../../core/errors.js';
import { controlFrame } from '../../../link/frame.js';
import type { PeerMessage } from '../../protocol/index.js';
import type { Connection } from './connection.js';

/** How often connections are looked at, and peers pinged. */
export const SWEEP_MS = 1_000;
/** From being connected to a whole hello, which is one small frame. */
export const HANDSHAKE_TIMEOUT_MS = 5_000;
/** A peer pings every second, from a thread that never computes. */
export const PEER_SILENCE_MS = 5_000;
/** An engine pings twice a second, from the thread that also makes its prompts: it may be busy for a while. */
export const ENGINE_SILENCE_MS = 20_000;

const PING: PeerMessage = { type: 'ping' };

export class Silence {
  readonly #connections: { readonly all: Iterable<Connection> };
  readonly #clock: Clock;
  #lookedMs: number;

  constructor(connections: { readonly all: Iterable<Connection> }, clock: Clock = wallClock) {
    this.#connections = connections;
    this.#clock = clock;
    this.#lookedMs = clock();
  }

  /** Call it every SWEEP_MS. */
  look(): void {
    const nowMs = this.#clock();
    // A late look means that this thread was held up; what the others sent may be waiting to be read.
    const lateMs = Math.max(0, nowMs - this.#lookedMs - SWEEP_MS);
    this.#lookedMs = nowMs;
    for (const connection of [...this.#connections.all]) {
      connection.lastHeardMs += lateMs;
      // Nothing is heard over a link that we have paused ourselves.
      if (connection.link.isPaused) connection.lastHeardMs = nowMs;
      closeIfSilent(connection, nowMs);
      ping(connection);
    }
  }
}

function closeIfSilent({ role, openedMs, lastHeardMs, link }: Connection, nowMs: number): void {
  // Bytes that trickle in are no hello.
  const sinceMs = role === 'unknown' ? openedMs : lastHeardMs;
  const limitMs = limitFor(role);
  if (nowMs - sinceMs <= limitMs) return;
  const what = role === 'unknown' ? 'said no hello' : 'sent nothing';
  link.close(new KvrError('LINK', `the other end ${what} for ${limitMs} ms`));
}

function limitFor(role: Connection['role']): number {
  switch (role) {
    case 'unknown':
      return HANDSHAKE_TIMEOUT_MS;
    case 'peer':
      return PEER_SILENCE_MS;
    case 'engine':
      return ENGINE_SILENCE_MS;
  }
}

/** A link with something to send needs no ping: that is heard as well. */
function ping({ role, link }: Connection): void {
  if (role === 'peer' && !link.isClosed && link.bufferedBytes === 0) link.send(controlFrame(PING));
}
