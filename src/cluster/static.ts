/**
 * Workers that somebody else started (`kvr worker --listen`), found by a list of addresses. They keep running when
 * the engine leaves. Without TLS or a secret: for a network one trusts.
 */
import { randomUUID } from 'node:crypto';
import { KvrError } from '../core/errors.js';
import { formatAddress, parseAddress } from '../link/address.js';
import { cancelledStart, type Cluster, type ClusterWorker, linkAll } from './cluster.js';
import { type ReadyWorker, WorkerHandle } from './worker-handle.js';
import type { WorkerSource } from './worker-source.js';

type StaticSource = Extract<WorkerSource, { kind: 'static' }>;

/** Connects to all and links them. @throws BAD_INPUT, LINK, and WORKER_FAILED where they run different models */
export async function joinStaticCluster({ addresses }: StaticSource, signal?: AbortSignal): Promise<Cluster> {
  const engine = `engine-${randomUUID()}`;
  const handles = addresses.map((text) => {
    const address = parseAddress(text);
    return new WorkerHandle(formatAddress(address), address, engine);
  });
  checkDistinct(handles);
  const close = (): void => handles.forEach((handle) => handle.close());
  try {
    const readies = await Promise.all(handles.map((handle) => handle.open(signal)));
    const workers = handles.map((handle, index) => ({ handle, ready: readies[index] as ReadyWorker }));
    checkSameModel(workers);
    await linkAll(handles, signal);
    return { workers, allowsAllCoreDecode: false, close: async () => close() };
  } catch (error) {
    close();
    throw signal?.aborted ? cancelledStart() : error;
  }
}

function checkDistinct(handles: readonly WorkerHandle[]): void {
  const twice = handles.find((handle, index) => handles.findIndex(({ id }) => id === handle.id) < index);
  if (twice) throw new KvrError('BAD_INPUT', `worker ${twice.id} is named twice; name every worker once`);
}

function checkSameModel(workers: readonly ClusterWorker[]): void {
  const first = workers[0];
  const other = workers.find(
    ({ ready }) => ready.digest !== first?.ready.digest || ready.dtype !== first.ready.dtype,
  );
  if (!first || !other) return;
  const describe = ({ handle, ready }: ClusterWorker): string =>
    `${handle.id} has ${ready.digest.slice(0, 12)} ${ready.dtype}`;
  throw new KvrError(
    'WORKER_FAILED',
    `workers run different models: ${describe(first)}, ${describe(other)}; start them with the same --model and --dtype`,
  );
}
