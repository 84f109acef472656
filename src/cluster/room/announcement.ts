/**
 * A worker's presence in a room: its card, said again and again and whenever somebody calls, until it leaves. Called by `kvr worker`
 * beside the process that works, so that what carries keys and values never speaks to NATS.
 */
import { type Clock, wallClock } from '../../core/clock.js';
import type { RoomAddress } from './room-address.js';
import { RoomLink } from './room-link.js';
import { CARD_MS, type WorkerCard } from './worker-card.js';

/** Whoever may call can not make it say more than that. */
const ANSWER_MS = 100;

export type AnnouncementOptions = {
  readonly room: RoomAddress;
  /** @param seenHost this machine's address as the NATS server sees it, where it is one of this machine's */
  readonly cardOf: (seenHost: string | undefined) => WorkerCard;
  /** Gets a line where the room is found or lost. */
  readonly tell: (words: string) => void;
  readonly clock?: Clock;
};

export class Announcement {
  readonly #options: AnnouncementOptions;
  readonly #link: RoomLink;
  readonly #timer: NodeJS.Timeout;
  readonly #clock: Clock;
  #state: WorkerCard['state'] = 'working';
  #saidMs = -Infinity;

  constructor(options: AnnouncementOptions) {
    this.#options = options;
    this.#clock = options.clock ?? wallClock;
    const { room, tell } = options;
    this.#link = new RoomLink({
      ...{ room, tell, hears: ['call'] },
      onMessage: () => this.#answer(),
      onUp: () => this.#say(),
    });
    this.#timer = setInterval(() => this.#say(), CARD_MS);
  }

  /** From now on it says that it takes nothing new. */
  leave(): void {
    this.#state = 'leaving';
    this.#say();
  }

  /** Settles when nothing more is said. Twice is harmless. */
  async close(): Promise<void> {
    if (this.#state !== 'leaving') this.leave();
    clearInterval(this.#timer);
    await this.#link.close();
  }

  #answer(): void {
    if (this.#clock() - this.#saidMs >= ANSWER_MS) this.#say();
  }

  #say(): void {
    if (!this.#link.isUp) return;
    this.#saidMs = this.#clock();
    const card = { ...this.#options.cardOf(this.#link.seenHost), state: this.#state };
    this.#link.say(`worker.${card.process}`, card);
  }
}
