/**
 * Decode with all cores: while no other worker of the machine has anything to do, the one that does may use the cores of all.
 * Only for workers that no other engine uses.
 */
import type { Cluster } from '../../cluster/cluster.js';
import type { KvCapacity } from './kv-capacity.js';

/** @returns what to call whenever requests come or workers are done with them */
export function allCoreDecode({
  workers,
}: Pick<Cluster, 'workers'>): (capacity: Pick<KvCapacity, 'busyWorkers'>) => void {
  let borrower: string | undefined;
  const send = (worker: string | undefined, all: boolean): void => {
    const handle = workers.find((each) => each.handle.id === worker)?.handle;
    if (handle && !handle.isEnded) handle.send({ type: 'cores', all });
  };
  return ({ busyWorkers }) => {
    const only = busyWorkers.length === 1 ? busyWorkers[0] : undefined;
    // The last decoder keeps the cores until others need them; meanwhile it may open graphs for the next answer.
    if (busyWorkers.length === 0 || only === borrower) return;
    send(borrower, false);
    send(only, true);
    borrower = only;
  };
}
