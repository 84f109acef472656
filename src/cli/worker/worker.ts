/**
 * `kvr worker`: serves a model to engines that name its address with --workers, one after the other or at once, until
 * it is interrupted. It listens beyond this machine only with a key or certificates, or with --insecure.
 */
import { availableParallelism } from 'node:os';
import { Option } from 'commander';
import { endWorkerProcess, startWorkerProcess } from '../../cluster/worker-process.js';
import { exitStatus, KvrError } from '../../core/errors.js';
import { type Dtype, KV_DTYPES } from '../../core/shape.js';
import { compileDecided, openWithProgress } from '../../engine/load/load.js';
import { DEFAULT_CHUNK_TOKENS } from '../../engine/options/options.js';
import { defaultKvBytes, defaultPrefixCacheBytes, prefixDiskOf } from '../../engine/options/defaults.js';
import { type Address, formatAddress, parseAddress } from '../../link/address.js';
import type { LinkSecurity } from '../../link/security/link-security.js';
import { cacheFolder } from '../../model/cache/index.js';
import type { WorkerSettings } from '../../worker/protocol/settings.js';
import type { Command } from '../run/command.js';
import {
  choiceWriter,
  compiledWriter,
  compilingWriter,
  runContext,
  type RunContext,
  warningWriter,
} from '../run/engine-run.js';
import { checkPrefixDisk, prefixDiskOptions } from '../flags/engine-options.js';
import {
  checkListenReach,
  linkSecurity,
  machineFlags,
  type ModelFlags,
  modelFlag,
  notEmpty,
  type OutputFlags,
  outputFlags,
} from '../flags/index.js';
import { formatPlural, oneLine } from '../terminal/format.js';
import type { Shell } from '../terminal/shell.js';

type Flags = Omit<ModelFlags, 'workers'> & OutputFlags & OwnFlags;
type OwnFlags = { readonly listen: Address; readonly insecure?: true };

const BYTES_PER_MB = 1e6;
const MACHINE_FLAGS = [
  'threads',
  'dtype',
  'cache-dir',
  'chunk-tokens',
  'kv-memory',
  'prefix-cache',
  'prefix-cache-dir',
  'prefix-cache-disk',
];
const SECURITY_FLAGS = ['cluster-key-file', 'tls-cert', 'tls-key', 'tls-ca'];

export const worker: Command<Flags> = {
  flags: () => [
    new Option('-l, --listen <HOST:PORT>', 'where to listen; port 0 takes a free one')
      .argParser(parseAddress)
      .makeOptionMandatory(),
    modelFlag(),
    ...machineFlags().filter((option) => [...MACHINE_FLAGS, ...SECURITY_FLAGS].includes(option.name())),
    new Option(
      '--insecure',
      'listen beyond this machine without a key: whoever reaches the port can use the worker and read the prompts',
    ),
    ...outputFlags().filter((option) => option.name() !== 'json'),
  ],
  epilogue: `Prints one line once it listens, and works until it is interrupted. It works for every engine that names its
address: kvr generate --workers HOST:PORT,HOST:PORT. Give all of them the same --model, --dtype and --chunk-tokens.
Links over a network are TLS where a cluster key is given, to it and to the engines: kvr key > room.key makes one.

Example, on one machine:
  kvr worker --listen 127.0.0.1:7001 --model quote --threads 1 &
  kvr worker --listen 127.0.0.1:7002 --model quote --threads 1 &
  kvr generate --model quote --workers 127.0.0.1:7001,127.0.0.1:7002 --prompt-file story.txt`,
  run: runWorker,
};

