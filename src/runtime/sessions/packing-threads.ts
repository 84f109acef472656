/**
 * Packs graphs on threads of their own: the kernels' packing holds its thread, and a compilation has other work meanwhile.
 */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { KvrError } from '../../core/errors.js';
import type { Packing } from '../../model/packing-queue.js';
import type { PackAnswer, PackTask } from './pack-messages.js';

/** Each holds a graph's weights about three times while it compares them; converting is too slow to keep more than two busy. */
const MAX_THREADS = 2;

/** Threads start with the first graphs, and hold the process open only while there is something to pack. */
export function openPacking(): Packing {
  const lanes = Math.max(1, Math.min(MAX_THREADS, availableParallelism() - 1));
  const idle: PackThread[] = [];
  const all: PackThread[] = [];
  const waiting: ((thread: PackThread) => void)[] = [];
  const taken = (): PackThread | Promise<PackThread> => {
    const free = idle.pop() ?? (all.length < lanes ? started(all) : undefined);
    return free ?? new Promise((resolve) => waiting.push(resolve));
  };
  const give = (thread: PackThread): void => {
    const next = waiting.shift();
    if (next) next(thread);
    else idle.push(thread);
  };
  return {
    lanes,
    async prepack(source, target) {
      const thread = await taken();
      return thread.pack({ source, target }).finally(() => give(thread));
    },
    close: async () => void (await Promise.all(all.map((thread) => thread.close()))),
  };
}

function started(all: PackThread[]): PackThread {
  const thread = new PackThread();
  all.push(thread);
  return thread;
}

class PackThread {
  /** Without the flags that the program was started with, which are not meant for this thread. */
  readonly #worker = new Worker(entry(), { execArgv: [] });
  #settle: { resolve(isPacked: boolean): void; reject(error: Error): void } | undefined;

  constructor() {
    this.#worker.unref();
    this.#worker.on('message', (answer: PackAnswer) => this.#answered(answer));
    this.#worker.on('error', (error) => this.#fail(error));
    this.#worker.on('exit', () =>
      this.#fail(new KvrError('INTERNAL', 'a thread that packs weights has ended')),
    );
  }

  pack(task: PackTask): Promise<boolean> {
    this.#worker.ref();
    const packed = new Promise<boolean>((resolve, reject) => (this.#settle = { resolve, reject }));
    this.#worker.postMessage(task);
    return packed.finally(() => this.#worker.unref());
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #answered(answer: PackAnswer): void {
    if (answer.failure) this.#fail(asError(answer.failure));
    else this.#settle?.resolve(answer.isPacked);
    this.#settle = undefined;
  }

  #fail(error: Error): void {
    this.#settle?.reject(error);
    this.#settle = undefined;
  }
}

function asError({ message, code }: NonNullable<PackAnswer['failure']>): Error {
  return code === undefined ? new Error(message) : new KvrError(code, message);
}

/** Where the sources run, as in tests, it is the built one. */
function entry(): URL {
  const beside = new URL('./pack-thread.js', import.meta.url);
  return existsSync(beside)
    ? beside
    : new URL('../../../dist/runtime/sessions/pack-thread.js', import.meta.url);
}
