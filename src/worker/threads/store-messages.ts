/**
 * What the store's thread hears and says. Its orders come from the compute thread, by way of the network thread.
 */
import type { KnownBlock, NewBlock, UsedBlock } from '../../prefix-store/block-writer.js';

export type ToStore =
  /** The rows move; their KiB are counted as unwritten until they are on the disk. */
  | { readonly type: 'write'; readonly block: NewBlock }
  | { readonly type: 'used'; readonly blocks: readonly UsedBlock[] }
  /** A block is not there, or is not what it should be. */
  | { readonly type: 'lost'; readonly hash: string; readonly isDamaged: boolean };

export type FromStore =
  | { readonly type: 'stored'; readonly blocks: readonly KnownBlock[] }
  /** All that was there at the start has been told. */
  | { readonly type: 'open' }
  | { readonly type: 'gone'; readonly hashes: readonly string[] }
  | { readonly type: 'warning'; readonly words: string }
  /** Nothing more is written. */
  | { readonly type: 'off' };

/** Where blocks are kept, and how much of them. */
export type PrefixDisk = { readonly folder: string; readonly bytes: number };

/** What the thread is started with. */
export type StoreSettings = PrefixDisk & {
  readonly model: string;
  readonly hasWindows: boolean;
  /** As in ComputeSettings. */
  readonly counters: SharedArrayBuffer;
};

/** Blocks that may wait for a slow disk: more are not packed until some are written. */
export const MAX_UNWRITTEN_KIB = 64 << 10;
