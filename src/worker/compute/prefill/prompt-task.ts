/**
 * A request's prompt phase as the scheduler sees it: something that can go on for a turn or can not yet. Notes what
 * its pauses were: waits for other ranks, and time that the worker gave to other requests.
 */
import type { ActiveRequest } from '../requests/active-request.js';
import type { Exchange } from './exchange.js';
import type { PromptEnd } from './prompt-run.js';
import { type Pause, pauseBetween } from './turns.js';

export class PromptTask {
  readonly request: ActiveRequest;
  readonly #exchange: Pick<Exchange, 'hasFirstRows'>;
  readonly #run: AsyncGenerator<Pause, PromptEnd, void>;
  #pause: Pause = pauseBetween(0);
  /** Whether it had to wait for rows when it paused, and since when. */
  #isWaiting = false;
  #pausedMs: number;
  #busyBeforeMs: number;
  isStarted = false;

  /** @param busyMs the time that the thread has worked so far; the same clock in every call */
  constructor(
    request: ActiveRequest,
    exchange: Pick<Exchange, 'hasFirstRows'>,
    run: AsyncGenerator<Pause, PromptEnd, void>,
    busyMs: number,
  ) {
    this.request = request;
    this.#exchange = exchange;
    this.#run = run;
    this.#pausedMs = request.recorder.nowMs;
    this.#busyBeforeMs = busyMs;
  }

  get isReady(): boolean {
    return this.#pause.isReady();
  }

  /** See Exchange. */
  get hasFirstRows(): boolean {
    return this.#exchange.hasFirstRows();
  }

  /** Goes on up to its next pause. @returns its end, or undefined after a pause. @throws what kernels throw */
  async advance(busyMs: number): Promise<PromptEnd | undefined> {
    this.#noteResume(busyMs);
    const { value, done } = await this.#run.next();
    if (done) return value;
    this.#pause = value;
    return undefined;
  }

  /** Gives the prompt up, where it has not ended by itself: its rows go back. */
  async end(): Promise<void> {
    await this.#run.return({});
  }

  /** Call it after advance() with the thread's time so far. */
  notePause(busyMs: number): void {
    this.#isWaiting = this.#pause.isWait && !this.#pause.isReady();
    this.#pausedMs = this.request.recorder.nowMs;
    this.#busyBeforeMs = busyMs;
  }

  #noteResume(busyMs: number): void {
    this.isStarted = true;
    const othersMs = busyMs - this.#busyBeforeMs;
    const waitLayer = this.#isWaiting ? this.#pause.layer : undefined;
    this.request.recorder.notePause(this.#pausedMs, othersMs, waitLayer);
  }
}
