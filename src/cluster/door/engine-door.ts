/**
 * The door of an engine that workers dial: whoever calls has a few seconds to say what he wants, and places for those who have
 * not are few. What comes after the first message is not its matter. The doors of workers have the same limits.
 */
import { asKvrError, KvrError } from '../../core/errors.js';
import type { Address } from '../../link/address.js';
import type { Frame } from '../../link/frame.js';
import type { LinkHandlers } from '../../link/link.js';
import type { TransportOf } from '../../link/open-transport.js';
import type { Listener, OpenLink } from '../../link/transport.js';
import { checkHello, isFull, strangerToClose } from '../../worker/network/door/caller-limits.js';
import { Refusals } from '../../worker/network/door/refusals.js';
import { HANDSHAKE_TIMEOUT_MS } from '../../worker/network/door/silence.js';
import { parseMessage } from '../../worker/protocol/index.js';
import { type FirstMessage, firstMessageSchema } from './first-message.js';
import { HandedLink } from './handed-link.js';

/** One who has said what he wants. */
export type Caller<M extends FirstMessage = FirstMessage> = {
  readonly message: M;
  /** Of his machine, as it is seen from here. */
  readonly host: string | undefined;
  readonly handed: HandedLink;
};

export type DoorOptions = {
  readonly address: Address;
  readonly transportOf: TransportOf;
  /** Takes over; what it throws ends the link. */
  readonly onCaller: (caller: Caller) => void;
  /** Gets a line about those who were kept out. */
  readonly tell: (words: string) => void;
};

/** Somebody at the door. */
type Visitor = { role: 'unknown' | 'known'; readonly host: string | undefined; readonly handed: HandedLink };

export class EngineDoor {
  readonly #options: DoorOptions;
  readonly #visitors = new Set<Visitor>();
  readonly #refusals: Refusals;
  #listener: Listener | undefined;

  private constructor(options: DoorOptions) {
    this.#options = options;
    this.#refusals = new Refusals(options.tell);
  }

  /** Begins to listen. @throws BAD_INPUT */
  static async open(options: DoorOptions): Promise<EngineDoor> {
    const door = new EngineDoor(options);
    const { address, transportOf } = options;
    const onFull = (): void => door.#sendAway(door.#oldestStranger(), 'no descriptor is left for it');
    door.#listener = await transportOf(address).listen(
      address,
      (open, host) => door.#admit(open, host),
      onFull,
    );
    return door;
  }

  /** Where it listens, with the port the system chose where 0 was asked for. */
  get address(): Address {
    return this.#listener?.address ?? this.#options.address;
  }

  /** Who was kept out since it was opened, by reason. */
  get refusals(): ReadonlyMap<string, number> {
    return this.#refusals.counts;
  }

  /** Lets nobody in any more, and sends strangers away. Those who were let in are others' matter. Twice is harmless. */
  close(): void {
    this.#listener?.close();
    for (const visitor of this.#visitors) if (visitor.role === 'unknown') visitor.handed.link.close();
  }

  #admit(open: OpenLink, host: string | undefined): void {
    if (isFull(this.#visitors, host)) return refuse(open);
    const onEnd = (): void => {
      clearTimeout(timer);
      this.#visitors.delete(visitor);
    };
    const first: LinkHandlers = {
      onFrameHead: checkHello,
      onFrame: (frame) => this.#hear(visitor, frame),
      onClose: (error) => this.#refusals.note({ role: 'unknown', host }, error),
    };
    const handed = new HandedLink(open, first, onEnd);
    const visitor: Visitor = { role: 'unknown', host, handed };
    const late = new KvrError('LINK', `the other end said no hello for ${HANDSHAKE_TIMEOUT_MS} ms`);
    const timer = setTimeout(
      () => visitor.role === 'unknown' && handed.link.close(late),
      HANDSHAKE_TIMEOUT_MS,
    );
    this.#visitors.add(visitor);
    this.#sendAway(strangerToClose(this.#visitors, host), 'too many connections without a hello');
  }

  #hear(visitor: Visitor, frame: Frame): void {
    const { host, handed } = visitor;
    try {
      if (frame.kind !== 'control')
        throw new KvrError('PROTOCOL', 'KV rows from one who has not said what he wants');
      const message = parseMessage(firstMessageSchema, frame);
      visitor.role = 'known';
      this.#options.onCaller({ message, host, handed });
    } catch (error) {
      handed.link.close(asKvrError(error));
    }
  }

  #oldestStranger(): Visitor | undefined {
    return [...this.#visitors].find(({ role }) => role === 'unknown');
  }

  #sendAway(visitor: Visitor | undefined, reason: string): void {
    if (!visitor) return;
    this.#visitors.delete(visitor);
    visitor.handed.link.close(new KvrError('LINK', reason));
  }
}

function refuse(open: OpenLink): void {
  const link = open({ onFrame: () => undefined, onClose: () => undefined });
  link.close(new KvrError('LINK', 'as many connections as this engine takes'));
}
