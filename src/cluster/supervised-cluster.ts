/**
 * A cluster of members that come and go, whatever they are: opens them all, links them, and keeps both up until it is closed.
 */
import { asKvrError, KvrError } from '../core/errors.js';
import type { Cluster, ClusterMember, ClusterWorker, PrepareWorker, WorkerCheck } from './cluster.js';
import { cancelledStart } from './cluster.js';
import { Member, type OpenedWorker, type OpenWorker } from './member.js';
import { type OnLinkRefused, PeerLinks } from './peer-links.js';

export type ClusterPlan = {
  /** By id, in chain order. */
  readonly workers: ReadonlyMap<string, OpenWorker>;
  readonly onLinkRefused: OnLinkRefused;
  readonly allowsAllCoreDecode: boolean;
  readonly check: WorkerCheck;
  /** Done with every worker that is opened, once it is linked and before it is used. */
  readonly prepare?: PrepareWorker;
  /** What to type so that a worker joins. */
  readonly invitation?: () => string;
  /** How many were kept out, by reason. */
  readonly refusals?: () => ReadonlyMap<string, number> | undefined;
  /** Called when the cluster closes, and waited for. */
  readonly onClose?: () => void | Promise<void>;
};

/** Opens and links all workers. @throws what kept one of them from being opened; nothing is left then */
export async function openSupervised(plan: ClusterPlan, signal?: AbortSignal): Promise<SupervisedCluster> {
  const cluster = new SupervisedCluster(plan);
  try {
    await cluster.open(signal);
    return cluster;
  } catch (error) {
    await cluster.close();
    throw signal?.aborted ? cancelledStart() : error;
  }
}

export class SupervisedCluster implements Cluster {
  readonly allowsAllCoreDecode: boolean;
  readonly #plan: ClusterPlan;
  #members: readonly Member[];
  /** They finish what they have, and are no members any more. */
  readonly #retired = new Set<Member>();
  readonly #prepared = new WeakSet<OpenedWorker>();
  #preparing: Promise<void> = Promise.resolve();
  readonly #links: PeerLinks;
  readonly #listeners = new Set<() => void>();
  /** Workers that are being linked or are, so that each joins once. */
  readonly #joined = new Map<OpenedWorker, Promise<void>>();
  #isOpen = false;
  #workers: readonly ClusterWorker[] = [];

  constructor(plan: ClusterPlan) {
    this.#plan = plan;
    this.allowsAllCoreDecode = plan.allowsAllCoreDecode;
    this.#links = new PeerLinks(plan.onLinkRefused, () => this.#changed());
    this.#members = [...plan.workers].map(([id, open]) => this.#newMember(id, open));
  }

  /** One more worker, at the end of the chain. @throws as OpenWorker, also for what the check finds; it is no member then */
  async add(id: string, open: OpenWorker): Promise<void> {
    const member = this.#newMember(id, open);
    this.#members = [...this.#members, member];
    try {
      await member.start();
    } catch (error) {
      this.#members = this.#members.filter((each) => each !== member);
      this.#changed();
      throw error;
    }
  }

  /** A worker that is to get no request from now on, and is not opened again; what it has it may finish. */
  retire(id: string): void {
    const member = this.#members.find((each) => each.id === id);
    if (!member) return;
    const { worker } = member;
    this.#members = this.#members.filter((each) => each !== member);
    this.#retired.add(member);
    const close = (): Promise<void> => member.close().then(() => void this.#retired.delete(member));
    if (worker) void worker.handle.ended.then(close);
    else void close();
    this.#changed();
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

  get invitation(): string | undefined {
    return this.#plan.invitation?.();
  }

  get refusals(): ReadonlyMap<string, number> | undefined {
    return this.#plan.refusals?.();
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
    const closing = this.#plan.onClose?.();
    await Promise.all([closing, ...[...this.#members, ...this.#retired].map((member) => member.close())]);
    await Promise.all(this.#joined.values());
  }

  #newMember(id: string, open: OpenWorker): Member {
    return new Member(id, checked(open, this.#plan.check), () => this.#onMember());
  }

  /** A worker has come or gone. Those of the first start are linked when all are there, in chain order. */
  #onMember(): void {
    if (!this.#isOpen) return;
    for (const { worker } of this.#members) if (worker && !this.#joined.has(worker)) this.#join(worker);
    this.#changed();
  }

  #join(worker: OpenedWorker): void {
    const before = [...this.#joined.keys()].filter(({ handle }) => !handle.isEnded);
    const linking = this.#links
      .join(worker, before)
      .then(() => worker.linked())
      .then(() => this.#prepareInTurn(worker));
    this.#joined.set(worker, linking);
    void worker.handle.ended.then(() => this.#joined.delete(worker));
  }

  /** One after the other: they are measured, and would slow each other. */
  #prepareInTurn(worker: OpenedWorker): Promise<void> {
    this.#preparing = this.#preparing.then(() => this.#prepare(worker));
    return this.#preparing;
  }

  /** One that can not be prepared is as good as gone. */
  async #prepare(worker: OpenedWorker): Promise<void> {
    if (worker.handle.isEnded) return;
    try {
      await this.#plan.prepare?.(worker, this.#usable(worker));
      this.#prepared.add(worker);
      if (this.#plan.prepare) this.#changed();
    } catch (error) {
      worker.handle.fail(asKvrError(error));
    }
  }

  #changed(): void {
    this.#workers = this.#usable();
    for (const listener of [...this.#listeners]) listener();
  }

  /** Going down the chain, every worker that is linked to all those taken before. @param unprepared that counts as prepared */
  #usable(unprepared?: OpenedWorker): ClusterWorker[] {
    const taken: ClusterWorker[] = [];
    for (const { worker } of this.#members) {
      if (!worker || (this.#plan.prepare && worker !== unprepared && !this.#prepared.has(worker))) continue;
      if (taken.every(({ handle }) => this.#links.areLinked(handle, worker.handle))) taken.push(worker);
    }
    return taken;
  }

  #describe(member: Member): ClusterMember {
    return { id: member.id, ...this.#statusOf(member), ...member.known };
  }

  #statusOf({ worker, reason }: Member): Pick<ClusterMember, 'status' | 'reason'> {
    if (!worker) return { status: 'opening', ...(reason && { reason }) };
    if (this.#workers.includes(worker)) return { status: 'usable' };
    if (this.#plan.prepare && !this.#prepared.has(worker)) return { status: 'preparing' };
    const unlinked = this.#workers
      .map(({ handle }) => this.#links.reason(handle, worker.handle))
      .find(Boolean);
    return { status: 'unlinked', ...(unlinked && { reason: unlinked }) };
  }
}

/** Opens a worker only if it is one that the engine can use. */
function checked(open: OpenWorker, check: WorkerCheck): OpenWorker {
  return async (signal) => {
    const opened = await open(signal);
    const wrong = check(opened);
    if (!wrong) return opened;
    opened.refuse?.(wrong);
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
