/**
 * What the two threads of a worker say to each other. Buffers in these messages are transferred, not copied,
 * unless a comment says otherwise.
 */
import type { KvrErrorCode } from '../../core/errors.js';
import type { TokenLogprobs } from '../../core/sampling.js';
import type { Dtype, ModelShape } from '../../core/shape.js';
import type { RankTimeline } from '../../core/timeline.js';
import type { PrefixDisk, ToStore } from './store-messages.js';
import type { Phase, ProbeMessage, ProbeSample, RunMessage } from '../protocol/index.js';

/** A run message and its ids; slice ids (and the next, see RunMessage) for all ranks but the last, which gets the whole prompt. */
export type Job = RunMessage & {
  readonly ids: Int32Array;
  /** On the last rank, the answer so far, as an earlier chain has given it; else empty. */
  readonly answer: Int32Array;
  /** The number of the engine's link, whose vocabulary the grammar is for. */
  readonly owner: number;
};

/** What the model thinks of some of a prompt's tokens. */
export type ScoredRows = {
  /** Of the first row; it is about the token behind it. */
  readonly start: number;
  readonly top: number;
  /** [rows, 1 + 2·top]: the token's own log-probability, then ids and log-probabilities of the likeliest, best first. */
  readonly scores: Float64Array<ArrayBuffer>;
};

export type KvRows = {
  readonly request: number;
  readonly layer: number;
  readonly start: number;
  readonly rows: number;
  /** keys [rows, kvHeads·D] in the request's element type, then values likewise. */
  readonly payload: Uint8Array<ArrayBuffer>;
};

export type ToCompute =
  | { readonly type: 'run'; readonly job: Job }
  | ({ readonly type: 'kv' } & KvRows)
  | { readonly type: 'probe'; readonly probe: ProbeMessage }
  | { readonly type: 'cancel'; readonly request: number }
  | { readonly type: 'cores'; readonly all: boolean }
  | {
      readonly type: 'vocabulary';
      readonly owner: number;
      readonly tokens: number;
      readonly packed: Uint8Array<ArrayBuffer>;
    }
  /** The engine of that link has left. */
  | { readonly type: 'forget'; readonly owner: number }
  /** The engine that kept entries are for has left. */
  | { readonly type: 'drop'; readonly entries: readonly number[] }
  /** Nothing more is written to disk. */
  | { readonly type: 'storeOff' }
  | { readonly type: 'close' };

export type FromCompute =
  | { readonly type: 'ready'; readonly digest: string; readonly dtype: Dtype; readonly shape: ModelShape }
  | ({ readonly type: 'publish' } & KvRows)
  | { readonly type: 'progress'; readonly request: number; readonly phase: Phase; readonly layer: number }
  | {
      readonly type: 'token';
      readonly request: number;
      readonly index: number;
      readonly id: number;
      readonly logprobs?: TokenLogprobs;
      readonly onAllCores?: true;
      readonly logits?: Float32Array<ArrayBuffer>;
    }
  /** Rows of the rank's slice after the final norm, added up, [hidden]. */
  | {
      readonly type: 'pooled';
      readonly request: number;
      readonly tokens: number;
      readonly sums: Float64Array<ArrayBuffer>;
    }
  | ({ readonly type: 'promptLogprobs'; readonly request: number } & ScoredRows)
  | { readonly type: 'prefilled'; readonly request: number; readonly timeline: RankTimeline }
  | { readonly type: 'kept'; readonly request: number; readonly ids: Int32Array<ArrayBuffer> }
  | { readonly type: 'dropped'; readonly entry: number }
  | { readonly type: 'finished'; readonly request: number; readonly reason: 'stop' | 'length' | 'cancelled' }
  | {
      readonly type: 'failed';
      readonly request?: number;
      readonly code: KvrErrorCode;
      readonly message: string;
      readonly phase: Phase;
      readonly layer?: number;
    }
  | { readonly type: 'probed'; readonly probe: number; readonly samples: ProbeSample[] }
  /** For the store's thread. */
  | { readonly type: 'store'; readonly order: ToStore }
  | { readonly type: 'drained' }
  /** The model's pages are mapped and the heap has the size that calls need, unless a request came before that. */
  | { readonly type: 'warm' }
  /** Nothing has come for a while: the other thread may clear up, too. */
  | { readonly type: 'quiet' };

/** What the compute thread is started with. */
export type ComputeSettings = {
  readonly compiledFolder: string;
  readonly threads: number;
  /** Threads of a decode step while the worker has all cores. */
  readonly decodeThreads: number;
  readonly chunkTokens: number;
  readonly kvBytesLimit: number;
  /** The part of it that caches of ended requests may take. */
  readonly prefixCacheBytes: number;
  /** Where they are kept on disk as well. */
  readonly prefixDisk?: PrefixDisk | undefined;
  /** i32 words shared by both threads; see COUNTERS. */
  readonly counters: SharedArrayBuffer;
};

/** Words of the shared counters. */
export const COUNTERS = {
  /** Raised with every message to the compute thread, which sleeps on it. */
  posted: 0,
  /** KiB of own KV handed to the network thread and not yet taken by the system. */
  unsentKib: 1,
  /** KiB of others' KV handed to the compute thread and not yet in a cache. */
  unreadKib: 2,
  /** KiB of blocks handed to the store's thread and not yet on the disk. */
  unwrittenKib: 3,
} as const;
export const COUNTER_BYTES = 4 * Object.keys(COUNTERS).length;

/** Own KV that may wait for a slow link before the compute thread does. */
export const MAX_UNSENT_KIB = 256 << 10;
/** Others' KV that may wait for the compute thread before their links are paused. */
export const MAX_UNREAD_KIB = 256 << 10;

export function kib(bytes: number): number {
  return Math.ceil(bytes / 1024);
}
