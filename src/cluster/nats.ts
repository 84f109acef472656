/**
 * Workers that are found in a room at NATS (`kvr worker --cluster`): the engine hears who is there, dials, and takes each as if it had
 * come by itself. NATS carries who listens where, nothing else; links that stand need no NATS.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { asKvrError, KvrError } from '../core/errors.js';
import { untilTrue } from '../core/waits/until-true.js';
import { isLoopback } from '../link/address.js';
import { openTransports, type TransportOf } from '../link/open-transport.js';
import type { OpenLink } from '../link/transport.js';
import { cancelledStart, type Cluster, type PrepareWorker, type WorkerCheck } from './cluster.js';
import { HandedLink } from './door/handed-link.js';
import { invitationInto } from './door/invitation.js';
import { JoinedWorkers } from './joined-workers.js';
import { shownRoom } from './room/room-address.js';
import { RoomLink } from './room/room-link.js';
import { RoomTable } from './room/room-table.js';
import { cardAddress, readCard, type WorkerCard } from './room/worker-card.js';
import { openSupervised, type SupervisedCluster } from './supervised-cluster.js';
import { tellChanges } from './told-changes.js';
import type { WorkerSource } from './worker-source.js';

type NatsSource = Extract<WorkerSource, { kind: 'nats' }>;

/** Everybody in the room has answered a call by then; who has not is heard within a second. */
const ROLL_CALL_MS = 300;
/** Of those that are found at the start: to have a large model open, and to be measured. Later ones are used when they are there. */
const SETTLE_MS = 300_000;
/** How often it looks whom to dial again, and who is silent. */
const LOOK_MS = 200;
/** One that runs something else: it may be started anew, but then it is another process. */
const REFUSED_WAIT_MS = 60_000;

/**
 * Whoever is in the room by then is dialled and linked before this settles; others are found when they come.
 * @throws BAD_INPUT, CANCELLED; and LINK and WORKER_DIED where there is no NATS or no worker, and there must be
 */
export async function findWorkers(
  source: NatsSource,
  check: WorkerCheck,
  signal?: AbortSignal,
  prepare?: PrepareWorker,
): Promise<Cluster> {
  const closers: (() => void)[] = [];
  let found: FoundWorkers | undefined;
  const plan = {
    ...({
      workers: new Map(),
      onLinkRefused: 'retry either way',
      allowsAllCoreDecode: false,
      check,
    } as const),
    ...(prepare && { prepare }),
    invitation: () => invitationInto(source.room, source.security),
    refusals: () => found?.refusals,
    onClose: async () => {
      closers.splice(0).forEach((close) => close());
      await found?.close();
    },
  };
  const cluster = await openSupervised(plan, signal);
  try {
    const transportOf = await openTransports(source.security);
    const opened = new FoundWorkers(source, cluster, transportOf);
    found = opened;
    closers.push(tellChanges(cluster, source.tell));
    await opened.rollCall(signal);
    if (!source.mayBeEmpty && cluster.members.length === 0) throw opened.nobody();
    return cluster;
  } catch (error) {
    await cluster.close();
    throw error;
  }
}

class FoundWorkers {
  readonly #source: NatsSource;
  readonly #cluster: SupervisedCluster;
  readonly #transportOf: TransportOf;
  readonly #joined: JoinedWorkers;
  readonly #table = new RoomTable();
  readonly #link: RoomLink;
  readonly #closing = new AbortController();
  readonly #looking: NodeJS.Timeout;
  readonly #listeners = new Set<() => void>();
  /** By reason. */
  readonly refusals = new Map<string, number>();

