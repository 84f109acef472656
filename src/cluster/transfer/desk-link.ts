/**
 * The connection of a machine that fetches, as messages in their order.
 */
import { KvrError, type KvrErrorCode } from '../../core/errors.js';
import { type Address, formatAddress } from '../../link/address.js';
import { controlFrame, type Frame } from '../../link/frame.js';
import type { Link } from '../../link/link.js';
import type { Transport } from '../../link/transport.js';
import { parseMessage } from '../../worker/protocol/index.js';
import { type FetchMessage, type FromDesk, fromDeskSchema, type ToDesk } from './messages.js';

export type FromDeskFrame = { readonly message: FromDesk; readonly payload: Uint8Array<ArrayBuffer> };

/** An engine that compiles says so every second, and a piece takes half a minute at 35 KB/s. */
export const DESK_SILENCE_MS = 30_000;

export class DeskLink {
  readonly #link: Link;
  readonly #signal: AbortSignal;
  readonly #onAbort: () => void;
  readonly #timer: NodeJS.Timeout;
  #frames: FromDeskFrame[] = [];
  #end: KvrError | undefined;
  #wake: () => void = () => undefined;
  #heardMs = performance.now();

  private constructor(open: Awaited<ReturnType<Transport['dial']>>, from: string, signal: AbortSignal) {
    this.#link = open({
      onFrame: (frame) => this.#onFrame(frame),
      onHeard: () => (this.#heardMs = performance.now()),
      onClose: (error) => this.#finish(new KvrError('LINK', `${from}: ${error?.message ?? 'closed'}`)),
    });
    this.#signal = signal;
    this.#onAbort = () => this.#link.close(new KvrError('CANCELLED', 'fetching the model was cancelled'));
    signal.addEventListener('abort', this.#onAbort, { once: true });
    this.#timer = setInterval(() => this.#look(), 1_000);
  }

  /** Dials, and says what is wanted. @throws LINK, CANCELLED */
  static async open(
    address: Address,
    transport: Pick<Transport, 'dial'>,
    wanted: FetchMessage,
    signal: AbortSignal,
  ): Promise<DeskLink> {
    const desk = new DeskLink(await transport.dial(address, signal), formatAddress(address), signal);
    desk.#link.send(controlFrame(wanted));
    return desk;
  }

  send(message: ToDesk): void {
    this.#link.send(controlFrame(message));
  }

  /** The next message that is more than a sign of life. @throws LINK, PROTOCOL, CANCELLED, and the code of a refusal */
  async next(): Promise<FromDeskFrame> {
    for (;;) {
      const frame = this.#frames.shift();
      if (frame?.message.type === 'refused')
        throw new KvrError(frame.message.code as KvrErrorCode, frame.message.message, { isRefusal: true });
      if (frame && frame.message.type !== 'preparing') return frame;
      if (!frame && this.#signal.aborted) throw new KvrError('CANCELLED', 'fetching the model was cancelled');
      if (!frame && this.#end) throw this.#end;
      if (!frame) await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  close(): void {
    this.#link.close();
  }

  #onFrame(frame: Frame): void {
    try {
      if (frame.kind !== 'control')
        throw new KvrError('PROTOCOL', 'KV rows from an engine that gives a model');
      this.#frames.push({ message: parseMessage(fromDeskSchema, frame), payload: frame.payload });
      this.#wake();
    } catch (error) {
      this.#link.close(error as Error);
    }
  }

  #look(): void {
    if (performance.now() - this.#heardMs > DESK_SILENCE_MS)
      this.#link.close(new KvrError('LINK', `sent nothing for ${DESK_SILENCE_MS} ms`));
  }

  #finish(error: KvrError): void {
    clearInterval(this.#timer);
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#end ??= error;
    this.#wake();
  }
}
