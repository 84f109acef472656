/** Two compute threads with a fake exchange between them, as two engines use them whose chains run opposite ways. */
import { expect, test } from 'vitest';
import type { ToCompute } from '../threads/thread-messages.js';
import { computeParts, jobOf } from './compute-parts.test-support.js';
import { FakeModel } from './fake-model.test-support.js';
import { Scheduler } from './scheduler.js';

/** Looks without anything new after which nothing will come any more. */
const STUCK_LOOKS = 1_000;
/** Of each engine: more than are begun at once. */
const REQUESTS = 6;

type Strategy = 'kvr' | 'tsp';

/** Two workers; what one publishes comes to the other. */
class Pair {
  readonly ended: string[] = [];
  readonly #parts = [0, 1].map((worker) => computeParts(new FakeModel(), () => this.#onSleep(worker)));
  #looks = 0;

  constructor() {
    this.#parts.forEach(({ sent }, worker) => {
      sent.onMessage = (message) => {
        this.#looks = 0;
        const other = this.#incoming(1 - worker);
        if (message.type === 'publish') other.push({ ...message, type: 'kv' });
        if (message.type === 'finished' || message.type === 'failed')
          this.ended.push(`${message.request} ${message.type}`);
      };
    });
  }

  /** Each engine's part for its last rank comes first to each worker, as engines send them. */
  async answer(strategy: Strategy): Promise<void> {
    for (const [engine, [first, second]] of [[0, 1] as const, [1, 0] as const].entries())
      for (let at = 0; at < REQUESTS; at++) {
        const job = { request: 100 * engine + at, partition: [2, 3], spec: { strategy } };
        this.#incoming(second).unshift({ type: 'run', job: jobOf({ ...job, rank: 1 }) });
        this.#incoming(first).push({ type: 'run', job: jobOf({ ...job, rank: 0 }) });
      }
    await Promise.all(this.#parts.map(({ context }) => new Scheduler(context, 100, () => 0).run()));
  }

  #incoming(worker: number): ToCompute[] {
    return this.#parts[worker]?.incoming ?? [];
  }

  #onSleep(worker: number): void {
    if (this.ended.length === 2 * REQUESTS || ++this.#looks > STUCK_LOOKS)
      this.#incoming(worker).push({ type: 'close' });
  }
}

test.each<Strategy>(['kvr', 'tsp'])(
  '%s: two engines with opposite chains answer all their requests',
  async (strategy) => {
    const pair = new Pair();
    await pair.answer(strategy);
    const wanted = [0, 1].flatMap((engine) =>
      Array.from({ length: REQUESTS }, (_, at) => `${100 * engine + at} finished`),
    );
    expect(pair.ended.sort()).toEqual(wanted.sort());
  },
);
