/**
 * The model, and what it runs on: workers, threads, element types, memory. Bounds and defaults are the engine's own.
 */
import { Option } from 'commander';
import { z } from 'zod';
import { KV_DTYPES, type KvDtype } from '../../core/shape.js';
import {
  type AskedDtype,
  DEFAULT_CHUNK_TOKENS,
  DTYPE_CHOICES,
  engineOptionsSchema,
  KV_WIRES,
  SAMPLING_DEFAULTS,
  type SamplingDefaultsChoice,
} from '../../engine/options/options.js';
import { DEFAULT_PREFIX_DISK_BYTES } from '../../engine/options/defaults.js';
import { describeBounds } from '../terminal/numbers.js';
import { choiceFlag, numberFlag } from './kinds.js';
import { type RoomFlags, roomFlags } from './room.js';
import { type SecurityFlags, securityFlags } from './security.js';
import { parseWorkers, workersSchema } from './workers.js';

export type ModelFlags = SecurityFlags &
  RoomFlags & {
    readonly model: string;
    readonly workers?: number | string[];
    readonly insecure?: true;
    readonly threads?: number;
    readonly decodeThreads?: number;
    readonly dtype?: AskedDtype;
    readonly kvDtype?: KvDtype;
    readonly kvWire?: (typeof KV_WIRES)[number];
    readonly samplingDefaults?: SamplingDefaultsChoice;
    readonly byteTokens?: true;
    readonly cacheDir?: string;
    readonly chunkTokens?: number;
    readonly kvMemory?: number;
    readonly prefixCache?: number;
    readonly prefixCacheDir?: string;
    /** GB. */
    readonly prefixCacheDisk?: number;
    /** True unless --no-calibrate is given. */
    readonly calibrate?: boolean;
  };

const megabytesSchema = z.number().int().min(1).max(1_000_000_000);
const gigabytesSchema = z.number().min(0.001).max(1_000_000);
const megabytesOrNoneSchema = z.number().int().min(0).max(1_000_000_000);
const { threads, decodeThreads, chunkTokens } = engineOptionsSchema.shape;

export const modelFlag = (): Option =>
  new Option(
    '-m, --model <MODEL>',
    'a HuggingFace folder or a GGUF file (of a split one any part); ORG/NAME or ORG/NAME/FILE.gguf, either with @REVISION, from the cache of the hub (kvr pull fetches it); "quote"; or "synthetic:NAME,layers=N" for random weights',
  ).makeOptionMandatory();

/** A fresh list each time, since a parsed command keeps the options it was given. */
export const machineFlags = (): Option[] => [
  new Option(
    '-w, --workers <N|ADDRESSES>',
    `worker processes (${describeBounds(workersSchema)}); 1 unless given, or as many as --partition has sizes; or running ones as HOST:PORT,HOST:PORT in chain order`,
  ).argParser(parseWorkers),
  numberFlag(
    '-t, --threads <N>',
    'threads of each worker; an equal share of the cores unless given',
    threads,
  ),
  numberFlag(
    '--decode-threads <N>',
    'threads of the worker that writes the answer while the others are idle; unless given, those of all workers together (at most 16), or --threads at f32',
    decodeThreads,
  ),
  choiceFlag(
    '--dtype <TYPE>',
    'element type of the weights: f32 is exact; auto, unless given, keeps f32 for small models and else takes the fastest that fits, by memory and measured speed',
    DTYPE_CHOICES,
  ),
  choiceFlag(
    '--kv-dtype <TYPE>',
    'element type of keys and values; f16 halves their memory and what workers send each other, q8 takes about a quarter; f32 unless given',
    KV_DTYPES,
  ),
  choiceFlag(
    '--kv-wire <CHOICE>',
    'auto: where the plan finds that links hold a request up, its keys and values are q8, and its result says so; exact, unless given, never does that',
    KV_WIRES,
  ),
  choiceFlag(
    '--sampling-defaults <FROM>',
    'how tokens are drawn where nothing is said: checkpoint, unless given, as its generation_config.json says; none ignores that',
    SAMPLING_DEFAULTS,
  ),
  new Option('--byte-tokens', 'read text as bytes where the checkpoint brings no tokenizer'),
  new Option(
    '--cache-dir <DIR>',
    'where compiled models are kept; KVR_CACHE_DIR or ~/.cache/kv-runahead unless given',
  ),
  numberFlag(
    '--chunk-tokens <N>',
    `prompt tokens in one kernel call; ${DEFAULT_CHUNK_TOKENS} unless given`,
    chunkTokens,
  ),
  numberFlag(
    '--kv-memory <MB>',
    'the most memory that each worker may use for keys and values; half of the machine, shared among its workers, unless given',
    megabytesSchema,
  ),
  numberFlag(
    '--prefix-cache <MB>',
    'the part of --kv-memory that keeps finished requests, for later prompts that begin alike; a quarter in chat and with --prefix-cache-dir, else 0 (off), unless given',
    megabytesOrNoneSchema,
  ),
  new Option(
    '--prefix-cache-dir <DIR>',
    'keep them on disk as well, so that they are found after a restart; workers and commands may share a folder',
  ),
  numberFlag(
    '--prefix-cache-disk <GB>',
    `the most that all files in that folder may take; ${DEFAULT_PREFIX_DISK_BYTES / 1e9} unless given`,
    gigabytesSchema,
  ),
  ...roomFlags(),
  ...securityFlags(),
  new Option(
    '--insecure',
    'workers of other machines without a key: whoever reaches the links can read the prompts and use the workers',
  ),
  // Holds by itself: nothing but `kvr pull` knows how to ask. Scripts may say so all the same.
  new Option('--offline', 'never ask the network for a model, which no command but kvr pull ever does'),
  new Option('--no-calibrate', 'do not measure the workers at first use; slices are then even'),
];
