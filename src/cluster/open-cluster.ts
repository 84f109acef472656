/**
 * From a source of workers to a cluster that is ready: the one place that knows every kind.
 */
import type { Cluster, PrepareWorker, WorkerCheck } from './cluster.js';
import { listenForWorkers } from './joined.js';
import { startLocalCluster } from './local.js';
import { findWorkers } from './nats.js';
import { joinStaticCluster } from './static.js';
import type { WorkerSource } from './worker-source.js';

/**
 * @param check asked of every worker that is opened, now and later: one that it finds fault with is not used
 * @param prepare done with every worker that joins, before it is used: those of the first two kinds are all there at the start
 * @throws WORKER_*, LINK, BAD_INPUT, CANCELLED; nothing that was started is left then
 */
export function openCluster(
  source: WorkerSource,
  check: WorkerCheck,
  signal?: AbortSignal,
  prepare?: PrepareWorker,
): Promise<Cluster> {
  switch (source.kind) {
    case 'local':
      return startLocalCluster(source, check, signal);
    case 'static':
      return joinStaticCluster(source, check, signal);
    case 'joined':
      return listenForWorkers(source, check, signal, prepare);
    case 'nats':
      return findWorkers(source, check, signal, prepare);
  }
}
