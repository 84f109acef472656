/**
 * What connections may make a worker hold before it works for them: frames that are not whole yet, rows that came before their
 * request, vocabularies. One account for all of it. Over the limit, the engine that takes most loses its fullest link.
 */
import { KvrError } from '../../../core/errors.js';
import type { Link } from '../../../link/link.js';

/** Of all connections together; a chain's links hold a few MB, and only for moments. */
export const MAX_HELD_BYTES = 128 << 20;

/** A link and the engine it is for, whose links count together: one caller can not hide behind many. */
export type Holder = { readonly engine: string; readonly link: Link };

type Account = { readonly engine: string; readonly link: Link; bytes: number };

export class MemoryBudget {
  readonly #accounts = new Map<Link, Account>();
  #heldBytes = 0;

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Counts bytes that are held for a link. It may be closed for them, or another that holds more. */
  hold({ engine, link }: Holder, bytes: number): void {
    const account = this.#accounts.get(link) ?? { engine, link, bytes: 0 };
    this.#accounts.set(link, account);
    account.bytes += bytes;
    this.#heldBytes += bytes;
    while (this.#heldBytes > MAX_HELD_BYTES) this.#closeFullest();
  }

  /** The link may have left, with all that was held for it. */
  free(link: Link, bytes: number): void {
    const account = this.#accounts.get(link);
    if (!account) return;
    account.bytes -= bytes;
    this.#heldBytes -= bytes;
    if (account.bytes <= 0) this.#accounts.delete(link);
  }

  leave(link: Link): void {
    this.#heldBytes -= this.#accounts.get(link)?.bytes ?? 0;
    this.#accounts.delete(link);
  }

  #closeFullest(): void {
    const byEngine = new Map<string, number>();
    for (const { engine, bytes } of this.#accounts.values())
      byEngine.set(engine, (byEngine.get(engine) ?? 0) + bytes);
    const [engine] = [...byEngine].reduce((most, next) => (next[1] > most[1] ? next : most));
    const own = [...this.#accounts.values()].filter((account) => account.engine === engine);
    const fullest = own.reduce((most, next) => (next.bytes > most.bytes ? next : most));
    this.leave(fullest.link);
    const message = `this worker held ${fullest.bytes} bytes for one link, and ${MAX_HELD_BYTES} is what it has for all`;
    fullest.link.close(new KvrError('LINK', message));
  }
}
