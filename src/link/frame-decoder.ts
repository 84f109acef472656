/**
 * Turns a stream of bytes, cut anywhere, into frames. Every payload is read straight into a buffer of its own, so
 * that it can be handed to another thread without a copy. Memory: at most one unfinished frame.
 */
import { KvrError } from '../core/errors.js';
import { decodeFrame, decodeHeader, type Frame, type FrameHeader, HEADER_BYTES } from './frame.js';

/** A buffer that is being filled. */
type Part = { readonly bytes: Uint8Array<ArrayBuffer>; filled: number };

export class FrameDecoder {
  readonly #isChecksummed: boolean;
  readonly #onFrameHead: ((header: FrameHeader) => void) | undefined;
  #header = newPart(HEADER_BYTES);
  #open: { readonly header: FrameHeader; readonly meta: Part; readonly payload: Part } | undefined;

  /**
   * @param isChecksummed whether every frame must have a checksum: a damaged bit can not turn the check off
   * @param onFrameHead called before memory is taken for a frame; may throw
   */
  constructor(isChecksummed: boolean, onFrameHead?: (header: FrameHeader) => void) {
    this.#isChecksummed = isChecksummed;
    this.#onFrameHead = onFrameHead;
  }

  /** Takes the next bytes of the stream and yields the frames they complete. @throws LINK, PROTOCOL; the stream is lost then. */
  *push(chunk: Uint8Array): Generator<Frame> {
    let at = 0;
    for (;;) {
      if (!this.#open) {
        at += fill(this.#header, chunk, at);
        if (!isFull(this.#header)) return;
        this.#open = openFrame(this.#checked(decodeHeader(toBuffer(this.#header))));
      }
      const { header, meta, payload } = this.#open;
      at += fill(meta, chunk, at);
      if (isFull(meta)) at += fill(payload, chunk, at);
      if (!isFull(meta) || !isFull(payload)) return;
      this.#open = undefined;
      this.#header = newPart(HEADER_BYTES);
      yield decodeFrame(header, toBuffer(meta), payload.bytes);
    }
  }

  #checked(header: FrameHeader): FrameHeader {
    if (this.#isChecksummed && header.bodySum === undefined)
      throw new KvrError('PROTOCOL', 'received a frame without checksum over a link that must have them');
    this.#onFrameHead?.(header);
    return header;
  }

  /** True in the middle of a frame: a stream that ends here was torn. */
  get isTorn(): boolean {
    return this.#open !== undefined || this.#header.filled > 0;
  }
}

function openFrame(header: FrameHeader): { header: FrameHeader; meta: Part; payload: Part } {
  return { header, meta: newPart(header.metaBytes), payload: newPart(header.payloadBytes) };
}

function newPart(bytes: number): Part {
  return { bytes: new Uint8Array(new ArrayBuffer(bytes)), filled: 0 };
}

function fill(part: Part, chunk: Uint8Array, at: number): number {
  const taken = Math.min(part.bytes.byteLength - part.filled, chunk.byteLength - at);
  part.bytes.set(chunk.subarray(at, at + taken), part.filled);
  part.filled += taken;
  return taken;
}

function isFull(part: Part): boolean {
  return part.filled === part.bytes.byteLength;
}

function toBuffer(part: Part): Buffer {
  return Buffer.from(part.bytes.buffer, part.bytes.byteOffset, part.bytes.byteLength);
}
