/**
 * Which blocks of the prefix cache on disk this worker can read, as its store tells: told to every engine that asks, and what changes
 * after that, too.
 */
import type { Link } from '../../link/link.js';
import { HASH_BYTES } from '../../prefix-store/block-hashes.js';
import type { KnownBlock } from '../../prefix-store/block-writer.js';
import type { FromStore } from '../threads/store-messages.js';
import { BLOCK_ENTRY_BYTES } from '../protocol/stored.js';
import { send } from './send.js';

/** In one message: 196 KB. */
const BLOCKS_AT_ONCE = 8192;

export class StoredBlocks {
  readonly #known = new Map<string, number>();
  readonly #engines = new Set<Link>();
  readonly #warnings: string[] = [];
  readonly #onOff: () => void;
  #isOpen = false;

  /** @param onOff called when nothing more is written */
  constructor(onOff: () => void) {
    this.#onOff = onOff;
  }

  /** Sends an engine all that is there, and from now on what changes. To ask twice changes nothing. */
  follow(engine: Link): void {
    if (this.#engines.has(engine)) return;
    this.#engines.add(engine);
    sendStored(
      [engine],
      [...this.#known].map(([hash, start]) => ({ hash, start })),
    );
    if (this.#isOpen) send(engine, { type: 'storeOpen' });
    for (const words of this.#warnings) send(engine, { type: 'warning', words });
  }

  leave(engine: Link): void {
    this.#engines.delete(engine);
  }

  onMessage(message: FromStore): void {
    switch (message.type) {
      case 'stored':
        for (const { hash, start } of message.blocks) this.#known.set(hash, start);
        return sendStored(this.#engines, message.blocks);
      case 'open':
        return this.#open();
      case 'gone':
        for (const hash of message.hashes) this.#known.delete(hash);
        return sendGone(this.#engines, message.hashes);
      case 'warning':
        return this.#warn(message.words);
      case 'off':
        return this.#onOff();
    }
  }

  #open(): void {
    this.#isOpen = true;
    for (const engine of this.#engines) send(engine, { type: 'storeOpen' });
  }

  /** The first is told to engines that come later as well: it says why nothing is kept. */
  #warn(words: string): void {
    if (this.#warnings.length === 0) this.#warnings.push(words);
    for (const engine of this.#engines) send(engine, { type: 'warning', words });
  }
}

function sendStored(engines: Iterable<Link>, blocks: readonly KnownBlock[]): void {
  for (let at = 0; at < blocks.length; at += BLOCKS_AT_ONCE) {
    const some = blocks.slice(at, at + BLOCKS_AT_ONCE);
    const payload = Buffer.alloc(some.length * BLOCK_ENTRY_BYTES);
    some.forEach(({ hash, start }, index) => {
      payload.write(hash, index * BLOCK_ENTRY_BYTES, 'hex');
      payload.writeUInt32LE(start, index * BLOCK_ENTRY_BYTES + HASH_BYTES);
    });
    for (const engine of engines) send(engine, { type: 'stored' }, payload);
  }
}

function sendGone(engines: Iterable<Link>, hashes: readonly string[]): void {
  for (let at = 0; at < hashes.length; at += BLOCKS_AT_ONCE) {
    const payload = Buffer.from(hashes.slice(at, at + BLOCKS_AT_ONCE).join(''), 'hex');
    for (const engine of engines) send(engine, { type: 'unstored' }, payload);
  }
}
