/**
 * Workers that come to an engine one by one, over a link that stands, and go: each becomes a member of the cluster under a name of
 * its own. Who dialled whom is not its matter (joined.ts, nats.ts).
 */
import { randomUUID } from 'node:crypto';
import { asKvrError, type KvrError } from '../core/errors.js';
import type { OpenedWorker } from './member.js';
import { type Arrival, type JoinedPlace, JoinedPlaces } from './places/joined-places.js';
import type { SupervisedCluster } from './supervised-cluster.js';
import { WorkerHandle } from './worker-handle.js';

export type Comer = Omit<Arrival, 'identity'> & {
  /** What it would like to be called. */
  readonly name: string;
  /** Tells its process from all others, where links do not prove it. */
  readonly process: string;
};

export class JoinedWorkers {
  readonly #cluster: SupervisedCluster;
  readonly #tell: (words: string) => void;
  readonly #engine = `engine-${randomUUID()}`;
  readonly #places = new JoinedPlaces((place) => this.#leave(place));

  constructor(cluster: SupervisedCluster, tell: (words: string) => void) {
    this.#cluster = cluster;
    this.#tell = tell;
  }

  /** @throws BUSY where there is no room */
  take({ name, process, ...arrival }: Comer): void {
    // Several processes of a machine may show the same certificate of an organisation.
    const identity = `${arrival.link.peerIdentity ?? ''} ${process}`;
    const { place, isNew } = this.#places.placeFor(name, identity);
    place.arrive({ ...arrival, identity });
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
    const { address, open, onRefused, onLeft } = await place.next(signal);
    const handle = new WorkerHandle(place.id, address, this.#engine, 0, undefined, open);
    place.hold(handle);
    handle.listen(({ type }) => {
      if (type !== 'leaving') return;
      onLeft?.();
      this.#release(place, handle);
    });
    const refuse = (reason: KvrError): void => {
      handle.send({ type: 'refused', code: reason.code, message: reason.message });
      onRefused?.(reason);
    };
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
