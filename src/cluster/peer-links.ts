/**
 * The links between the workers of a cluster: every two of them are linked, and a link that is lost is opened again. The workers
 * open them; this is where the engine remembers which there are.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { asKvrError, KvrError } from '../core/errors.js';
import type { ClusterWorker } from './cluster.js';
import { retryWaitMs } from '../link/reach/retry-wait.js';
import type { WorkerHandle } from './worker-handle.js';

type Pair = {
  /** The one that was there first: it dials the other. */
  readonly dialler: WorkerHandle;
  readonly dialled: WorkerHandle;
  isOpen: boolean;
  /** Why it is not open. */
  reason?: KvrError;
  isOpening: boolean;
  /** Told while it was being opened: of the link before, or of the one that is just there. */
  isLostAgain: boolean;
};

/**
 * What to do when a link can not be opened: 'retry' later, also by having the other one dial where that may help ('retry either
 * way'), or give up the worker that nobody can dial any more.
 */
export type OnLinkRefused = 'retry' | 'retry either way' | 'give up';

export class PeerLinks {
  readonly #pairs = new Set<Pair>();
  readonly #onRefused: OnLinkRefused;
  readonly #onChange: () => void;

  /** @param onChange called when a link is there, and when one is lost */
  constructor(onRefused: OnLinkRefused, onChange: () => void) {
    this.#onRefused = onRefused;
    this.#onChange = onChange;
  }

  areLinked(a: WorkerHandle, b: WorkerHandle): boolean {
    return this.#pairOf(a, b)?.isOpen ?? false;
  }

  /** Why two workers are not linked. */
  reason(a: WorkerHandle, b: WorkerHandle): KvrError | undefined {
    return this.#pairOf(a, b)?.reason;
  }

  /**
   * Links a worker that has just been opened to those that were there before, and keeps these links for as long as both ends
   * live. Settles when each link has been tried once.
   */
  async join(worker: ClusterWorker, others: readonly ClusterWorker[]): Promise<void> {
    const pairs = others.map(({ handle }) => this.#add(handle, worker.handle));
    await Promise.all(pairs.map((pair) => this.#open(pair)));
  }

  #add(dialler: WorkerHandle, dialled: WorkerHandle): Pair {
    const pair: Pair = { dialler, dialled, isOpen: false, isOpening: false, isLostAgain: false };
    this.#pairs.add(pair);
    for (const [end, other] of [[dialler, dialled] as const, [dialled, dialler] as const]) {
      const stop = end.listen((message) => {
        if (message.type === 'peerLost' && message.worker === other.id) this.#lost(pair, message.reason);
      });
      end.onEnd(() => this.#pairs.delete(pair));
      // The one that stays would keep a listener for every worker that ever was.
      other.onEnd(stop);
    }
    return pair;
  }

  /** Both ends tell, and the second may tell of a link that has been replaced: to open one that stands does nothing. */
  #lost(pair: Pair, why: string): void {
    if (!this.#pairs.has(pair)) return;
    pair.isLostAgain = pair.isOpening;
    if (pair.isOpening) return;
    pair.isOpen = false;
    pair.reason = new KvrError('LINK', `link ${pair.dialler.id} to ${pair.dialled.id} was lost: ${why}`);
    this.#onChange();
    void this.#open(pair);
  }

  /** Tries once, and goes on trying behind the caller's back. */
  async #open(pair: Pair): Promise<void> {
    pair.isOpening = true;
    if (await this.#tryToOpen(pair)) return;
    void this.#keepTrying(pair);
  }

  async #keepTrying(pair: Pair): Promise<void> {
    for (let failures = 1; this.#pairs.has(pair); failures++) {
      await pause(retryWaitMs(failures), undefined, { ref: false });
      if (this.#pairs.has(pair) && (await this.#tryToOpen(pair))) return;
    }
  }

  async #tryToOpen(pair: Pair): Promise<boolean> {
    try {
      await this.#connectUntilItStands(pair);
      pair.isOpening = false;
      pair.isOpen = true;
      delete pair.reason;
      this.#onChange();
      return true;
    } catch (error) {
      pair.reason = asKvrError(error);
      if (this.#onRefused === 'give up') await this.#giveUp(pair, pair.reason);
      return false;
    }
  }

  /**
   * The one that dials says at once that a link stands whose loss it has not noticed yet, and may tell the loss right behind
   * it. @throws as #connect
   */
  async #connectUntilItStands(pair: Pair): Promise<void> {
    do {
      pair.isLostAgain = false;
      await this.#connect(pair);
    } while (pair.isLostAgain);
  }

  /** A worker behind a NAT or a firewall is not reached, but reaches others. @throws why the one who should dial could not */
  async #connect({ dialler, dialled }: Pair): Promise<void> {
    try {
      await dialler.connectPeer(dialled);
    } catch (error) {
      if (this.#onRefused !== 'retry either way' || dialler.isEnded || dialled.isEnded) throw error;
      await dialled.connectPeer(dialler).catch((other: unknown) => {
        throw neitherWay(asKvrError(error), asKvrError(other));
      });
    }
  }

  /** A worker that is about to be found dead has a better reason of its own. */
  async #giveUp(pair: Pair, reason: KvrError): Promise<void> {
    await pair.dialled.probed();
    if (this.#pairs.has(pair)) pair.dialled.fail(reason);
  }

  #pairOf(a: WorkerHandle, b: WorkerHandle): Pair | undefined {
    return [...this.#pairs].find(
      ({ dialler, dialled }) => (dialler === a && dialled === b) || (dialler === b && dialled === a),
    );
  }
}

function neitherWay(there: KvrError, back: KvrError): KvrError {
  const message = `${there.message}; and the other way: ${back.message}. Of two workers one must be reached by the other`;
  return new KvrError('LINK', message, {}, there);
}
