/**
 * Lends the cores of idle workers to the one that has something to do: while nobody else works, it may decode with all of
 * them. Only for workers of one machine that no other engine uses.
 */
import type { Cluster } from '../../cluster/cluster.js';
import type { KvCapacity } from './kv-capacity.js';

/** @returns what to call whenever requests come or workers are done with them */
export function allCoreDecode({
  workers,
}: Pick<Cluster, 'workers'>): (room: Pick<KvCapacity, 'busyWorkers'>) => void {
  let borrower: number | undefined;
  const send = (worker: number | undefined, all: boolean): void => {
    const handle = worker === undefined ? undefined : workers[worker]?.handle;
    if (handle && !handle.isEnded) handle.send({ type: 'cores', all });
  };
  return ({ busyWorkers }) => {
    const only = busyWorkers.length === 1 ? busyWorkers[0] : undefined;
    // Whoever decoded last keeps them until others need them: it may get ready for the next answer meanwhile.
    if (busyWorkers.length === 0 || only === borrower) return;
    send(borrower, false);
    send(only, true);
    borrower = only;
  };
}
