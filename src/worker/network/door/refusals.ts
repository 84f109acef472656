/**
 * Tells of callers who were kept out: who they are, why, and how many there have been. One line a minute for each reason,
 * however many come: a log that strangers can fill would be a weapon of theirs.
 */
import { type Clock, wallClock } from '../../../core/clock.js';
import { firstLine, KvrError } from '../../../core/errors.js';
import type { Connection } from './connection.js';

/** Between two lines for the same reason. */
export const QUIET_MS = 60_000;
/** Of the text that tells why. */
const MAX_REASON_CHARS = 200;

/** 'handshake': no proof of the key. 'name': a name of another process. 'hello': no hello, or a wrong one. */
type Refusal = 'handshake' | 'name' | 'hello';
type Tally = { count: number; toldMs: number };

export class Refusals {
  readonly #tell: (words: string) => void;
  readonly #clock: Clock;
  readonly #tallies = new Map<Refusal, Tally>();

  /** @param tell gets one line, without an end */
  constructor(tell: (words: string) => void, clock: Clock = wallClock) {
    this.#tell = tell;
    this.#clock = clock;
  }

  /** How many there were since the start, by reason. */
  get counts(): ReadonlyMap<string, number> {
    return new Map([...this.#tallies].map(([reason, { count }]) => [reason, count]));
  }

  /** A connection has ended: counted where it never got in. */
  note({ role, host }: Pick<Connection, 'role' | 'host'>, error: Error | undefined): void {
    if (role !== 'unknown' || !error || host === undefined) return;
    const reason = reasonOf(error);
    const tally = this.#tallies.get(reason) ?? { count: 0, toldMs: -Infinity };
    this.#tallies.set(reason, tally);
    tally.count++;
    if (this.#clock() - tally.toldMs < QUIET_MS) return;
    tally.toldMs = this.#clock();
    const why = firstLine(error.message).slice(0, MAX_REASON_CHARS);
    this.#tell(`refused a caller from ${host}: ${why} (${reason}: ${tally.count} since the start)`);
  }
}

function reasonOf(error: Error): Refusal {
  const refusal = error instanceof KvrError ? error.fields['refusal'] : undefined;
  return refusal === 'handshake' || refusal === 'name' ? refusal : 'hello';
}
