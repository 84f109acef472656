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
      const message = `bodies of ${this.#limitBytes} bytes are being read, the limit; try again later`;
      throw new KvrError('BUSY', message);
    }
    this.#takenBytes += bytes;
  }

  give(bytes: number): void {
    this.#takenBytes -= bytes;
  }
}
