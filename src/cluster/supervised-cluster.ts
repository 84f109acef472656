/**
 * A cluster of members that come and go, whatever they are: opens them all, links them, and keeps both up until it is closed.
 */
import { KvrError } from '../core/errors.js';
import type { Cluster, ClusterMember, ClusterWorker, WorkerCheck } from './cluster.js';
import { cancelledStart } from './cluster.js';
import { Member, type OpenedWorker, type OpenWorker } from './member.js';
import { type OnLinkRefused, PeerLinks } from './peer-links.js';

export type ClusterPlan = {
  /** By id, in chain order. */
  readonly workers: ReadonlyMap<string, OpenWorker>;
  readonly onLinkRefused: OnLinkRefused;
  readonly allowsAllCoreDecode: boolean;
  readonly check: WorkerCheck;
};

/** Opens and links all workers. @throws what kept one of them from being opened; nothing is left then */
export async function openSupervised(plan: ClusterPlan, signal?: AbortSignal): Promise<Cluster> {
  const cluster = new SupervisedCluster(plan);
  try {
    await cluster.open(signal);
    return cluster;
  } catch (error) {
    await cluster.close();
    throw signal?.aborted ? cancelledStart() : error;
  }
}

class SupervisedCluster implements Cluster {
  readonly allowsAllCoreDecode: boolean;
  readonly #members: readonly Member[];
  readonly #links: PeerLinks;
  readonly #listeners = new Set<() => void>();
  /** Workers that are being linked or are, so that each joins once. */
  readonly #joined = new Map<OpenedWorker, Promise<void>>();
  #isOpen = false;
  #workers: readonly ClusterWorker[] = [];

  constructor({ workers, onLinkRefused, allowsAllCoreDecode, check }: ClusterPlan) {
    this.allowsAllCoreDecode = allowsAllCoreDecode;
    this.#links = new PeerLinks(onLinkRefused, () => this.#changed());
    this.#members = [...workers].map(
      ([id, open]) => new Member(id, checked(open, check), () => this.#onMember()),
    );
  }

  /** @throws what kept one from being opened or linked */
  async open(signal?: AbortSignal): Promise<void> {
    await this.#startAll(signal);
    this.#isOpen = true;
    this.#onMember();
    await abortable(Promise.all(this.#joined.values()), signal);
    const missing = this.members.find(({ status }) => status !== 'usable');
    if (missing) throw missing.reason ?? new KvrError('LINK', `worker ${missing.id} was lost at the start`);
  }

  /** The first that fails ends the others' starts, and is the reason. */
  async #startAll(signal?: AbortSignal): Promise<void> {
    const failing = new AbortController();
    let reason: unknown;
    const all = signal ? AbortSignal.any([signal, failing.signal]) : failing.signal;
    const start = async (member: Member): Promise<void> => {
      try {
        await member.start(all);
      } catch (error) {
        reason ??= error;
        failing.abort();
      }
    };
    await Promise.all(this.#members.map(start));
    if (failing.signal.aborted) throw reason;
  }

  get members(): readonly ClusterMember[] {
    return this.#members.map((member) => this.#describe(member));
  }

  get workers(): readonly ClusterWorker[] {
    return this.#workers;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    await Promise.all(this.#members.map((member) => member.close()));
    await Promise.all(this.#joined.values());
  }

  /** A worker has come or gone. Those of the first start are linked when all are there, in chain order. */
  #onMember(): void {
    if (!this.#isOpen) return;
    for (const { worker } of this.#members) if (worker && !this.#joined.has(worker)) this.#join(worker);
    this.#changed();
  }

  #join(worker: OpenedWorker): void {
    const before = [...this.#joined.keys()].filter(({ handle }) => !handle.isEnded);
    const linking = this.#links.join(worker, before).then(() => worker.linked());
    this.#joined.set(worker, linking);
    void worker.handle.ended.then(() => this.#joined.delete(worker));
  }

  #changed(): void {
    this.#workers = this.#usable();
    for (const listener of [...this.#listeners]) listener();
  }

  /** Going down the chain, every worker that is linked to all those taken before. */
  #usable(): ClusterWorker[] {
    const taken: ClusterWorker[] = [];
    for (const { worker } of this.#members) {
      if (worker && taken.every(({ handle }) => this.#links.areLinked(handle, worker.handle)))
        taken.push(worker);
    }
    return taken;
  }

  #describe({ id, worker, reason }: Member): ClusterMember {
    if (!worker) return { id, status: 'opening', ...(reason && { reason }) };
    if (this.#workers.includes(worker)) return { id, status: 'usable' };
    const unlinked = this.#workers
      .map(({ handle }) => this.#links.reason(handle, worker.handle))
      .find(Boolean);
    return { id, status: 'unlinked', ...(unlinked && { reason: unlinked }) };
  }
}

/** Opens a worker only if it is one that the engine can use. */
function checked(open: OpenWorker, check: WorkerCheck): OpenWorker {
  return async (signal) => {
    const opened = await open(signal);
    const wrong = check(opened);
    if (!wrong) return opened;
    await opened.end();
    throw wrong;
  };
}

async function abortable<T>(promise: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (!signal) return promise;
  if (signal.aborted) throw cancelledStart();
  let onAbort = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(cancelledStart());
    signal.addEventListener('abort', onAbort, { once: true });
  });
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener('abort', onAbort));
}
