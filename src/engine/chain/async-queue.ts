/**
 * A queue from push() to one `for await`. It has no bound of its own: a request's events are bounded by its layers and its
 * maximum of tokens.
 */
export class AsyncQueue<T> implements AsyncIterable<T> {
  readonly #items: T[] = [];
  #isEnded = false;
  #error: Error | undefined;
  #wake: () => void = () => undefined;

  push(item: T): void {
    if (this.#isEnded) return;
    this.#items.push(item);
    this.#wake();
  }

  /** The reader gets what was pushed before, then the end. */
  end(): void {
    this.#isEnded = true;
    this.#wake();
  }

  /** The reader gets what was pushed before, then the error. */
  fail(error: Error): void {
    if (this.#isEnded) return;
    this.#error = error;
    this.end();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      const item = this.#items.shift();
      if (item !== undefined) yield item;
      else if (this.#error) throw this.#error;
      else if (this.#isEnded) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