async function runWorker(flags: Flags, _argument: string | undefined, shell: Shell): Promise<void> {
  const security = linkSecurity(flags);
  checkListenReach('--listen', flags.listen, security, flags.insecure === true);
  const context = runContext(shell, flags);
  const { digest, dtype, folder } = await compile(flags, context).finally(() => context.progress.clear());
  const settings = settingsOf(flags, folder, security);
  const onStderr = (text: string): unknown => shell.stderr.write(text);
  // Compiled in this process, so that the memory for compiling never counts as the worker's.
  const started = await startWorkerProcess(settings, { name: 'the worker', onStderr }, shell.signal).catch(
    asOwnError,
  );
  try {
    const bound = parseAddress(started.address);
    shell.stdout.write(`${greeting(bound, { ...flags, dtype }, digest, settings.threads)}\n`);
    await Promise.race([started.exited, aborted(shell.signal)]);
    if (!shell.signal.aborted && started.process.exitCode !== 0) throw started.endError();
  } finally {
    await endWorkerProcess(started);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** An error before the worker listens is about the flags given here, so it is reported as bad input. @throws always */
function asOwnError(error: unknown): never {
  if (!(error instanceof KvrError) || error.code !== 'WORKER_DIED') throw error;
  const { status, reason } = error.fields;
  const asked = new KvrError('BAD_INPUT', String(reason), {}, error);
  throw status === exitStatus(asked) ? asked : error;
}

async function compile(flags: Flags, context: RunContext) {
  const { shell, progress } = context;
  const cache = cacheFolder(flags.cacheDir);
  const onProgress = (what: string, fraction: number): void => progress.update(what, fraction);
  const onWarning = warningWriter(context);
  const onChoice = choiceWriter(context);
  const hooks = {
    signal: shell.signal,
    onProgress,
    onWarning,
    onChoice,
    onCompiling: compilingWriter(context),
    onCompiled: compiledWriter(context),
  };
  const checkpoint = await openWithProgress(notEmpty('--model', flags.model), cache, hooks);
  try {
    // Engines elsewhere take its answers for final, so all of the files are read before it listens.
    const compiled = await compileDecided(checkpoint, dtypeSettings(flags), cache, hooks, true);
    return { digest: checkpoint.digest, ...compiled };
  } finally {
    await checkpoint.close();
  }
}

/** Whatever keys and values engines ask for, they are few beside the weights. */
function dtypeSettings({ dtype = 'auto', threads, chunkTokens = DEFAULT_CHUNK_TOKENS }: Flags) {
  return { dtype, threads, chunkTokens, workers: 1, kvDtype: KV_DTYPES[0] };
}

function settingsOf(flags: Flags, compiledFolder: string, security?: LinkSecurity): WorkerSettings {
  const kvBytesLimit = flags.kvMemory === undefined ? defaultKvBytes(1) : flags.kvMemory * BYTES_PER_MB;
  return {
    // Engines name a worker by the address they reach it at; this name is used where an engine gives none.
    worker: formatAddress(flags.listen),
    listen: formatAddress(flags.listen),
    compiledFolder,
    ...ownThreads(flags.threads ?? availableParallelism()),
    chunkTokens: flags.chunkTokens ?? DEFAULT_CHUNK_TOKENS,
    kvBytesLimit,
    ...prefixSettings(flags, kvBytesLimit),
    followsStdin: true,
    ...(security && { security }),
  };
}

/** @throws BAD_INPUT for flags that do not go together */
function prefixSettings(
  flags: Flags,
  kvMemoryBytes: number,
): Pick<WorkerSettings, 'prefixCacheBytes' | 'prefixDisk'> {
  checkPrefixDisk(flags);
  const asked = flags.prefixCache === undefined ? undefined : flags.prefixCache * BYTES_PER_MB;
  const prefixDisk = prefixDiskOf({ prefixCacheBytes: asked, ...prefixDiskOptions(flags) });
  const unasked = prefixDisk ? defaultPrefixCacheBytes(1, kvMemoryBytes) : 0;
  return { prefixCacheBytes: asked ?? unasked, ...(prefixDisk && { prefixDisk }) };
}

/** Several engines may use it at once, so none can know whether the machine's other cores are free. */
function ownThreads(threads: number): Pick<WorkerSettings, 'threads' | 'decodeThreads'> {
  return { threads, decodeThreads: threads };
}

function greeting(
  bound: Address,
  { model, dtype }: { model: string; dtype: Dtype },
  digest: string,
  threads: number,
): string {
  const parts = [
    `kvr worker listens on ${formatAddress(bound)}`,
    `model ${oneLine(model)} ${digest.slice(0, 12)}`,
    dtype,
    formatPlural(threads, 'thread'),
  ];
  return parts.join(' · ');
}
