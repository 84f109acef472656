/**
 * How many bytes of request bodies a server may be reading at once.
 */
import { KvrError } from '../../core/errors.js';

/** Bounds what all bodies together may take. */
export class BodyBudget {
  readonly #limitBytes: number;
  #takenBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** @throws BUSY */
  take(bytes: number): void {
    if (this.#takenBytes + bytes > this.#limitBytes) {
      const message = `the server is reading request bodies of ${this.#takenBytes} bytes, and ${this.#limitBytes} is the limit; try again later`;
      throw new KvrError('BUSY', message);
    }
    this.#takenBytes += bytes;
  }

  get isTaken(): boolean {
    return this.#takenBytes > 0;
  }

  give(bytes: number): void {
    this.#takenBytes -= bytes;
  }
}
