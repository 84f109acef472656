/**
 * The compiled model that a worker runs: from a checkpoint of this machine, or from the engine that it joins.
 */
import { KvrError } from '../../core/errors.js';
import { type Dtype, KV_DTYPES } from '../../core/shape.js';
import { compileDecided, openWithProgress } from '../../engine/load/load.js';
import { DEFAULT_CHUNK_TOKENS } from '../../engine/options/options.js';
import { cacheFolder } from '../../model/cache/index.js';
import {
  choiceWriter,
  compiledWriter,
  compilingWriter,
  type RunContext,
  warningWriter,
} from '../run/engine-run.js';
import { notEmpty } from '../flags/index.js';
import type { WorkerFlags } from './worker-flags.js';

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

/** @throws BAD_INPUT where nothing can be fetched */
export async function fetchedModel(flags: WorkerFlags, context: RunContext): Promise<WorkerModel> {
  void context;
  await Promise.resolve();
  throw new KvrError('BAD_INPUT', `not yet ${flags.maxCache}`);
}
