/**
 * What a worker writes to standard error: lines that it tells while it works are handed on, all else is kept as why it ended.
 */

/** Of what is kept, and of a line that does not end. */
const TAIL_CHARS = 2_000;
/** How a worker begins what it has to tell while it works. */
const NEWS = 'kvr worker: ';

export class StderrTail {
  readonly #onNews: (line: string) => void;
  #reasons = '';
  #begun = '';

  /** @param onNews gets whole lines, with their ends */
  constructor(onNews: (line: string) => void) {
    this.#onNews = onNews;
  }

  /** The last of it, without news. */
  get text(): string {
    return (this.#reasons + this.#begun).slice(-TAIL_CHARS);
  }

  push(chunk: string): void {
    const lines = (this.#begun + chunk).split('\n');
    this.#begun = (lines.pop() ?? '').slice(-TAIL_CHARS);
    for (const line of lines) {
      if (line.startsWith(NEWS)) this.#onNews(`${line}\n`);
      else this.#reasons = `${this.#reasons}${line}\n`.slice(-TAIL_CHARS);
    }
  }
}
