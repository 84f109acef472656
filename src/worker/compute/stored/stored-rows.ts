/**
 * Reads rows from disk into the cache of a prompt that begins with them. What is missing or damaged is computed: to go on from stored
 * rows is a hint, and the prompt goes on from as many as were found.
 */
import { strategyOf } from '../../../core/strategy.js';
import { type KvDtype, kvRowBytes, type ModelShape } from '../../../core/shape.js';
import type { Block } from '../../../prefix-store/block-file.js';
import type { BlockFolder, ReadBlock } from '../../../prefix-store/block-folder.js';
import { BLOCK_TOKENS, blockHashes } from '../../../prefix-store/block-hashes.js';
import { blockParts, type LayerPart, partsBytes } from '../../../prefix-store/block-layout.js';
import type { ToStore } from '../../threads/store-messages.js';
import { type Pause, pauseBetween } from '../prefill/turns.js';
import type { ActiveRequest } from '../requests/active-request.js';

/** Files that are read ahead of the one whose rows are put into the cache. */
const READ_AHEAD = 4;

/** The rows of stored blocks that a prompt can go on from. */
type Restored = { tokens: number; start: number };

export class StoredRows {
  readonly #folder: Pick<BlockFolder, 'read'>;
  readonly #shape: ModelShape;
  readonly #tell: (order: ToStore) => void;

  constructor(folder: Pick<BlockFolder, 'read'>, shape: ModelShape, tell: (order: ToStore) => void) {
    this.#folder = folder;
    this.#shape = shape;
    this.#tell = tell;
  }

  /** Fills the front of a request's cache, where the engine says that there is something; pauses after every block. */
  async *restore(request: ActiveRequest): AsyncGenerator<Pause, void, void> {
    const hashes = wantedHashes(request);
    if (hashes.length === 0) return;
    const found: Restored = { tokens: 0, start: 0 };
    // Only those ahead are held: a long prompt's rows are not in memory twice.
    const ahead = hashes.slice(0, READ_AHEAD).map((hash) => this.#folder.read(hash));
    for (const [block, hash] of hashes.entries()) {
      const file = (await ahead.shift()) as ReadBlock;
      const next = hashes[block + READ_AHEAD];
      if (next !== undefined) ahead.push(this.#folder.read(next));
      const read = this.#checked(file, hash, { request, block });
      if (!read) break;
      await request.recorder.time('cache', 0, () => this.#write(request, block, read));
      found.tokens = endOf(request, block);
      found.start = Math.max(found.start, read.start);
      yield pauseBetween(0);
    }
    this.#take(request, hashes, found);
  }

  /** Layers with a window may lack rows that the rest of the prompt sees: then all of it is computed. */
  #take(request: ActiveRequest, hashes: readonly string[], { tokens, start }: Restored): void {
    if (tokens === 0 || tokens < start) return void request.cache.startOver();
    request.cachedTokens = tokens;
    request.storedTokens = tokens;
    request.rowsStart = start;
    const used = hashes.slice(0, Math.ceil(tokens / BLOCK_TOKENS));
    this.#tell({ type: 'used', blocks: used.map((hash, block) => ({ hash, block })) });
  }

  /** @returns the block where it is whole and of the right size */
  #checked(
    read: ReadBlock,
    hash: string,
    { request, block }: { readonly request: ActiveRequest; readonly block: number },
  ): Block | undefined {
    const { kvDtype } = request.job.spec;
    if (typeof read !== 'string') {
      const parts = blockParts(this.#shape, kvDtype, block, read.start);
      if (partsBytes(parts) === read.rows.byteLength) return read;
    }
    this.#tell({ type: 'lost', hash, isDamaged: read !== 'missing' });
    return undefined;
  }

  async #write(request: ActiveRequest, block: number, { start, rows }: Block): Promise<void> {
    const { kvDtype } = request.job.spec;
    const end = endOf(request, block);
    for (const part of blockParts(this.#shape, kvDtype, block, start)) {
      if (part.from >= Math.min(part.to, end)) continue;
      await request.cache.writePacked(
        part.layer,
        part.from,
        rowsUpTo(end, part, rows, this.#rowBytes(kvDtype)),
      );
    }
  }

  #rowBytes(kvDtype: KvDtype): number {
    return kvRowBytes(this.#shape, kvDtype);
  }
}

/** The blocks that the request's front reaches into, as far as the rank knows their tokens; none where it does not go on from stored ones. */
function wantedHashes(request: ActiveRequest): string[] {
  const { spec, ids, reuse } = request.job;
  if (!reuse || reuse.entry !== undefined || request.rank !== 0) return [];
  if (!strategyOf(spec.strategy).reusesPrefix) return [];
  return blockHashes(spec.kvDtype, ids).slice(0, Math.ceil(mostTokens(request) / BLOCK_TOKENS));
}

/** Whoever is alone computes at least the last token, since nothing else gives its logits. */
function mostTokens({ job: { reuse, chain, ids, partition } }: ActiveRequest): number {
  const most = chain.length === 1 ? ids.length - 1 : (partition[0] ?? 0);
  return Math.min(reuse?.tokens ?? 0, most);
}

/** Tokens up to the end of a block, or of what the request may take of it. */
function endOf(request: ActiveRequest, block: number): number {
  return Math.min((block + 1) * BLOCK_TOKENS, mostTokens(request));
}

/** The bytes of a part's rows before `end`: keys, then values. A part that is taken whole is not copied. */
function rowsUpTo(
  end: number,
  { from, to, offset, bytes }: LayerPart,
  rows: Uint8Array<ArrayBuffer>,
  rowBytes: number,
): Uint8Array<ArrayBuffer> {
  const all = rows.slice(offset, offset + bytes);
  if (end >= to) return all;
  const half = ((end - from) * rowBytes) / 2;
  const some = new Uint8Array(2 * half);
  some.set(all.subarray(0, half));
  some.set(all.subarray(bytes / 2, bytes / 2 + half), half);
  return some;
}
