/**
 * The compiled model that a worker runs: from a checkpoint of this machine, or from the engine that it joins.
 */
import { join } from 'node:path';
import { fetchModel } from '../../cluster/transfer/fetch-model.js';
import type { Offer } from '../../cluster/transfer/messages.js';
import { KvrError } from '../../core/errors.js';
import { type Dtype, KV_DTYPES } from '../../core/shape.js';
import { compileDecided, openWithProgress } from '../../engine/load/load.js';
import { DEFAULT_CHUNK_TOKENS } from '../../engine/options/options.js';
import type { Address } from '../../link/address.js';
import { openTransports } from '../../link/open-transport.js';
import type { LinkSecurity } from '../../link/security/link-security.js';
import { cacheFolder } from '../../model/cache/index.js';
import {
  choiceWriter,
  compiledWriter,
  compilingWriter,
  type RunContext,
  warningWriter,
} from '../run/engine-run.js';
import { kernelKey } from '../../runtime/sessions/kernels.js';
import { notEmpty } from '../flags/index.js';
import type { WorkerFlags } from './worker-flags.js';

const BYTES_PER_MB = 1e6;

export type WorkerModel = {
  readonly name: string;
  readonly digest: string;
  readonly dtype: Dtype;
  /** Of the compiled model. */
  readonly folder: string;
  readonly chunkTokens: number;
};

/** Compiled in this process, so that the memory for compiling never counts as the worker's. @throws as compileDecided */
export async function ownModel(flags: WorkerFlags, model: string, context: RunContext): Promise<WorkerModel> {
  const { shell, progress } = context;
  const cache = cacheFolder(flags.cacheDir);
  const { dtype = 'auto', threads, chunkTokens = DEFAULT_CHUNK_TOKENS } = flags;
  const hooks = {
    signal: shell.signal,
    onProgress: (what: string, fraction: number): void => progress.update(what, fraction),
    onWarning: warningWriter(context),
    onChoice: choiceWriter(context),
    onCompiling: compilingWriter(context),
    onCompiled: compiledWriter(context),
  };
  const checkpoint = await openWithProgress(notEmpty('--model', model), cache, hooks);
  try {
    // Whatever keys and values engines ask for, they are few beside the weights.
    const settings = { dtype, threads, chunkTokens, workers: 1, kvDtype: KV_DTYPES[0] };
    // Engines elsewhere take its answers for final, so all of the files are read before it listens.
    const compiled = await compileDecided(checkpoint, settings, cache, hooks, true);
    return { name: model, digest: checkpoint.digest, ...compiled, chunkTokens };
  } finally {
    await checkpoint.close();
    progress.clear();
  }
}

/**
 * The model of the server that the worker joins, from the cache of this machine where it is there, else from the server.
 * @throws as fetchModel, and BAD_INPUT where the flags ask for something else
 */
export async function fetchedModel(
  flags: WorkerFlags,
  address: Address,
  security: LinkSecurity | undefined,
  context: RunContext,
): Promise<WorkerModel> {
  const { shell, progress } = context;
  const { maxCache, fetch = true, cacheDir } = flags;
  const tell = choiceWriter(context);
  const transportOf = await openTransports(security);
  const { offer, folder } = await fetchModel({
    ...{ address, transport: transportOf(address), cacheFolder: cacheFolder(cacheDir) },
    ...{ kernelKey: kernelKey(), mayFetch: fetch, maxCacheBytes: maxCache && maxCache * BYTES_PER_MB },
    checkOffer: (found) => checkOffered(flags, found),
    ...{ signal: shell.signal, onProgress: (what, fraction) => progress.update(what, fraction), tell },
  }).finally(() => progress.clear());
  const { model, digest, dtype, chunkTokens } = offer;
  if (offer.kind === 'compiled') return { name: model, digest, dtype, folder, chunkTokens };
  const compiled = await ownModel({ ...flags, dtype, chunkTokens }, openableName(offer, folder), context);
  if (compiled.digest === digest) return { ...compiled, name: model };
  throw new KvrError(
    'BAD_CHECKPOINT',
    `${folder} is not the model of the server any more; remove it (kvr models)`,
  );
}

/** What opens a checkpoint that was fetched. */
function openableName({ kind, model, files }: Offer, folder: string): string {
  if (kind === 'named') return model;
  const gguf = files.find(({ name }) => name.toLowerCase().endsWith('.gguf'));
  return gguf ? join(folder, gguf.name) : folder;
}

/** @throws BAD_INPUT */
function checkOffered({ dtype = 'auto', chunkTokens }: WorkerFlags, offer: Offer): void {
  if (dtype !== 'auto' && dtype !== offer.dtype)
    throw new KvrError(
      'BAD_INPUT',
      `--dtype ${dtype} is asked for, the server runs ${offer.dtype}; leave it out`,
    );
  if (chunkTokens !== undefined && chunkTokens !== offer.chunkTokens)
    throw new KvrError(
      'BAD_INPUT',
      `--chunk-tokens ${chunkTokens} is asked for, the server takes ${offer.chunkTokens}; leave it out`,
    );
}
