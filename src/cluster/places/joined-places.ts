/**
 * The places of workers that come to an engine: under a name each, kept for a while for a worker whose link has ended. Knows no
 * messages, and not how they come.
 */
import { KvrError } from '../../core/errors.js';
import type { Address } from '../../link/address.js';
import type { Link } from '../../link/link.js';
import type { OpenLink } from '../../link/transport.js';

/** A worker whose link stands, and that waits to be opened. */
export type Arrival = {
  /** The same whenever this process comes, and nobody else's. */
  readonly identity: string;
  /** Where others may dial it; undefined where it listens nowhere. */
  readonly address: Address | undefined;
  readonly open: OpenLink;
  readonly link: Link;
  /** Called where the engine has no use for it as it is. */
  readonly onRefused?: (reason: KvrError) => void;
  /** Called when it says that it leaves. */
  readonly onLeft?: () => void;
};

/** What a place has to know of a worker that is opened as it. */
export type PlacedWorker = {
  fail(error: KvrError): void;
  /** Calls the listener when the worker can not be used any more. */
  onEnd(listener: () => void): unknown;
};

/** Workers of one engine, on hand or expected back: the plan tries orders of few, and everybody links to everybody. */
export const MAX_JOINED_WORKERS = 64;
/** After so long a worker that was lost is not expected back: machines start again in less. */
export const FORGET_MS = 600_000;

export class JoinedPlace {
  readonly id: string;
  identity: string;
  #isTaken = false;
  #handle: PlacedWorker | undefined;
  #arrival: Arrival | undefined;
  #wake: () => void = () => undefined;
  #forgetting: NodeJS.Timeout | undefined;
  readonly #onForgotten: () => void;

  /** @param onForgotten called when nobody has come for FORGET_MS */
  constructor(id: string, identity: string, onForgotten: () => void) {
    this.id = id;
    this.identity = identity;
    this.#onForgotten = onForgotten;
  }

  /** Whether its worker is there, or about to be opened. */
  get isTaken(): boolean {
    return this.#isTaken;
  }

  /** A process that comes again has noticed the end of its link before this end did. */
  arrive(arrival: Arrival): void {
    clearTimeout(this.#forgetting);
    const again = new KvrError('WORKER_DIED', `worker ${this.id} has joined again over another connection`);
    this.#arrival?.link.close(again);
    this.#handle?.fail(again);
    this.identity = arrival.identity;
    this.#isTaken = true;
    this.#arrival = arrival;
    this.#wake();
  }

  /** Waits for its worker to come. @throws CANCELLED */
  async next(signal: AbortSignal): Promise<Arrival> {
    const onAbort = (): void => this.#wake();
    signal.addEventListener('abort', onAbort, { once: true });
    while (!this.#arrival && !signal.aborted) await new Promise<void>((resolve) => (this.#wake = resolve));
    signal.removeEventListener('abort', onAbort);
    const arrival = this.#arrival;
    this.#arrival = undefined;
    if (arrival && !signal.aborted) return arrival;
    arrival?.link.close();
    throw new KvrError('CANCELLED', `nobody waits for worker ${this.id} any more`);
  }

  /** The worker that came is opened as this, until it ends. */
  hold(handle: PlacedWorker): void {
    this.#handle = handle;
    handle.onEnd(() => {
      if (this.#handle !== handle || this.#arrival) return;
      this.#isTaken = false;
      this.#forgetting = setTimeout(this.#onForgotten, FORGET_MS).unref();
    });
  }

  close(): void {
    clearTimeout(this.#forgetting);
  }
}

export class JoinedPlaces {
  readonly #places = new Map<string, JoinedPlace>();
  readonly #onForgotten: (place: JoinedPlace) => void;

  constructor(onForgotten: (place: JoinedPlace) => void) {
    this.#onForgotten = onForgotten;
  }

  /**
   * The place of a worker: the one that its process had, else that of its name where nobody has it, else one of a new name.
   * @throws BUSY where all are taken
   */
  placeFor(name: string, identity: string): { readonly place: JoinedPlace; readonly isNew: boolean } {
    const own = [...this.#places.values()].find((place) => place.identity === identity);
    if (own) return { place: own, isNew: false };
    for (let number = 1; number <= MAX_JOINED_WORKERS; number++) {
      const id = number === 1 ? name : `${name}-${number}`;
      const place = this.#places.get(id);
      if (place && !place.isTaken) return { place, isNew: false };
      if (!place && this.#places.size < MAX_JOINED_WORKERS)
        return { place: this.#add(id, identity), isNew: true };
    }
    throw new KvrError('BUSY', `${this.#places.size} workers have joined, as many as an engine takes`);
  }

  delete(place: JoinedPlace): void {
    place.close();
    if (this.#places.get(place.id) === place) this.#places.delete(place.id);
  }

  close(): void {
    for (const place of this.#places.values()) place.close();
  }

  #add(id: string, identity: string): JoinedPlace {
    const place = new JoinedPlace(id, identity, () => this.#onForgotten(place));
    this.#places.set(id, place);
    return place;
  }
}