  constructor(source: NatsSource, cluster: SupervisedCluster, transportOf: TransportOf) {
    this.#source = source;
    this.#cluster = cluster;
    this.#transportOf = transportOf;
    this.#joined = new JoinedWorkers(cluster, source.tell);
    this.#link = new RoomLink({
      ...{ room: source.room, tell: source.tell, hears: ['worker.*'] },
      onMessage: (bytes) => this.#hear(bytes),
      onUp: () => this.#call(),
    });
    this.#looking = setInterval(() => this.#look(), LOOK_MS);
  }

  /** Settles when those who are there have been linked, or could not be; or at once where nobody has to be. @throws CANCELLED */
  async rollCall(signal = new AbortController().signal): Promise<void> {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(SETTLE_MS)]);
    await Promise.race([this.#link.tried, aborted(limit)]);
    if (this.#link.isUp) await pause(ROLL_CALL_MS, undefined, { signal }).catch(() => undefined);
    await untilTrue(
      () => this.#source.mayBeEmpty || this.#isSettled,
      (look) => this.#onChange(look),
      limit,
    );
    if (signal.aborted) throw cancelledStart();
  }

  /** Why there is no worker. */
  nobody(): KvrError {
    const { room, security } = this.#source;
    if (!this.#link.isUp) return new KvrError('LINK', this.#link.told);
    const remedy = `type on another machine: ${invitationInto(room, security)}`;
    const words = `no worker of model ${describe(this.#source.model)} is in ${shownRoom(room)}; ${remedy}`;
    return new KvrError('WORKER_DIED', words);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    clearInterval(this.#looking);
    this.#joined.close();
    await this.#link.close();
  }

  get #isSettled(): boolean {
    const isOpen = ({ status }: { readonly status: string }): boolean =>
      status === 'usable' || status === 'unlinked';
    return this.#table.isSettled && this.#cluster.members.every(isOpen);
  }

  #onChange(listener: () => void): () => void {
    const stop = this.#cluster.onChange(listener);
    this.#listeners.add(listener);
    return () => {
      stop();
      this.#listeners.delete(listener);
    };
  }

  #call(): void {
    this.#table.renew();
    this.#link.say('call', {});
  }

  #hear(bytes: Uint8Array): void {
    const card = readCard(bytes);
    if (!card) return this.#count('card');
    this.#table.hear(card);
    this.#look();
  }

  #look(): void {
    if (this.#closing.signal.aborted) return;
    if (this.#link.isUp) this.#table.forgetSilent();
    for (const card of this.#table.takeDue()) void this.#dial(card);
  }

  async #dial(card: WorkerCard): Promise<void> {
    const { process } = card;
    try {
      const address = cardAddress(card);
      this.#checkCard(card, address);
      this.#take(card, await this.#transportOf(address).dial(address, this.#closing.signal));
    } catch (error) {
      const { code, message } = asKvrError(error);
      if (!this.#closing.signal.aborted) this.#count(code === 'LINK' ? 'unreached' : 'unfit');
      this.#table.failed(process, code === 'LINK' ? undefined : REFUSED_WAIT_MS);
      const words = `worker ${card.name} at ${card.address} is not taken: ${message}`;
      if (!this.#closing.signal.aborted && this.#table.isNews(process, words)) this.#source.tell(words);
    }
    for (const listener of [...this.#listeners]) listener();
  }

  /** 'card': what is no card. 'unreached': not there, or with another key. 'unfit': of another model, or not to be dialled. */
  #count(reason: 'card' | 'unreached' | 'unfit'): void {
    this.refusals.set(reason, (this.refusals.get(reason) ?? 0) + 1);
  }

  /** What its card says is enough not to dial it. @throws WORKER_FAILED, BAD_INPUT */
  #checkCard({ model: theirs }: WorkerCard, { host }: { readonly host: string }): void {
    const { model, security, insecure } = this.#source;
    const isSame =
      theirs.digest === model.digest &&
      theirs.dtype === model.dtype &&
      theirs.chunkTokens === model.chunkTokens;
    if (!isSame)
      throw new KvrError(
        'WORKER_FAILED',
        `it runs model ${describe(theirs)}, the engine ${describe(model)}; start both with the same --model, --dtype and --chunk-tokens`,
      );
    if (security || insecure || isLoopback(host)) return;
    throw new KvrError(
      'BAD_INPUT',
      'it is on another machine, and prompts would go there in clear; give --cluster-key-file on all machines, or --insecure on a network you trust',
    );
  }

  /** @throws BUSY where there is no room */
  #take(card: WorkerCard, open: OpenLink): void {
    const { name, process } = card;
    const startMs = performance.now();
    const onEnd = (): void => {
      if (performance.now() - startMs > REFUSED_WAIT_MS) this.#table.succeeded(process);
      this.#table.failed(process);
    };
    // Nothing is heard before the engine's hello, which is the new owner's.
    const nobody = { onFrame: () => handed.link.close(), onClose: () => undefined };
    const handed: HandedLink = new HandedLink(open, nobody, onEnd);
    this.#table.linked(process);
    try {
      this.#joined.take({
        ...{ name, process, address: cardAddress(card), link: handed.link, open: handed.handOver },
        onRefused: () => this.#table.failed(process, REFUSED_WAIT_MS),
        onLeft: () => this.#table.left(process),
      });
    } catch (error) {
      handed.link.close();
      throw error;
    }
  }
}

type Fingerprint = Pick<WorkerCard['model'], 'digest' | 'dtype' | 'chunkTokens'>;

function describe({ digest, dtype, chunkTokens }: Fingerprint): string {
  return `${digest.slice(0, 12)} ${dtype} in chunks of ${chunkTokens}`;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
