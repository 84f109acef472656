/**
 * Workers that dial the engine (`kvr worker --join`): they come whenever they want, and go. The engine listens; nothing of a worker
 * has to be reached from outside, though its links to others are better where it can be.
 */
import { randomUUID } from 'node:crypto';
import { asKvrError, type KvrError } from '../core/errors.js';
import { type Address, parseAddress } from '../link/address.js';
import { openTransports } from '../link/open-transport.js';
import { checkListenReach } from '../link/reach/listen-reach.js';
import type { JoinMessage } from '../worker/protocol/index.js';
import type { Cluster, PrepareWorker, WorkerCheck } from './cluster.js';
import { type Caller, EngineDoor } from './door/engine-door.js';
import { invitationTo } from './door/invitation.js';
import type { OpenedWorker } from './member.js';
import { openSupervised, type SupervisedCluster } from './supervised-cluster.js';
import { type Arrival, type JoinedPlace, JoinedPlaces } from './joined-places.js';
import { tellChanges } from './told-changes.js';
import { ModelDesk } from './transfer/model-desk.js';
import { WorkerHandle } from './worker-handle.js';
import type { WorkerSource } from './worker-source.js';

type JoinedSource = Extract<WorkerSource, { kind: 'joined' }>;

/** Begins to listen; nobody has to come. @throws BAD_INPUT, CANCELLED */
export async function listenForWorkers(
  source: JoinedSource,
  check: WorkerCheck,
  signal?: AbortSignal,
  prepare?: PrepareWorker,
): Promise<Cluster> {
  const address = parseAddress(source.listen);
  checkListenReach('--listen-workers', address, source.security, source.insecure);
  const desk = new ModelDesk(source.model, source.files, source.tell);
  let door: EngineDoor | undefined;
  const closers = [() => desk.close()];
  const plan = {
    ...({
      workers: new Map(),
      onLinkRefused: 'retry either way',
      allowsAllCoreDecode: false,
      check,
    } as const),
    ...(prepare && { prepare }),
    invitation: () => invitationTo(door?.address ?? address, source.security),
    onClose: () => closers.splice(0).forEach((close) => close()),
  };
  const cluster = await openSupervised(plan, signal);
  const joined = new JoinedWorkers(cluster, source.tell);
  closers.push(() => joined.close());
  const onCaller = ({ message, host, handed }: Caller): void =>
    message.type === 'join'
      ? joined.take({ message, host, handed })
      : desk.serve({ message, host, open: handed.handOver });
  try {
    const transportOf = await openTransports(source.security);
    door = await EngineDoor.open({ address, transportOf, onCaller, tell: source.tell });
    const opened = door;
    closers.push(() => opened.close());
    tellChanges(cluster, source.tell);
    return cluster;
  } catch (error) {
    await cluster.close();
    throw error;
  }
}

class JoinedWorkers {
  readonly #cluster: SupervisedCluster;
  readonly #tell: (words: string) => void;
  readonly #engine = `engine-${randomUUID()}`;
  readonly #places = new JoinedPlaces((place) => this.#leave(place));

  constructor(cluster: SupervisedCluster, tell: (words: string) => void) {
    this.#cluster = cluster;
    this.#tell = tell;
  }

  /** @throws BUSY where there is no room */
  take({ message, host, handed }: Caller<JoinMessage>): void {
    const { link, handOver } = handed;
    const identity = link.peerIdentity ?? message.process;
    const { place, isNew } = this.#places.placeFor(message.name, identity);
    place.arrive({ identity, address: addressOf(message, host), open: handOver, link });
    if (isNew) void this.#add(place);
  }

  close(): void {
    this.#places.close();
  }

  async #add(place: JoinedPlace): Promise<void> {
    try {
      await this.#cluster.add(place.id, (signal) => this.#open(place, signal));
    } catch (error) {
      this.#places.delete(place);
      const { code, message } = asKvrError(error);
      if (code !== 'CANCELLED') this.#tell(`worker ${place.id} is not taken: ${message}`);
    }
  }

  async #open(place: JoinedPlace, signal: AbortSignal): Promise<OpenedWorker> {
    const { address, open }: Arrival = await place.next(signal);
    const handle = new WorkerHandle(place.id, address, this.#engine, 0, undefined, open);
    place.hold(handle);
    handle.listen(({ type }) => {
      if (type === 'leaving') this.#release(place, handle);
    });
    const refuse = ({ code, message }: KvrError): void => handle.send({ type: 'refused', code, message });
    const end = async (): Promise<void> => handle.close();
    try {
      return { handle, ready: await handle.open(signal), linked: async () => undefined, refuse, end };
    } catch (error) {
      handle.close();
      throw error;
    }
  }

  /** It gets no request any more, and is told so: what it has got until then it finishes. */
  #release(place: JoinedPlace, handle: WorkerHandle): void {
    this.#leave(place);
    handle.send({ type: 'released' });
  }

  #leave(place: JoinedPlace): void {
    this.#places.delete(place);
    this.#cluster.retire(place.id);
  }
}

/** Where others may dial the worker. */
function addressOf({ listen }: JoinMessage, seenHost: string | undefined): Address | undefined {
  const host = listen?.host ?? seenHost?.replace(/^::ffff:/, '');
  return listen && host !== undefined ? { kind: 'tcp', host, port: listen.port } : undefined;
}
