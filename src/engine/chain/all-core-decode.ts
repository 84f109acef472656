/**
 * Decode with all cores: while no other worker of the machine has anything to do, the one that does may use the cores of all.
 * Only for workers that no other engine uses.
 */
import type { Cluster } from '../../cluster/cluster.js';
import type { WorkerHandle } from '../../cluster/worker-handle.js';
import type { KvCapacity } from './kv-capacity.js';

/** @returns what to call whenever requests come or workers are done with them */
export function allCoreDecode(
  cluster: Pick<Cluster, 'workers'>,
): (capacity: Pick<KvCapacity, 'busyWorkers'>) => void {
  let borrower: WorkerHandle | undefined;
  const send = (handle: WorkerHandle | undefined, all: boolean): void => {
    if (handle && !handle.isEnded) handle.send({ type: 'cores', all });
  };
  return ({ busyWorkers }) => {
    if (busyWorkers.length === 0) return;
    const id = busyWorkers.length === 1 ? busyWorkers[0] : undefined;
    const only = cluster.workers.find(({ handle }) => handle.id === id)?.handle;
    // The last decoder keeps the cores until others need them; meanwhile it may open graphs for the next answer.
    if (only === borrower) return;
    send(borrower, false);
    send(only, true);
    borrower = only;
  };
}
