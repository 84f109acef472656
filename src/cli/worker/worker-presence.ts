/**
 * What a worker says of itself in the room that it was given, while its process works.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { outsideAddress } from '../../link/reach/outside-address.js';
import { Announcement } from '../../cluster/room/announcement.js';
import { type WorkerCard } from '../../cluster/room/worker-card.js';
import { type Address, formatAddress, parseAddress } from '../../link/address.js';
import { thisMachine } from '../../runtime/machine.js';
import { roomOf } from '../flags/index.js';
import { choiceWriter, type RunContext } from '../run/engine-run.js';
import { nameOf, type WorkerFlags } from './worker-flags.js';
import type { WorkerModel } from './worker-model.js';

const MAX_MODEL_CHARS = 200;

/**
 * Begins to say it. @param listens where the process listens, with its port
 * @returns undefined where no room was given
 */
export function announce(
  flags: WorkerFlags,
  listens: string,
  { name: model, digest, dtype, chunkTokens }: WorkerModel,
  threads: number,
  context: RunContext,
): Announcement | undefined {
  const room = roomOf(flags);
  if (!room) return undefined;
  const card = {
    ...({ process: randomUUID(), name: nameOf(flags), state: 'working' } as const),
    model: { name: model.slice(0, MAX_MODEL_CHARS), digest, dtype, chunkTokens },
    ...{ threads, machine: thisMachine() },
  };
  const cardOf = (seenHost: string | undefined): WorkerCard => ({
    ...card,
    address: advertised(flags.advertise, parseAddress(listens), seenHost),
  });
  return new Announcement({ room, cardOf, tell: choiceWriter(context) });
}

/** What was given; or where it listens, and for one that listens everywhere the way to NATS, or out of this machine. */
export function advertised(
  asked: Address | undefined,
  listens: Address,
  seenHost: string | undefined,
): string {
  if (listens.kind !== 'tcp') return formatAddress(listens);
  const { host, port } = listens;
  if (asked?.kind === 'tcp') return formatAddress({ ...asked, port: asked.port || port });
  if (host !== '0.0.0.0' && host !== '::') return formatAddress(listens);
  return formatAddress({ kind: 'tcp', host: seenHost ?? outsideAddress() ?? hostname(), port });
}
