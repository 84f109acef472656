/**
 * A few threads that do one task at a time each and can be ended in the middle of one: by its time, its memory, or
 * whoever asked for it. Threads are started when there is a task for them and hold no process open. Knows nothing of
 * what the tasks are.
 */
import { KvrError } from '../../core/errors.js';
import type { PoolTask } from './pool-messages.js';
import type { PoolThread } from './pool-thread.js';
import { type ThreadLimits } from './pool-thread.js';

export type PoolLimits = ThreadLimits & {
  readonly threads: number;
  /** Tasks that wait for a thread. */
  readonly waiting: number;
  /** Size of all tasks that wait or are under way. */
  readonly size: number;
};

type Waiting = { readonly task: PoolTask; readonly start: (thread: PoolThread) => void };

export class ThreadPool<Result> {
  readonly #open: (limits: ThreadLimits) => PoolThread;
  readonly #limits: PoolLimits;
  readonly #threads = new Set<PoolThread>();
  readonly #waiting: Waiting[] = [];
  #size = 0;
  #isClosed = false;

  /** @param open starts a thread */
  constructor(open: (limits: ThreadLimits) => PoolThread, limits: PoolLimits) {
    this.#open = open;
    this.#limits = limits;
  }

  /** @throws what the task throws, BAD_INPUT beyond its limits, BUSY, CANCELLED, CLOSED */
  async run(task: PoolTask, signal?: AbortSignal): Promise<Result> {
    this.#checkRoom(task);
    if (signal?.aborted) throw cancelled();
    this.#size += task.size;
    try {
      const thread = await this.#threadFor(task, signal);
      return (await thread.run(task, signal)) as Result;
    } finally {
      this.#size -= task.size;
      this.#next();
    }
  }

  /** A thread that is there before the first task. */
  warm(): void {
    if (this.#threads.size === 0 && !this.#isClosed) this.#add();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#threads].map((thread) => thread.close()));
    this.#next();
  }

  #checkRoom({ size, words }: PoolTask): void {
    if (this.#isClosed) throw closed();
    const { waiting, size: most } = this.#limits;
    if (this.#waiting.length < waiting && this.#size + size <= most) return;
    const message = `${this.#size} characters of other requests are being prepared, and ${words} has ${size}; the limits are ${most} together and ${waiting} waiting: try again later`;
    throw new KvrError('BUSY', message);
  }

  #threadFor(task: PoolTask, signal?: AbortSignal): Promise<PoolThread> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        reject(cancelled());
      };
      const waiting: Waiting = {
        task,
        start: (thread) => {
          signal?.removeEventListener('abort', onAbort);
          if (this.#isClosed) reject(closed());
          else resolve(thread);
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiting.push(waiting);
      this.#next();
    });
  }

  /** Gives waiting tasks to threads that have none, or to new ones while there may be more. */
  #next(): void {
    while (this.#waiting.length > 0) {
      const idle = [...this.#threads].find((thread) => thread.take());
      const thread = idle ?? (this.#threads.size < this.#limits.threads ? this.#add() : undefined);
      if (!thread && !this.#isClosed) return;
      if (thread && !idle) thread.take();
      this.#waiting.shift()?.start(thread as PoolThread);
    }
  }

  #add(): PoolThread {
    const thread = this.#open(this.#limits);
    this.#threads.add(thread);
    void thread.ended.then(() => {
      this.#threads.delete(thread);
      this.#next();
    });
    return thread;
  }
}

function cancelled(): KvrError {
  return new KvrError('CANCELLED', 'request was cancelled while it waited to be prepared');
}

function closed(): KvrError {
  return new KvrError('CLOSED', 'the engine was closed');
}
