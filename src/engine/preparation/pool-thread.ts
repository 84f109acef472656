/**
 * One thread of a pool: does a task at a time, and is ended where one goes beyond its limits.
 */
import { Worker } from 'node:worker_threads';
import { KvrError } from '../../core/errors.js';
import type { FromPoolThread, PoolTask } from './pool-messages.js';

export type ThreadLimits = {
  /** Of one task, from when the thread has begun it. */
  readonly timeMs: number;
  /** Until the thread can take a task. */
  readonly startMs: number;
  /** Of the thread's heap, a task's included; one that needs more ends with its thread. */
  readonly heapMb: number;
  readonly youngHeapMb: number;
  /** What a task may need of it. */
  readonly taskHeapMb: number;
};

type Settle = { readonly resolve: (result: unknown) => void; readonly reject: (error: KvrError) => void };
/** Calls `act` after so many ms, unless what it returns is called before. */
export type Timer = (ms: number, act: () => void) => () => void;

export const realTimer: Timer = (ms, act) => {
  const timer = setTimeout(act, ms);
  return () => clearTimeout(timer);
};

export class PoolThread {
  readonly #worker: Worker;
  readonly #limits: ThreadLimits;
  readonly #timer: Timer;
  readonly #ready: Promise<void>;
  /** Settles when the thread is gone. */
  readonly ended: Promise<void>;
  #isTaken = false;
  #isEnding = false;
  #settle: Settle | undefined;
  /** Why it was ended, or died. */
  #reason: KvrError | undefined;
  #task: PoolTask | undefined;

  constructor(entry: URL, workerData: unknown, limits: ThreadLimits, timer = realTimer) {
    this.#limits = limits;
    this.#timer = timer;
    this.#worker = new Worker(entry, {
      workerData,
      // What the program was started with, such as modules loaded before it, is not meant for this thread.
      execArgv: [],
      resourceLimits: {
        maxOldGenerationSizeMb: limits.heapMb,
        maxYoungGenerationSizeMb: limits.youngHeapMb,
      },
    });
    // A thread without a task keeps no process alive.
    this.#worker.unref();
    this.#worker.on('error', (error) => (this.#reason ??= this.#deathOf(error)));
    this.ended = new Promise((resolve) => this.#worker.once('exit', () => resolve()));
    void this.ended.then(() => this.#fail(this.#reason ?? died()));
    this.#ready = this.#becomeReady();
    this.#ready.catch(() => undefined);
  }

  /** @returns whether it was free for a task, which it then is for */
  take(): boolean {
    if (this.#isTaken || this.#isEnding || this.#reason) return false;
    return (this.#isTaken = true);
  }

  /** For who has taken it. @throws what the task throws, and BAD_INPUT beyond its limits; CANCELLED */
  async run(task: PoolTask, signal?: AbortSignal): Promise<unknown> {
    const onAbort = (): void => void this.#end(new KvrError('CANCELLED', 'request was cancelled'));
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#worker.ref();
    this.#task = task;
    let stop: (() => void) | undefined;
    try {
      await this.#ready;
      if (signal?.aborted) onAbort();
      stop = this.#timer(this.#limits.timeMs, () => void this.#end(this.#tooLong(task)));
      return await this.#ask(task);
    } finally {
      stop?.();
      signal?.removeEventListener('abort', onAbort);
      this.#worker.unref();
      this.#task = undefined;
      this.#isTaken = false;
    }
  }

  async close(): Promise<void> {
    await this.#end(new KvrError('CLOSED', 'the engine was closed'));
  }

  #ask({ message }: PoolTask): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      if (this.#reason) return this.#fail(this.#reason);
      this.#worker.postMessage(message);
    });
  }

  #becomeReady(): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = this.#timer(this.#limits.startMs, () => void this.#end(startedLate(this.#limits.startMs)));
      this.#worker.on('message', (message: FromPoolThread) => {
        late();
        if (message.type === 'ready') resolve();
        else this.#answer(message);
      });
      void this.ended.then(() => {
        late();
        reject(this.#reason ?? died());
      });
    });
  }

  #answer(message: Exclude<FromPoolThread, { type: 'ready' }>): void {
    const settle = this.#settle;
    this.#settle = undefined;
    if (message.hasGrown) void this.#end(died());
    if (message.type === 'done') settle?.resolve(message.result);
    else settle?.reject(new KvrError(message.code, message.message, message.fields));
  }

  #fail(reason: KvrError): void {
    this.#settle?.reject(reason);
    this.#settle = undefined;
  }

  /** A task that is under way fails at once, whatever time the thread takes to end. */
  async #end(reason: KvrError): Promise<void> {
    this.#isEnding = true;
    this.#reason ??= reason;
    this.#fail(this.#reason);
    await this.#worker.terminate();
  }

  #deathOf(error: unknown): KvrError {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_WORKER_OUT_OF_MEMORY') return died(error);
    const { taskHeapMb } = this.#limits;
    const what = this.#task ? `${this.#task.words} of ${this.#task.size} characters` : 'a request';
    const message = `preparing ${what} takes more than ${taskHeapMb} MB of memory, the limit; shorten or simplify it`;
    return new KvrError('BAD_INPUT', message, {}, error);
  }

  #tooLong({ words, size }: PoolTask): KvrError {
    const message = `preparing ${words} of ${size} characters takes longer than ${this.#limits.timeMs} ms, the limit; shorten or simplify it`;
    return new KvrError('BAD_INPUT', message);
  }
}

function died(cause?: unknown): KvrError {
  const what = cause instanceof Error ? `: ${cause.message}` : '';
  return new KvrError('INTERNAL', `a thread that prepares requests has ended${what}`, {}, cause);
}

function startedLate(ms: number): KvrError {
  return new KvrError('INTERNAL', `a thread that prepares requests was not ready within ${ms} ms`);
}
