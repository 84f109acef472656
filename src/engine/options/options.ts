/**
 * The options of an engine, with every bound. Checked once, on entry; trusted inside.
 */
import { z } from 'zod';
import { roomAddressSchema } from '../../cluster/room/room-address.js';
import { MAX_LOCAL_WORKERS } from '../../cluster/worker-source.js';
import { MAX_RANKS } from '../../core/partition.js';
import { type Dtype, DTYPES, KV_DTYPES } from '../../core/shape.js';
import { linkSecuritySchema } from '../../link/security/link-security.js';
import type { CompileFacts } from '../../model/compile.js';
import type { CompileForecast } from '../../model/compile-forecast.js';
import { MAX_REQUESTS } from '../../worker/protocol/index.js';

/** Rows that go through a block in one call: enough for the matrix kernels' full speed, little memory (measured). */
export const DEFAULT_CHUNK_TOKENS = 512;
/** Enough for a last rank's steps to be shared by many; each more makes a step a little longer for all. */
export const DEFAULT_RUNNING = 16;

/** Enough for a worker that dies now and then; a request that kills every worker it meets ends soon. */
const DEFAULT_RETRIES = 3;

/** Requests that may wait for their turn unless told otherwise; each holds only its ids. */
export const MAX_WAITING = 256;

/** 'auto' allows a plan to round a request's keys and values to int8 where links would hold it up. */
export const KV_WIRES = ['exact', 'auto'] as const;

export const DTYPE_CHOICES = [...DTYPES, 'auto'] as const;
export type AskedDtype = (typeof DTYPE_CHOICES)[number];

export const SAMPLING_DEFAULTS = ['checkpoint', 'none'] as const;
export type SamplingDefaultsChoice = (typeof SAMPLING_DEFAULTS)[number];

export const engineOptionsSchema = z.strictObject({
  /** A HuggingFace folder, `ORG/NAME` of the hub (as `kvr pull` fetched it), `quote`, or `synthetic:NAME,layers=N`. */
  model: z.string().min(1),
  /**
   * Worker processes on this machine; or the addresses (HOST:PORT, in chain order) of workers that already run; or where to listen
   * for workers that dial: { listen: HOST:PORT }; or the room at NATS in which they are found: { room: { servers: ['nats://HOST:4222'],
   * name: 'kvr' } }. Beyond this machine both want `security` or `insecure: true`.
   */
  workers: z
    .union([
      z.number().int().min(1).max(MAX_LOCAL_WORKERS),
      z.array(z.string()).min(1).max(MAX_RANKS),
      z.strictObject({ listen: z.string(), insecure: z.boolean().optional() }),
      z.strictObject({
        room: roomAddressSchema,
        insecure: z.boolean().optional(),
        /** Begin although nobody is there yet. */
        mayBeEmpty: z.boolean().optional(),
      }),
    ])
    .default(1),
  /** How links to workers that already run are secured; without it they are plain. It says where the secret is, never what it is. */
  security: linkSecuritySchema.optional(),
  /** Kernel threads of each worker; by default the machine's cores shared out evenly. */
  threads: z.number().int().min(1).max(256).optional(),
  /**
   * Kernel threads of a worker that decodes while the others have nothing to do; by default those of all workers together
   * (16 at most), except with f32 weights, whose second mapping would double what the system shows as resident.
   */
  decodeThreads: z.number().int().min(1).max(256).optional(),
  /**
   * 'f32' is exact. 'auto' keeps it for small models; else it picks the fastest that fits, by memory and measured speed, and
   * takes what running workers have.
   */
  dtype: z.enum(DTYPE_CHOICES).default('auto'),
  /** Of keys and values, in caches and on the wire; 'f16' halves both, 'q8' takes a quarter and a scale for each head of a row. */
  kvDtype: z.enum(KV_DTYPES).default('f32'),
  /**
   * 'auto': a request has q8 keys and values where the plan says that links are the limit, and its result says so. The whole
   * request: its tokens do not depend on which rows went over a link. Needs calibration.
   */
  kvWire: z.enum(KV_WIRES).default('exact'),
  /** Whether requests that do not say how to draw tokens do as the checkpoint's generation_config.json says. */
  samplingDefaults: z.enum(SAMPLING_DEFAULTS).default('checkpoint'),
  /** Text is bytes for a checkpoint that brings no tokenizer; it takes token ids alone unless given. */
  byteTokens: z.boolean().default(false),
  cacheDir: z.string().optional(),
  chunkTokens: z.number().int().min(1).max(65_536).default(DEFAULT_CHUNK_TOKENS),
  /** Bytes of KV-cache each worker may hold. */
  kvMemoryBytes: z.number().int().min(1).optional(),
  /**
   * The part of it that caches of ended requests may take, for later prompts that begin with the same tokens; 0 is off, and what
   * holds unless given, or a quarter where there is a folder for them. Workers that run already have a bound of their own.
   */
  prefixCacheBytes: z.number().int().min(0).optional(),
  /** A folder where they are kept on disk as well, so that they are found after a restart. */
  prefixCacheDir: z.string().min(1).optional(),
  /** Bytes that all blocks in that folder may take together; DEFAULT_PREFIX_DISK_BYTES unless given. */
  prefixDiskBytes: z.number().int().min(1).optional(),
  /** Requests under way at once; what the workers' memory has no room for waits as well. */
  maxRunning: z.number().int().min(1).max(MAX_REQUESTS).default(DEFAULT_RUNNING),
  /** Requests that may wait for their turn; one more is refused with BUSY. */
  maxWaiting: z.number().int().min(1).max(100_000).default(MAX_WAITING),
  /** How often a request that loses a worker or a link is run again before it fails. Its tokens are the same. */
  retries: z.number().int().min(0).max(100).default(DEFAULT_RETRIES),
  /**
   * Where prompts become ids and grammars are checked. 'threads': small ones on the spot, others on threads of their own,
   * within a time and memory, so that no request holds the program. 'inline': all on the spot, for one's own prompts.
   */
  preparation: z.enum(['threads', 'inline']).default('threads'),
  /**
   * Measure the workers and links (once; kept in the cache) so that requests are planned; without, slices are even.
   * 'fresh' measures again whatever is kept: links change without a trace.
   */
  calibrate: z.union([z.boolean(), z.literal('fresh')]).default(true),
});

export type EngineHooks = {
  readonly signal?: AbortSignal;
  /** Long steps of loading: `what` names the step, `fraction` goes from 0 to 1. */
  readonly onProgress?: (what: string, fraction: number) => void;
  /** What was decided where the options leave it open, one line each. */
  readonly onChoice?: (words: string) => void;
  /**
   * What went wrong and was put right, or does not matter, such as a damaged file of the cache: one line each. They become
   * warnings of the process where this is not given.
   */
  readonly onWarning?: (words: string) => void;
  /** What happens to workers that may join, one line each. */
  readonly onNews?: (words: string) => void;
  /** What compiling will take, before it begins; not called where the model was in the cache. */
  readonly onCompiling?: (forecast: CompileForecast) => void;
  /** What compiling took; not called where the model was in the cache. */
  readonly onCompiled?: (facts: CompileFacts) => void;
};
export type EngineOptions = z.input<typeof engineOptionsSchema> & EngineHooks;
export type AskedSettings = z.output<typeof engineOptionsSchema>;
/** With everything decided. */
export type EngineSettings = Omit<AskedSettings, 'dtype'> & { readonly dtype: Dtype };

export function warningOf({ onWarning }: Pick<EngineHooks, 'onWarning'>): (words: string) => void {
  return onWarning ?? ((words) => process.emitWarning(words));
}
