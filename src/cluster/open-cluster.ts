/**
 * From a source of workers to a cluster that is ready: the one place that knows every kind.
 */
import type { Cluster } from './cluster.js';
import { startLocalCluster } from './local.js';
import { joinStaticCluster } from './static.js';
import type { WorkerSource } from './worker-source.js';

/** @throws WORKER_*, LINK, BAD_INPUT, CANCELLED; nothing that was started is left then */
export function openCluster(source: WorkerSource, signal?: AbortSignal): Promise<Cluster> {
  switch (source.kind) {
    case 'local':
      return startLocalCluster(source, signal);
    case 'static':
      return joinStaticCluster(source, signal);
  }
}
