/**
 * What the workers of an engine say, in the order in which the engine hears it: for tests that count steps, and act on
 * one, where a clock would only tell how fast the machine is.
 */
import type { FromWorker } from '../../src/worker/protocol/index.js';
import type { Engine } from '../../src/index.js';

/** What a worker says of a request; a failure may be of the worker as a whole. */
type AboutRequest = Extract<FromWorker, { readonly request?: number | undefined }>;
export type Heard = { readonly worker: number; readonly message: AboutRequest };

/** Gathers what workers say of requests from now on. Workers that are started anew later are not heard. */
export class HeardMessages {
  readonly all: Heard[] = [];
  readonly #stops: (() => void)[];

  /** @param onMessage is called after each message, once the engine has acted on it */
  constructor({ workers }: Engine, onMessage: (heard: Heard) => void = () => undefined) {
    this.#stops = workers.map(({ handle }, worker) =>
      handle.listen((message) => {
        if (!('request' in message)) return;
        this.all.push({ worker, message });
        queueMicrotask(() => onMessage({ worker, message }));
      }),
    );
  }

  /** For engines that go on to other tests. */
  stop(): void {
    for (const stop of this.#stops) stop();
  }

  /** The requests that were spoken of, in order of their numbers. */
  get requests(): number[] {
    const numbers = this.all.flatMap(({ message }) => message.request ?? []);
    return [...new Set(numbers)].sort((a, b) => a - b);
  }

  count(type: AboutRequest['type'], request?: number): number {
    return this.#of(type, request).length;
  }

  /** The workers that said so. */
  workersThatSaid(type: AboutRequest['type'], request?: number): number[] {
    return [...new Set(this.#of(type, request).map(({ worker }) => worker))].sort((a, b) => a - b);
  }

  /** Steps of other requests that a worker made after it had begun with the newest one. */
  get stepsBesideNewest(): Heard[] {
    const newest = this.requests.at(-1);
    const begun = new Set<number>();
    return this.all.filter(({ worker, message }) => {
      if (message.request === newest) begun.add(worker);
      const isStep = message.type === 'progress' || message.type === 'token';
      return isStep && message.request !== newest && begun.has(worker);
    });
  }

  #of(type: AboutRequest['type'], request?: number): Heard[] {
    return this.all.filter(
      ({ message }) => message.type === type && (request === undefined || message.request === request),
    );
  }
}
