/**
 * Who says of himself that he is in the room, and whom to dial now. Pure but for the clock: it neither hears nor dials. A lease says
 * who may be dialled; a link that stands is never ended by it.
 */
import { type Clock, wallClock } from '../../core/clock.js';
import { LEASE_MS, type WorkerCard } from './worker-card.js';

/** More than an engine takes, since rooms are shared by models. */
export const MAX_CARDS = 256;
/** Connections that are being opened. */
export const MAX_DIALS = 8;
/** Before one that could not be reached is dialled again: doubled from the first to the last. */
const FIRST_WAIT_MS = 100;
const LAST_WAIT_MS = 5_000;

type Entry = {
  card: WorkerCard;
  heardMs: number;
  state: 'free' | 'dialled' | 'linked';
  hasLeft: boolean;
  /** In a row. */
  failures: number;
  waitsUntilMs: number;
  /** What was told of it last. */
  told: string;
};

export class RoomTable {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();

  constructor(clock: Clock = wallClock) {
    this.#clock = clock;
  }

  /** Cards of those who are there, in the order in which they came. */
  get cards(): readonly WorkerCard[] {
    return [...this.#entries.values()].map(({ card }) => card);
  }

  /** Whether nobody is being dialled, or is about to be. */
  get isSettled(): boolean {
    const all = [...this.#entries.values()];
    return all.every((entry) => entry.state !== 'dialled' && !this.#isDue(entry));
  }

  /** A card of one too many is forgotten. */
  hear(card: WorkerCard): void {
    const known = this.#entries.get(card.process);
    if (!known && (card.state === 'leaving' || !this.#hasRoom())) return;
    const heardMs = this.#clock();
    const fresh = { state: 'free', failures: 0, waitsUntilMs: 0, told: '' } as const;
    this.#entries.set(card.process, {
      ...(known ?? fresh),
      ...{ card, heardMs, hasLeft: card.state === 'leaving' },
    });
  }

  /** Whom to dial now: those that have failed least come first. They count as dialled from then on. */
  takeDue(): readonly WorkerCard[] {
    const all = [...this.#entries.values()];
    const room = MAX_DIALS - all.filter(({ state }) => state === 'dialled').length;
    const due = all.filter((entry) => this.#isDue(entry)).sort((a, b) => a.failures - b.failures);
    const taken = due.slice(0, Math.max(0, room));
    for (const entry of taken) entry.state = 'dialled';
    return taken.map(({ card }) => card);
  }

  /** It was reached. */
  linked(process: string): void {
    this.#change(process, { state: 'linked' });
  }

  /** It was not reached, or its link has ended. @param waitMs before it is dialled again, where that is known */
  failed(process: string, waitMs?: number): void {
    const { failures = 0, waitsUntilMs = 0 } = this.#entries.get(process) ?? {};
    const usual = Math.min(LAST_WAIT_MS, FIRST_WAIT_MS * 2 ** failures);
    const until = Math.max(waitsUntilMs, this.#clock() + (waitMs ?? usual));
    this.#change(process, { state: 'free', failures: failures + 1, waitsUntilMs: until });
  }

  /** It works for the engine: what failed before does not count. */
  succeeded(process: string): void {
    this.#change(process, { failures: 0 });
  }

  /** It says over its link that it leaves. */
  left(process: string): void {
    this.#change(process, { hasLeft: true });
  }

  /** Those who said nothing for too long are there no more. */
  forgetSilent(): void {
    for (const [process, { state, heardMs }] of this.#entries)
      if (state === 'free' && heardMs < this.#clock() - LEASE_MS) this.#entries.delete(process);
  }

  /** Nobody could be heard until now: everybody's time begins again. */
  renew(): void {
    for (const entry of this.#entries.values()) entry.heardMs = this.#clock();
  }

  /** Whether these words about it were not the last ones. */
  isNews(process: string, words: string): boolean {
    const told = this.#entries.get(process)?.told;
    this.#change(process, { told: words });
    return told !== words;
  }

  #isDue({ state, hasLeft, waitsUntilMs, heardMs }: Entry): boolean {
    const nowMs = this.#clock();
    return state === 'free' && !hasLeft && waitsUntilMs <= nowMs && heardMs >= nowMs - LEASE_MS;
  }

  /** Makes room: of those that can not be reached the one that has failed most goes. */
  #hasRoom(): boolean {
    if (this.#entries.size < MAX_CARDS) return true;
    const idle = [...this.#entries.values()].filter(
      ({ state, failures }) => state === 'free' && failures > 0,
    );
    const [worst] = idle.sort((a, b) => b.failures - a.failures);
    return worst !== undefined && this.#entries.delete(worst.card.process);
  }

  #change(process: string, change: Partial<Entry>): void {
    const entry = this.#entries.get(process);
    if (entry) Object.assign(entry, change);
  }
}
