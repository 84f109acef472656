/**
 * How the places of a chain are shared out. A request keeps its place until it has ended, so a few clients with long ones
 * could take all places for minutes: long requests therefore get only a part of them, and short ones are let past.
 */
import { KvrError } from '../../core/errors.js';
import { PriorityGate, type Standing, type Waiting } from './priority-gate.js';

/** What most chats ask for, and a prompt that is read in seconds: a place is then free again soon. */
export const SHORT_NEW_TOKENS = 1024;
export const SHORT_PROMPT_TOKENS = 8192;
/** Of all places, for short requests alone; of fewer than four places none. */
const SHORT_SHARE = 1 / 4;

/** What of a request decides about its place. */
export type Asking = { readonly promptTokens: number; readonly maxTokens: number } & Standing;

export class Places {
  readonly #long: PriorityGate;
  readonly #underWay = new Map<string | undefined, number>();

  constructor(maxRunning: number, maxWaiting: number) {
    const forLong = maxRunning - Math.floor(maxRunning * SHORT_SHARE);
    this.#long = new PriorityGate(maxWaiting, forLong, (client) => this.underWay(client));
  }

  /** Long requests that wait for others of their kind to end. */
  get waiting(): number {
    return this.#long.waiting;
  }

  /** The same, in the order in which they would go. */
  get inOrder(): readonly Waiting[] {
    return this.#long.inOrder;
  }

  /** Requests of a client that have a place. */
  underWay(client: string | undefined): number {
    return this.#underWay.get(client) ?? 0;
  }

  /** Waits where the request is long and too many such have places. @returns to be called when it has ended. @throws BUSY, CANCELLED */
  async wait(asking: Asking, signal: AbortSignal): Promise<() => void> {
    const isShort = asking.maxTokens <= SHORT_NEW_TOKENS && asking.promptTokens <= SHORT_PROMPT_TOKENS;
    return once(isShort ? () => undefined : await this.#long.enter(signal, asking));
  }

  /** A request of the client has got its place. @returns to be called when it has ended */
  take(client: string | undefined): () => void {
    this.#count(client, 1);
    return once(() => this.#count(client, -1));
  }

  #count(client: string | undefined, change: number): void {
    const count = this.underWay(client) + change;
    if (count < 0) throw new KvrError('INTERNAL', 'a place was given back twice');
    if (count === 0) this.#underWay.delete(client);
    else this.#underWay.set(client, count);
  }
}

function once(act: () => void): () => void {
  let isDone = false;
  return () => {
    if (isDone) return;
    isDone = true;
    act();
  };
}
