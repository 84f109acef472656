/**
 * Workers that somebody else started (`kvr worker --listen`), found by a list of addresses. They keep running when
 * the engine leaves; one that was started again is found again.
 */
import { randomUUID } from 'node:crypto';
import { KvrError } from '../core/errors.js';
import { type Address, formatAddress, parseAddress } from '../link/address.js';
import { openTransports, type TransportOf } from '../link/open-transport.js';
import type { Cluster, ClusterWorker, WorkerCheck } from './cluster.js';
import type { OpenedWorker } from './member.js';
import { openSupervised } from './supervised-cluster.js';
import { WorkerHandle } from './worker-handle.js';
import type { WorkerSource } from './worker-source.js';

type StaticSource = Extract<WorkerSource, { kind: 'static' }>;

/** Connects to all and links them. @throws BAD_INPUT, LINK, and WORKER_FAILED where they run different models */
export async function joinStaticCluster(
  { addresses, security }: StaticSource,
  check: WorkerCheck,
  signal?: AbortSignal,
): Promise<Cluster> {
  const engine = `engine-${randomUUID()}`;
  const transportOf = await openTransports(security);
  const parsed = addresses.map(parseAddress);
  checkDistinct(parsed.map(formatAddress));
  const workers = new Map(
    parsed.map((address) => [
      formatAddress(address),
      (until: AbortSignal) => openWorker(address, engine, transportOf, until),
    ]),
  );
  const sameModel = sameModelCheck();
  return openSupervised(
    {
      workers,
      onLinkRefused: 'retry',
      allowsAllCoreDecode: false,
      check: (worker) => check(worker) ?? sameModel(worker),
    },
    signal,
  );
}

async function openWorker(
  address: Address,
  engine: string,
  transportOf: TransportOf,
  signal: AbortSignal,
): Promise<OpenedWorker> {
  const handle = new WorkerHandle(formatAddress(address), address, engine, 0, transportOf);
  const end = async (): Promise<void> => handle.close();
  try {
    return { handle, ready: await handle.open(signal), linked: async () => undefined, end };
  } catch (error) {
    handle.close();
    throw error;
  }
}

function checkDistinct(names: readonly string[]): void {
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice) throw new KvrError('BAD_INPUT', `worker ${twice} is named twice; name every worker once`);
}

/** All must run what the first one did that was opened. */
function sameModelCheck(): WorkerCheck {
  let first: ClusterWorker | undefined;
  const describe = ({ handle, ready }: ClusterWorker): string =>
    `${handle.id} has ${ready.digest.slice(0, 12)} ${ready.dtype}`;
  return (worker) => {
    first ??= worker;
    const { digest, dtype } = worker.ready;
    if (digest === first.ready.digest && dtype === first.ready.dtype) return undefined;
    return new KvrError(
      'WORKER_FAILED',
      `workers run different models: ${describe(first)}, ${describe(worker)}; start them with the same --model and --dtype`,
    );
  };
}
