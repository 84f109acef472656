/**
 * The flags of `kvr worker`.
 */
import { hostname } from 'node:os';
import { Option } from 'commander';
import { z } from 'zod';
import { KvrError } from '../../core/errors.js';
import { type Address, parseAddress } from '../../link/address.js';
import { workerNameSchema } from '../../worker/protocol/index.js';
import {
  machineFlags,
  type ModelFlags,
  modelFlag,
  numberFlag,
  type OutputFlags,
  outputFlags,
} from '../flags/index.js';

export type WorkerFlags = Omit<ModelFlags, 'workers' | 'model'> & OutputFlags & OwnFlags;
type OwnFlags = {
  /** Undefined with --join alone, which is without it: the one that is fetched. */
  readonly model?: string;
  /** False where --no-listen is given. */
  readonly listen?: Address | false;
  readonly insecure?: true;
  readonly join?: Address;
  readonly advertise?: Address;
  readonly name?: string;
  /** Seconds. */
  readonly drain?: number;
  /** False where --no-fetch is given. */
  readonly fetch?: boolean;
  /** Megabytes. */
  readonly maxCache?: number;
};

const MACHINE_FLAGS = [
  ...['threads', 'dtype', 'cache-dir', 'chunk-tokens', 'kv-memory'],
  ...['prefix-cache', 'prefix-cache-dir', 'prefix-cache-disk'],
];
const SECURITY_FLAGS = ['cluster-key-file', 'tls-cert', 'tls-key', 'tls-ca'];
const ROOM_FLAGS = ['cluster', 'room', 'nats-creds'];
const TAKEN_OVER = [...MACHINE_FLAGS, ...SECURITY_FLAGS, ...ROOM_FLAGS];
/** As long as `kvr serve` lets requests go on. */
export const DEFAULT_DRAIN_S = 30;
const drainSchema = z.number().min(0).max(3600);
const megabytesSchema = z.number().int().min(1).max(1_000_000_000);

export const workerFlags = (): Option[] => [
  new Option(
    '-l, --listen <HOST:PORT>',
    'where to listen; port 0 takes a free one, and so it is with --join and --cluster unless given',
  ).argParser(parseAddress),
  new Option(
    '--no-listen',
    'with --join: do not listen; others are dialled, and at most one such worker is of use',
  ),
  new Option(
    '-j, --join <HOST:PORT>',
    'dial the server that listens there (kvr serve --listen-workers), and dial again whenever the link ends',
  ).argParser(parseAddress),
  new Option(
    '--name <NAME>',
    'with --join and --cluster: what to be called; the name of this machine unless given',
  ).argParser(parseName),
  new Option(
    '--advertise <HOST:PORT>',
    'with --cluster: where others reach this worker, port 0 for the one that it listens on; unless given, the address by which this machine reaches the NATS server',
  ).argParser(parseAddress),
  modelFlag().makeOptionMandatory(false),
  new Option(
    '--no-fetch',
    'with --join and without --model: take the model from the cache of this machine or end',
  ),
  numberFlag(
    '--max-cache <MB>',
    'with --join and without --model: do not fetch what would make the compiled models of this machine more than this',
    megabytesSchema,
  ),
  ...machineFlags().filter((option) => TAKEN_OVER.includes(option.name())),
  new Option(
    '--insecure',
    'listen, and join, beyond this machine without a key: whoever reaches the port can use the worker and read the prompts',
  ),
  numberFlag(
    '--drain <SECONDS>',
    `with --join and --cluster: how long requests may go on after an interrupt; ${DEFAULT_DRAIN_S} unless given`,
    drainSchema,
  ),
  ...outputFlags().filter((option) => option.name() !== 'json'),
];

/** @throws BAD_INPUT */
function parseName(text: string): string {
  if (workerNameSchema.safeParse(text).success) return text;
  throw new KvrError(
    'BAD_INPUT',
    `--name is up to 64 letters, digits, dots, dashes and underscores, and begins with one of the first two or the last; give another`,
  );
}

/** What a worker asks to be called: of this machine's name what a worker's may have. */
export function nameOf({ name }: WorkerFlags): string {
  const own = hostname()
    .replace(/[^A-Za-z0-9._-]/g, '-')
    .replace(/^[.-]+/, '')
    .slice(0, 64);
  return name ?? (own || 'worker');
}

/** @throws BAD_INPUT for flags that say nothing together */
export function checkFlags(flags: WorkerFlags): void {
  const { join, cluster, listen, model } = flags;
  if (join && cluster) throw bad('--join and --cluster exclude each other; give one of them');
  if (cluster && listen === false)
    throw bad('--no-listen is for workers that dial; with --cluster a worker is dialled, so leave it out');
  if (!join && listen === false)
    throw bad('--no-listen leaves nobody to work for; give --join HOST:PORT with it');
  if (!join && !cluster && !listen)
    throw bad(
      'a worker listens or joins; give --listen HOST:PORT, --join HOST:PORT or --cluster nats://HOST',
    );
  if (!join && model === undefined) throw bad('--model is missing; give it, or --join a server that has one');
  checkIdle(flags);
  if (model !== undefined && (flags.fetch === false || flags.maxCache !== undefined))
    throw bad(
      `${flags.fetch === false ? '--no-fetch' : '--max-cache'} is about a model that is not given; leave it or --model out`,
    );
}

/** @throws BAD_INPUT for flags that nothing would be done with */
function checkIdle({ join, cluster, name, drain, fetch, maxCache, advertise }: WorkerFlags): void {
  const ofJoining = { '--max-cache': maxCache, '--no-fetch': fetch === false || undefined };
  const ofBoth = { '--name': name, '--drain': drain };
  const given = (flags: object): string | undefined =>
    Object.entries(flags).find(([, value]) => value !== undefined)?.[0];
  const idle = (!join && given(ofJoining)) || (!join && !cluster && given(ofBoth));
  if (idle) throw bad(`${idle} is for workers that join; give --join HOST:PORT with it`);
  if (!cluster && advertise) throw bad('--advertise is for workers that are found; give --cluster with it');
}

function bad(message: string): KvrError {
  return new KvrError('BAD_INPUT', message);
}
