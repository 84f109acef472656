/**
 * Frees the memory of array buffers by name. V8 frees it when it collects garbage, which it does when something is allocated:
 * until then what calls leave stands beside what is in use, and on an idle worker for good.
 */
import { MessageChannel } from 'node:worker_threads';

/** Smaller buffers cost less to leave to the collector than to free by name (about 2 µs each, measured). */
const LEAST_BYTES = 64 << 10;

/** What is transferred to a port that is closed belongs to nobody, and is freed before the call returns. */
const sink = closedPort();

/** Frees the buffer at once, unless it is small. Arrays over it have a length of 0 from then on. Twice is harmless. */
export function freeBuffer(buffer: ArrayBufferLike): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength >= LEAST_BYTES)
    sink.postMessage(undefined, [buffer]);
}

function closedPort() {
  const { port1 } = new MessageChannel();
  port1.close();
  return port1;
}
