/**
 * Requests that are being answered: each can be ended by its client leaving or by the server closing.
 */
import { KvrError } from '../../core/errors.js';

export class RunningRequests {
  readonly #controllers = new Set<AbortController>();
  readonly #idle: (() => void)[] = [];
  readonly #listeners = new Set<AbortController>();
  isClosing = false;

  /**
   * Follows one request. @param client aborted when its client leaves
   * @returns its signal, and what to call when it is over. @throws CLOSED once the server closes
   */
  enter(client: AbortSignal): { signal: AbortSignal; abort: () => void; leave: () => void } {
    if (this.isClosing) throw closing();
    const controller = new AbortController();
    const abort = (): void => controller.abort();
    if (client.aborted) abort();
    client.addEventListener('abort', abort, { once: true });
    this.#controllers.add(controller);
    const leave = (): void => {
      client.removeEventListener('abort', abort);
      if (this.#controllers.delete(controller) && this.#controllers.size === 0) this.#settleIdle();
    };
    return { signal: controller.signal, abort, leave };
  }

  /** Does a part of a request's work. @throws CLOSED once the server closes, and what the work throws */
  async during<T>(client: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { signal, leave } = this.enter(client);
    try {
      return await work(signal);
    } catch (error) {
      throw this.reasonOf(error);
    } finally {
      leave();
    }
  }

  /** Follows a page that listens; it ends at once when the server closes. @throws CLOSED once it does */
  listen(client: AbortSignal): { signal: AbortSignal; leave: () => void } {
    if (this.isClosing) throw closing();
    const controller = new AbortController();
    const abort = (): void => controller.abort();
    client.addEventListener('abort', abort, { once: true });
    this.#listeners.add(controller);
    const leave = (): void => {
      client.removeEventListener('abort', abort);
      this.#listeners.delete(controller);
    };
    return { signal: controller.signal, leave };
  }

  /** Takes no more. */
  close(): void {
    this.isClosing = true;
    for (const listener of [...this.#listeners]) listener.abort();
  }

  get count(): number {
    return this.#controllers.size;
  }

  /** Settles when nothing runs any more. */
  idle(): Promise<void> {
    if (this.#controllers.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  abortAll(): void {
    for (const controller of this.#controllers) controller.abort();
  }

  /** What to report for an error: a request that the closing server cancelled fails with CLOSED, not CANCELLED. */
  reasonOf(error: unknown): unknown {
    const isCancelled = error instanceof KvrError && error.code === 'CANCELLED';
    return isCancelled && this.isClosing ? closing() : error;
  }

  #settleIdle(): void {
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}

function closing(): KvrError {
  return new KvrError('CLOSED', 'the server is shutting down; try again later');
}
