/**
 * Workers that dial the engine (`kvr worker --join`): they come whenever they want, and go. The engine listens; nothing of a worker
 * has to be reached from outside, though its links to others are better where it can be.
 */
import { type Address, parseAddress } from '../link/address.js';
import { openTransports } from '../link/open-transport.js';
import { checkListenReach } from '../link/reach/listen-reach.js';
import type { JoinMessage } from '../worker/protocol/index.js';
import type { Cluster, PrepareWorker, WorkerCheck } from './cluster.js';
import { type Caller, EngineDoor } from './door/engine-door.js';
import { invitationTo } from './door/invitation.js';
import { type Comer, JoinedWorkers } from './joined-workers.js';
import { openSupervised } from './supervised-cluster.js';
import { tellChanges } from './told-changes.js';
import { ModelDesk } from './transfer/model-desk.js';
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
  const closers = [() => desk.close(), () => source.files.close()];
  const plan = {
    ...({
      workers: new Map(),
      onLinkRefused: 'retry either way',
      allowsAllCoreDecode: false,
      check,
    } as const),
    ...(prepare && { prepare }),
    invitation: () => invitationTo(door?.address ?? address, source.security),
    refusals: () => door?.refusals,
    onClose: () => closers.splice(0).forEach((close) => close()),
  };
  const cluster = await openSupervised(plan, signal);
  const joined = new JoinedWorkers(cluster, source.tell);
  closers.push(() => joined.close());
  const onCaller = ({ message, host, handed }: Caller): void =>
    message.type === 'join'
      ? joined.take(comerOf({ message, host, handed }))
      : desk.serve({ message, host, open: handed.handOver });
  try {
    const transportOf = await openTransports(source.security);
    door = await EngineDoor.open({ address, transportOf, onCaller, tell: source.tell });
    const opened = door;
    closers.push(() => opened.close());
    closers.push(tellChanges(cluster, source.tell));
    return cluster;
  } catch (error) {
    await cluster.close();
    throw error;
  }
}

function comerOf({ message, host, handed: { link, handOver: open } }: Caller<JoinMessage>): Comer {
  const { name, process } = message;
  return { name, process, address: addressOf(message, host), link, open };
}

/** Where others may dial the worker. */
function addressOf({ listen }: JoinMessage, seenHost: string | undefined): Address | undefined {
  const host = listen?.host ?? seenHost?.replace(/^::ffff:/, '');
  return listen && host !== undefined ? { kind: 'tcp', host, port: listen.port } : undefined;
}
