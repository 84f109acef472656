/**
 * A response's body that is written bit by bit: waits for a reader that is slower than the writer, and can be cut
 * off in the middle. A reader that stops reading is dealt with by the connection's idle limit.
 */
import type { HttpContext } from './context.js';
import { MAX_UNREAD_BYTES } from '../requests/settings.js';

export type StreamBody = {
  readonly readable: ReadableStream<Uint8Array>;
  /** Settles once there is room for more. Once the client is gone, writes are dropped; the request's signal says so. */
  readonly write: (text: string) => Promise<void>;
  readonly close: () => Promise<void>;
  /** Ends the connection without the body's end, so that what came is not taken for whole. */
  readonly cut: () => void;
  /** True while earlier writes wait for the reader. */
  readonly isFull: () => boolean;
};

export function openBody(c: HttpContext): StreamBody {
  const bytes = new ByteLengthQueuingStrategy({ highWaterMark: MAX_UNREAD_BYTES });
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>({}, bytes);
  const writer = writable.getWriter();
  const encoder = new TextEncoder();
  let isGone = false;
  writer.closed.catch(() => (isGone = true));
  const ready = (): Promise<void> => writer.ready.catch(() => undefined);
  return {
    readable,
    write: async (text) => {
      if (isGone) return;
      writer.write(encoder.encode(text)).catch(() => (isGone = true));
      await ready();
    },
    close: () => writer.close().catch(() => undefined),
    cut: () => {
      c.env.outgoing.destroy();
    },
    isFull: () => isGone || (writer.desiredSize ?? 0) <= 0,
  };
}
