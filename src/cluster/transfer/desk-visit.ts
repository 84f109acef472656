/**
 * One machine that fetches the model: it gets an offer, and then the pieces that it asks for. At most a few pieces of it are in memory.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { asKvrError, KvrError } from '../../core/errors.js';
import { controlFrame, type Frame } from '../../link/frame.js';
import type { Link } from '../../link/link.js';
import type { OpenLink } from '../../link/transport.js';
import { parseMessage } from '../../worker/protocol/index.js';
import { type FromDesk, MAX_PIECES_AHEAD, type Offer, type ToDesk, toDeskSchema } from './messages.js';
import { toldParts } from './told-parts.js';

/** An offer, and where its files are, in the same order. */
export type Given = { readonly offer: Offer; readonly paths: readonly string[] };

export type VisitOptions = {
  /** Who it is, in what is told. */
  readonly to: string;
  /** Makes the offer; may take minutes. */
  readonly prepare: () => Promise<Given>;
  readonly onEnd: () => void;
  readonly tell: (words: string) => void;
};

type Read = Extract<ToDesk, { type: 'read' }>;

/** How often who waits for an offer hears that it is being made. */
const PREPARING_MS = 1_000;
/** Who has an offer asks within moments, or is gone. */
export const VISIT_SILENCE_MS = 60_000;

export class DeskVisit {
  readonly #options: VisitOptions;
  readonly #link: Link;
  readonly #timer: NodeJS.Timeout;
  #heardMs = performance.now();
  #given: Given | undefined;
  #told: ReturnType<typeof toldParts> | undefined;
  /** Pieces that are asked for and not sent. */
  #ahead = 0;
  #reading: Promise<void> = Promise.resolve();
  #open: { readonly file: number; readonly handle: FileHandle } | undefined;

  constructor(openLink: OpenLink, options: VisitOptions) {
    this.#options = options;
    this.#link = openLink({
      onFrame: (frame) => this.#onFrame(frame),
      onHeard: () => (this.#heardMs = performance.now()),
      onClose: (error) => this.#onClose(error),
    });
    this.#timer = setInterval(() => this.#look(), PREPARING_MS);
    void this.#makeOffer();
  }

  close(): void {
    this.#link.close();
  }

  async #makeOffer(): Promise<void> {
    try {
      const given = await this.#options.prepare();
      this.#given = given;
      this.#heardMs = performance.now();
      this.#send(given.offer);
    } catch (error) {
      const { code, message } = asKvrError(error);
      this.#options.tell(`${this.#options.to} gets no model: ${message}`);
      this.#send({ type: 'refused', code, message });
      this.#link.close();
    }
  }

  #look(): void {
    if (!this.#given) return this.#send({ type: 'preparing' });
    if (performance.now() - this.#heardMs <= VISIT_SILENCE_MS || this.#ahead > 0) return;
    this.#link.close(new KvrError('LINK', `nothing was asked for ${VISIT_SILENCE_MS} ms`));
  }

  #onFrame(frame: Frame): void {
    try {
      if (frame.kind !== 'control')
        throw new KvrError('PROTOCOL', 'KV rows from a machine that fetches a model');
      this.#take(parseMessage(toDeskSchema, frame));
    } catch (error) {
      this.#link.close(asKvrError(error));
    }
  }

  /** @throws PROTOCOL for what was not offered, and for more at once than is allowed */
  #take(message: ToDesk): void {
    const given = this.#given;
    if (!given) throw new KvrError('PROTOCOL', `${message.type} before there was an offer`);
    if (message.type === 'begin') {
      const { model } = given.offer;
      this.#told = toldParts(
        `giving ${model} to ${this.#options.to}`,
        message.missingBytes,
        this.#options.tell,
      );
      return;
    }
    const { file, start, bytes } = message;
    if (start + bytes > (given.offer.files[file]?.bytes ?? 0))
      throw new KvrError(
        'PROTOCOL',
        `asked for what is not offered: ${bytes} bytes of file ${file} from ${start} on`,
      );
    if (++this.#ahead > MAX_PIECES_AHEAD)
      throw new KvrError('PROTOCOL', `asked for more than ${MAX_PIECES_AHEAD} pieces ahead`);
    this.#reading = this.#reading.then(() => this.#give(message, given));
  }

  async #give(read: Read, { paths }: Given): Promise<void> {
    if (this.#link.isClosed) return;
    const { file, start } = read;
    try {
      const handle = await this.#handleOf(file, paths);
      const payload = await readPiece(handle, read);
      this.#ahead--;
      this.#send({ type: 'piece', file, start }, payload);
      this.#told?.add(payload.byteLength);
    } catch (error) {
      this.#link.close(asKvrError(error));
    }
  }

  /** Files are asked for one after the other, so that one is open at a time. */
  async #handleOf(file: number, paths: readonly string[]): Promise<FileHandle> {
    if (this.#open?.file === file) return this.#open.handle;
    await this.#closeFile();
    const handle = await open(paths[file] ?? '', 'r');
    this.#open = { file, handle };
    return handle;
  }

  async #closeFile(): Promise<void> {
    const before = this.#open;
    this.#open = undefined;
    await before?.handle.close();
  }

  #send(message: FromDesk, payload?: Uint8Array<ArrayBuffer>): void {
    this.#link.send(controlFrame(message, payload));
  }

  #onClose(error: Error | undefined): void {
    clearInterval(this.#timer);
    this.#told?.end(error);
    void this.#reading.then(() => this.#closeFile());
    this.#options.onEnd();
  }
}

/** @throws CACHE_DAMAGED where the file has become shorter, and what the file system reports */
async function readPiece(handle: FileHandle, { start, bytes }: Read): Promise<Uint8Array<ArrayBuffer>> {
  const payload = Buffer.allocUnsafeSlow(bytes);
  for (let done = 0; done < bytes;) {
    const { bytesRead } = await handle.read(payload, done, bytes - done, start + done);
    if (bytesRead === 0)
      throw new KvrError('CACHE_DAMAGED', 'a file of the compiled model has become shorter');
    done += bytesRead;
  }
  return payload;
}
