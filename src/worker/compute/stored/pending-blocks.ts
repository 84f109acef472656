/**
 * What is still to be written to disk of rows kept of ended requests: a block at a time is packed and handed to the store's thread,
 * when the compute thread has nothing better to do. Rows that are dropped before are not written.
 */
import { blockHashes } from '../../../prefix-store/block-hashes.js';
import type { BlockFolder } from '../../../prefix-store/block-folder.js';
import { blockParts, partsBytes } from '../../../prefix-store/block-layout.js';
import type { ModelShape } from '../../../core/shape.js';
import type { PrefixEntry } from '../requests/prefix-store.js';

/** Ended requests that wait to be written; of more the oldest are given up. */
const MAX_PENDING = 64;

type Pending = { readonly find: () => PrefixEntry | undefined; hashes?: string[]; next: number };

/** The way to the store's thread. */
export type BlockSink = {
  readonly hasRoom: boolean;
  writeBlock(block: { hash: string; start: number; block: number; rows: Uint8Array<ArrayBuffer> }): void;
};

export class PendingBlocks {
  readonly #folder: Pick<BlockFolder, 'startOf'>;
  readonly #shape: ModelShape;
  readonly #sink: BlockSink;
  readonly #queue: Pending[] = [];
  #isOff = false;

  constructor(folder: Pick<BlockFolder, 'startOf'>, shape: ModelShape, sink: BlockSink) {
    this.#folder = folder;
    this.#shape = shape;
    this.#sink = sink;
  }

  /** @param find gives the kept rows, as long as they are kept */
  add(find: () => PrefixEntry | undefined): void {
    if (this.#isOff) return;
    if (this.#queue.length >= MAX_PENDING) this.#queue.shift();
    this.#queue.push({ find, next: 0 });
  }

  /** Nothing more is written. */
  turnOff(): void {
    this.#isOff = true;
    this.#queue.length = 0;
  }

  /** Takes the next block, a millisecond or two. @returns false where there is none, or the disk has enough to do */
  async step(): Promise<boolean> {
    const [first] = this.#queue;
    if (!first || !this.#sink.hasRoom) return false;
    const entry = first.find();
    first.hashes ??= entry ? blockHashes(entry.cache.kvDtype, entry.ids) : [];
    const block = first.next++;
    const hash = first.hashes[block];
    if (!entry || hash === undefined) this.#queue.shift();
    else if ((this.#folder.startOf(hash) ?? Infinity) > entry.start)
      this.#sink.writeBlock({
        hash,
        start: entry.start,
        block,
        rows: await packBlock(this.#shape, entry, block),
      });
    return true;
  }
}

async function packBlock(
  shape: ModelShape,
  { cache, start }: PrefixEntry,
  block: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const parts = blockParts(shape, cache.kvDtype, block, start);
  const packed = new Uint8Array(partsBytes(parts));
  for (const { layer, from, to, offset } of parts) {
    if (from === to) continue;
    const rows = cache.read(layer, from, to);
    packed.set(await rows.pack(0, to - from), offset);
    rows.release();
  }
  return packed;
}
