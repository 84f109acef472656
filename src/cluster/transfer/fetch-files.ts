/**
 * Fetches the files of an offer into a folder over one connection: what is there is not asked for again, and a file whose digest is
 * not the offered one is fetched anew.
 */
import { join } from 'node:path';
import { KvrError } from '../../core/errors.js';
import type { DeskLink } from './desk-link.js';
import { GrowingFile, keptBytes } from './growing-file.js';
import { MAX_PIECES_AHEAD, type Offer, PIECE_BYTES } from './messages.js';

/** A file that is wrong as often is wrong where it comes from. */
export const MAX_FILE_ATTEMPTS = 3;

type Piece = { readonly file: number; readonly start: number; readonly bytes: number };

/**
 * @param folder of what is fetched, whole or not
 * @param onBytes called with what was there, and for every piece
 * @throws LINK, PROTOCOL, CANCELLED, CACHE_DAMAGED, and what the file system reports
 */
export function fetchFiles(
  desk: Pick<DeskLink, 'send' | 'next'>,
  offer: Offer,
  folder: string,
  onBytes: (bytes: number) => void,
): Promise<void> {
  return new FileFetch(desk, offer, folder, onBytes).run();
}

class FileFetch {
  readonly #desk: Pick<DeskLink, 'send' | 'next'>;
  readonly #files: Offer['files'];
  readonly #folder: string;
  readonly #onBytes: (bytes: number) => void;
  readonly #attempts = new Map<number, number>();

  constructor(
    desk: Pick<DeskLink, 'send' | 'next'>,
    { files }: Offer,
    folder: string,
    onBytes: (bytes: number) => void,
  ) {
    this.#desk = desk;
    this.#files = files;
    this.#folder = folder;
    this.#onBytes = onBytes;
  }

  async run(): Promise<void> {
    let wanted = this.#files.map((_, file) => file);
    for (let isFirst = true; wanted.length > 0; isFirst = false) {
      const missing = await this.#missing(wanted);
      if (isFirst) this.#begin(missing.flat());
      wanted = await this.#fetchMissing(wanted, missing);
    }
  }

  #begin(missing: readonly Piece[]): void {
    const missingBytes = missing.reduce((sum, { bytes }) => sum + bytes, 0);
    this.#desk.send({ type: 'begin', missingBytes });
    this.#onBytes(this.#files.reduce((sum, { bytes }) => sum + bytes, 0) - missingBytes);
  }

  /** Of each file. */
  async #missing(files: readonly number[]): Promise<Piece[][]> {
    const missing: Piece[][] = [];
    for (const file of files) {
      const { bytes: whole } = this.#file(file);
      const pieces: Piece[] = [];
      for (let start = await keptBytes(this.#path(file), whole); start < whole; start += PIECE_BYTES)
        pieces.push({ file, start, bytes: Math.min(PIECE_BYTES, whole - start) });
      missing.push(pieces);
    }
    return missing;
  }

  /**
   * A few pieces are asked for ahead, also of the next file, so that the link is never idle; they come in the order in which they
   * were asked for. @returns the files that are wrong
   */
  async #fetchMissing(files: readonly number[], missing: readonly (readonly Piece[])[]): Promise<number[]> {
    const wrong: number[] = [];
    const queue = missing.flat();
    let asked = 0;
    const askOne = (): void => {
      const piece = queue[asked++];
      if (piece) this.#desk.send({ type: 'read', ...piece });
    };
    for (let ahead = 0; ahead < MAX_PIECES_AHEAD; ahead++) askOne();
    for (const [place, file] of files.entries())
      if (!(await this.#fetchFile(file, missing[place] ?? [], askOne))) wrong.push(file);
    return wrong;
  }

  /** @param onPiece called when a piece has come. @returns whether the file is what was offered; else nothing of it is left */
  async #fetchFile(file: number, pieces: readonly Piece[], onPiece: () => void): Promise<boolean> {
    const { name, bytes, digest } = this.#file(file);
    const growing = await GrowingFile.open(this.#path(file), bytes);
    try {
      for (const piece of pieces) {
        const payload = await this.#receive(piece);
        onPiece();
        await growing.append(payload);
        this.#onBytes(piece.bytes);
      }
      if (growing.end() === digest) return true;
      await growing.clear();
      this.#noteWrong(file, name);
      this.#onBytes(-bytes);
      return false;
    } finally {
      await growing.close();
    }
  }

  /** @throws CACHE_DAMAGED for one that is wrong again and again */
  #noteWrong(file: number, name: string): void {
    const attempts = (this.#attempts.get(file) ?? 0) + 1;
    this.#attempts.set(file, attempts);
    if (attempts < MAX_FILE_ATTEMPTS) return;
    const message = `${name} does not hold what its digest says, ${attempts} times; see that the server's cache and both disks are sound`;
    throw new KvrError('CACHE_DAMAGED', message);
  }

  #file(file: number): Offer['files'][number] {
    const found = this.#files[file];
    if (found) return found;
    throw new KvrError('INTERNAL', `file ${file} of ${this.#files.length}`);
  }

  #path(file: number): string {
    return join(this.#folder, this.#file(file).name);
  }

  async #receive({ file, start, bytes }: Piece): Promise<Uint8Array> {
    const { message, payload } = await this.#desk.next();
    const isIt = message.type === 'piece' && message.file === file && message.start === start;
    if (isIt && payload.byteLength === bytes) return payload;
    throw new KvrError(
      'PROTOCOL',
      `got ${message.type} of ${payload.byteLength} bytes, and not the piece that was asked for`,
    );
  }
}
