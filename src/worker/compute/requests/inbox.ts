/**
 * What comes in to the compute thread: messages of the network thread are read between kernel calls, never during one, and
 * put where they belong. Requests and their caches are in held-requests.ts, the way out is threads/outbox.ts.
 */
import type { ModelShape } from '../../../core/shape.js';
import type { Mailbox } from '../../threads/mailbox.js';
import type { Outbox } from '../../threads/outbox.js';
import type { ProbeMessage } from '../../protocol/index.js';
import type { Job, KvRows, ToCompute } from '../../threads/thread-messages.js';
import type { ActiveRequest } from './active-request.js';
import { writeRows } from './arrived-rows.js';
import { withoutCancelled } from './cancelled-runs.js';
import type { Grammars } from './grammars.js';
import type { HeldRequests } from './held-requests.js';

/** How long a sleep lasts before the inbox is read all the same. */
const LOOK_AGAIN_MS = 1_000;

/** Work that came in and nobody has taken up. */
export type Work =
  | { readonly type: 'request'; readonly request: ActiveRequest }
  | { readonly type: 'probe'; readonly probe: ProbeMessage };

/** Where messages come from and go to. */
export type InboxParts = {
  readonly mailbox: Pick<Mailbox, 'poll' | 'sleep' | 'countRead'>;
  readonly outbox: Outbox;
  readonly requests: HeldRequests;
  readonly grammars: Grammars;
  /** What waits to be written to disk, where something is. */
  readonly pending?: { turnOff(): void } | undefined;
};

export class Inbox {
  isClosing = false;
  /** True while the engine says that no other worker of this machine has anything to do. */
  hasAllCores = false;
  readonly #shape: ModelShape;
  readonly #parts: InboxParts;
  readonly #waiting: Work[] = [];

  constructor(shape: ModelShape, parts: InboxParts) {
    this.#shape = shape;
    this.#parts = parts;
  }

  /** Reads all messages that have come; call it between kernel calls. */
  async read(): Promise<void> {
    for (let messages = this.#poll(); messages.length > 0; messages = this.#poll()) {
      for (const message of withoutCancelled(messages, (run) => this.#tellCancelled(run)))
        await this.#receive(message);
    }
  }

  /** All that is there: what is behind a message may say that it is not wanted any more. */
  #poll(): ToCompute[] {
    const { mailbox } = this.#parts;
    const messages: ToCompute[] = [];
    for (let message = mailbox.poll(); message; message = mailbox.poll()) messages.push(message);
    return messages;
  }

  #tellCancelled(request: number): void {
    this.#parts.outbox.send({ type: 'finished', request, reason: 'cancelled' });
  }

  /** @returns the work that has come since the last time, in order of arrival. */
  takeNew(): Work[] {
    return this.#waiting.splice(0);
  }

  /** Reads, and says whether nothing waits to be done. */
  async isIdle(): Promise<boolean> {
    await this.read();
    return this.#waiting.length === 0 && !this.isClosing;
  }

  /** Sleeps until something new came since the last read(). Call it when that left nothing to do. @returns as Mailbox.sleep */
  sleep(): boolean {
    return this.#parts.mailbox.sleep(LOOK_AGAIN_MS);
  }

  async #receive(message: ToCompute): Promise<void> {
    const { requests, grammars } = this.#parts;
    switch (message.type) {
      case 'run':
        return this.#open(message.job);
      case 'probe':
        return void this.#waiting.push({ type: 'probe', probe: message.probe });
      case 'kv':
        return this.#writeRows(message);
      case 'cancel':
        // What has ended here may still be on its way out; the answer ends it there, too.
        if (!requests.cancel(message.request)) this.#tellCancelled(message.request);
        return;
      case 'vocabulary':
        return grammars.learn(message.owner, message.packed, message.tokens);
      case 'forget':
        return grammars.forget(message.owner);
      case 'drop':
        return requests.dropKept(message.entries);
      case 'cores':
        this.hasAllCores = message.all;
        return;
      case 'storeOff':
        return this.#parts.pending?.turnOff();
      case 'close':
        this.isClosing = true;
        return;
    }
  }

  async #open(job: Job): Promise<void> {
    const { requests, outbox } = this.#parts;
    try {
      this.#waiting.push({ type: 'request', request: await requests.open(job) });
    } catch (error) {
      outbox.sendFailure(error, { request: job.request, phase: 'prefill' });
    }
  }

  /** Rows of a request that is gone are dropped: a cancel overtook them. */
  async #writeRows(rows: KvRows): Promise<void> {
    const { mailbox, outbox, requests } = this.#parts;
    if (mailbox.countRead(rows.payload.byteLength)) outbox.send({ type: 'drained' });
    const request = requests.get(rows.request);
    if (!request || request.isCancelled) return;
    try {
      await writeRows(rows, request, this.#shape);
    } catch (error) {
      requests.cancel(rows.request);
      outbox.sendFailure(error, { request: rows.request, phase: 'prefill', layer: rows.layer });
    }
  }
}
