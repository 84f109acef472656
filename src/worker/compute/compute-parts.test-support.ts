/**
 * The surroundings of a compute thread's loops without a thread: jobs, a way out that keeps what is sent, and a mailbox that a
 * test fills.
 */
import type { MessagePort } from 'node:worker_threads';
import { type RequestSpec, requestSpecSchema } from '../../core/request.js';
import {
  COUNTER_BYTES,
  COUNTERS,
  type FromCompute,
  type Job,
  type ToCompute,
} from '../threads/thread-messages.js';
import { Outbox } from '../threads/outbox.js';
import type { ComputeContext } from './requests/compute-context.js';
import { Grammars } from './requests/grammars.js';
import { HeldRequests } from './requests/held-requests.js';
import { Inbox } from './requests/inbox.js';
import type { FakeModel } from './fake-model.test-support.js';

type JobParts = Partial<Omit<Job, 'spec'>> & { readonly spec?: Partial<RequestSpec> };

/** A job of request 1 alone on a worker, of as many tokens as its partition has, unless told otherwise. */
export function jobOf({ spec, partition = [4], rank = partition.length - 1, ...parts }: JobParts = {}): Job {
  const sizes = rank === partition.length - 1 ? partition : partition.slice(rank, rank + 1);
  const tokens = sizes.reduce((sum, size) => sum + size, 0);
  return {
    type: 'run',
    request: 1,
    rank,
    partition,
    chain: partition.map((_, worker) => `worker-${worker}`),
    ids: Int32Array.from({ length: tokens }, (_, token) => token % 10),
    answer: new Int32Array(),
    owner: 1,
    ...parts,
    spec: requestSpecSchema.parse({ strategy: 'kvr', prefixCache: false, maxTokens: 1, ...spec }),
  };
}

export class SentMessages {
  readonly all: FromCompute[] = [];
  readonly outbox: Outbox;
  /** Is called with every message, as it is sent. */
  onMessage: (message: FromCompute) => void = () => undefined;
  readonly #counters = new Int32Array(new SharedArrayBuffer(COUNTER_BYTES));

  constructor() {
    const postMessage = (message: FromCompute): void => {
      this.all.push(message);
      this.onMessage(message);
    };
    const port = { postMessage };
    this.outbox = new Outbox(port as unknown as MessagePort, this.#counters);
  }

  /** As if so many KiB were handed over and not sent yet. */
  set unsentKib(kib: number) {
    this.#counters[COUNTERS.unsentKib] = kib;
  }

  of<T extends FromCompute['type']>(type: T): Extract<FromCompute, { type: T }>[] {
    return this.all.filter((message): message is Extract<FromCompute, { type: T }> => message.type === type);
  }
}

export type ComputeParts = {
  readonly context: ComputeContext;
  readonly sent: SentMessages;
  /** Messages that come with the next look into the inbox. */
  readonly incoming: ToCompute[];
};

/** @param onSleep is called when there is nothing to do; it has something come in */
export function computeParts(model: FakeModel, onSleep: (incoming: ToCompute[]) => void): ComputeParts {
  const sent = new SentMessages();
  const { outbox } = sent;
  const incoming: ToCompute[] = [];
  const mailbox = {
    poll: () => incoming.shift(),
    sleep: () => {
      onSleep(incoming);
      return incoming.length > 0;
    },
    countRead: () => false,
  };
  const limits = { kvBytesLimit: 1e6, prefixCacheBytes: 1e6 };
  const requests = new HeldRequests(model, limits, outbox);
  const grammars = new Grammars();
  const inbox = new Inbox(model.shape, { mailbox, outbox, requests, grammars });
  return { context: { model, inbox, outbox, requests, grammars }, sent, incoming };
}
