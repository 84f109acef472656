/**
 * Writes blocks, one after the other, keeps the folder within its bound, and knows which blocks of its model are there. Never fails: what
 * the file system refuses turns it off, with one line. Lives on a thread that has nothing else to do.
 */
import { rm } from 'node:fs/promises';
import { basename } from 'node:path';
import type { BlockFolder } from './block-folder.js';
import { filesToRemove, usedMsOf } from './eviction.js';

/** Blocks whose names are known, and told to engines: more are neither. 24 MB of names. */
export const MAX_KNOWN_BLOCKS = 1 << 20;

/** A block of a text, and from where it holds rows. */
export type KnownBlock = { readonly hash: string; readonly start: number };
export type UsedBlock = { readonly hash: string; readonly block: number };
export type NewBlock = KnownBlock & UsedBlock & { readonly rows: Uint8Array };

export type WriterEvents = {
  readonly onStored: (blocks: readonly KnownBlock[]) => void;
  readonly onGone: (hashes: readonly string[]) => void;
  /** One line: something was found damaged, or nothing more is written. */
  readonly onWarning: (words: string) => void;
};

export type WriterOptions = {
  readonly limitBytes: number;
  /** Whether blocks may lack rows of layers with a window. */
  readonly hasWindows: boolean;
  readonly clock?: () => number;
};

export class BlockWriter {
  readonly #folder: BlockFolder;
  readonly #options: WriterOptions;
  readonly #events: WriterEvents;
  readonly #clock: () => number;
  readonly #known = new Map<string, number>();
  /** Of all blocks in the folder, as far as is known: other processes write there, too. */
  #bytes = 0;
  #isOff = false;

  constructor(folder: BlockFolder, options: WriterOptions, events: WriterEvents) {
    this.#folder = folder;
    this.#options = options;
    this.#events = events;
    this.#clock = options.clock ?? Date.now;
  }

  get isOff(): boolean {
    return this.#isOff;
  }

  /** Finds what is there, and removes what is too much and what is left of writers that were ended. */
  async open(): Promise<void> {
    await this.#guarded(() => this.#makeRoom());
    const hashes = (await this.#folder.hashes()).slice(0, MAX_KNOWN_BLOCKS);
    this.#learn(hashes.flatMap((hash) => this.#knownOf(hash)));
  }

  /** Writes a block, unless it is there with as many rows. */
  async write({ hash, start, block, rows }: NewBlock): Promise<void> {
    if (this.#isOff || (this.#folder.startOf(hash) ?? Infinity) <= start) return;
    await this.#guarded(async () => {
      const usedMs = usedMsOf(this.#clock(), block);
      this.#bytes += await this.#folder.write({ hash, start }, rows, usedMs);
      this.#learn([{ hash, start }]);
      if (this.#bytes > this.#options.limitBytes) await this.#makeRoom();
    });
  }

  /** Blocks were read: they stay longest. */
  async noteUse(blocks: readonly UsedBlock[]): Promise<void> {
    const nowMs = this.#clock();
    for (const { hash, block } of blocks) await this.#folder.touch(hash, usedMsOf(nowMs, block));
  }

  /** A block could not be read as it was written. */
  async drop(hash: string, isDamaged: boolean): Promise<void> {
    if (isDamaged) {
      this.#events.onWarning(`${this.#folder.pathOf(hash)} is damaged: it is removed, its rows are computed`);
      await this.#folder.remove(hash);
    }
    this.#known.delete(hash);
    // Engines may know it from before this process was started.
    this.#events.onGone([hash]);
  }

  #knownOf(hash: string): KnownBlock[] {
    const start = this.#options.hasWindows ? this.#folder.startOf(hash) : 0;
    return start === undefined ? [] : [{ hash, start }];
  }

  async #makeRoom(): Promise<void> {
    const { blocks, leftOver } = await this.#folder.files(this.#clock());
    const gone = filesToRemove(blocks, this.#options.limitBytes);
    for (const path of [...leftOver, ...gone.map(({ path }) => path)]) await rm(path, { force: true });
    this.#bytes = [blocks, gone.map((file) => ({ ...file, bytes: -file.bytes }))]
      .flat()
      .reduce((sum, { bytes }) => sum + bytes, 0);
    this.#forget(gone.map(({ path }) => basename(path, '.rows')));
  }

  async #guarded(act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      this.#isOff = true;
      this.#events.onWarning(
        `the prefix cache on disk is off, nothing more is written to ${this.#folder.folder}: ${reasonOf(error)}`,
      );
    }
  }

  #learn(blocks: readonly KnownBlock[]): void {
    const fresh = blocks.filter(() => this.#known.size < MAX_KNOWN_BLOCKS);
    for (const { hash, start } of fresh) this.#known.set(hash, start);
    if (fresh.length > 0) this.#events.onStored(fresh);
  }

  #forget(hashes: readonly string[]): void {
    const gone = hashes.filter((hash) => this.#known.delete(hash));
    if (gone.length > 0) this.#events.onGone(gone);
  }
}

/** Without names of files, so that all who find a disk full say the same. */
function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT' ? `the disk is full (${code})` : (code ?? message);
}
