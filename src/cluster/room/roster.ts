/**
 * Who is in a room now: asked once, without taking part. Called by `kvr cluster`.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { KvrError } from '../../core/errors.js';
import type { RoomAddress } from './room-address.js';
import { RoomLink } from './room-link.js';
import { RoomTable } from './room-table.js';
import { readCard, type WorkerCard } from './worker-card.js';

/** All that are there have answered a call by then, or said it by themselves. */
const ROLL_CALL_MS = 1_200;

/** By name. @throws LINK where there is no NATS, CANCELLED */
export async function readRoster(room: RoomAddress, signal: AbortSignal): Promise<readonly WorkerCard[]> {
  const table = new RoomTable();
  const link: RoomLink = new RoomLink({
    ...{ room, hears: ['worker.*'], tell: () => undefined },
    onMessage: (bytes) => {
      const card = readCard(bytes);
      if (card) table.hear(card);
    },
    onUp: () => link.say('call', {}),
  });
  try {
    await link.tried;
    if (!link.isUp) throw new KvrError('LINK', link.told);
    await pause(ROLL_CALL_MS, undefined, { signal });
  } catch (error) {
    throw signal.aborted ? new KvrError('CANCELLED', 'cancelled while asking who is there') : error;
  } finally {
    await link.close();
  }
  return [...table.cards].sort((a, b) => (a.name < b.name ? -1 : 1));
}
