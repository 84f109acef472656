/**
 * Whether a worker fits the engine: it runs the same model, in the same form. Asked whenever one is opened, since a worker may
 * have been started again with something else.
 */
import type { ClusterWorker } from '../../cluster/cluster.js';
import { KvrError } from '../../core/errors.js';
import type { AskedSettings } from '../options/options.js';
import type { LoadedModel } from './load.js';

/** @returns what does not fit, with code WORKER_FAILED */
export function misfit(
  worker: ClusterWorker,
  model: Pick<LoadedModel, 'digest'>,
  settings: Pick<AskedSettings, 'dtype' | 'chunkTokens'>,
): KvrError | undefined {
  const message = misfitMessage(worker, model, settings);
  return message === undefined ? undefined : new KvrError('WORKER_FAILED', message);
}

function misfitMessage(
  { handle, ready }: ClusterWorker,
  { digest }: Pick<LoadedModel, 'digest'>,
  { dtype, chunkTokens }: Pick<AskedSettings, 'dtype' | 'chunkTokens'>,
): string | undefined {
  if (ready.digest !== digest || (dtype !== 'auto' && ready.dtype !== dtype)) {
    const theirs = `${ready.digest.slice(0, 12)} ${ready.dtype}`;
    return `worker ${handle.id} runs model ${theirs}, the engine ${digest.slice(0, 12)} ${dtype}; start both with the same --model and --dtype`;
  }
  if (ready.chunkTokens === chunkTokens) return undefined;
  return `worker ${handle.id} takes ${ready.chunkTokens} tokens in one kernel call, the engine ${chunkTokens}; start both with the same --chunk-tokens`;
}
