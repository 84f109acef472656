/**
 * Counts a request's bytes on this worker's links over time, in a bounded number of buckets, which double in length whenever
 * the request outlasts them. Called by route.ts for everything that is sent and received.
 */
import { MAX_TRAFFIC_BUCKETS, type Traffic } from '../../../core/timeline.js';

const FIRST_BUCKET_MS = 1;

export class TrafficMeter {
  sentBytes = 0;
  receivedBytes = 0;
  #bucketMs = FIRST_BUCKET_MS;
  readonly #sent = new Float64Array(MAX_TRAFFIC_BUCKETS);
  readonly #received = new Float64Array(MAX_TRAFFIC_BUCKETS);

  /** Bytes that left between two times; they are spread evenly over it. */
  noteSent(bytes: number, startMs: number, endMs: number): void {
    this.sentBytes += bytes;
    this.#add(this.#sent, bytes, startMs, endMs);
  }

  noteReceived(bytes: number, atMs: number): void {
    this.receivedBytes += bytes;
    this.#add(this.#received, bytes, atMs, atMs);
  }

  traffic(): Traffic {
    const isUsed = (_: number, at: number): boolean => this.#sent[at] !== 0 || this.#received[at] !== 0;
    const count = this.#sent.findLastIndex(isUsed) + 1;
    const [sentBytes, receivedBytes] = [this.#sent, this.#received].map((all) =>
      whole(all.subarray(0, count)),
    );
    return { bucketMs: this.#bucketMs, sentBytes: sentBytes ?? [], receivedBytes: receivedBytes ?? [] };
  }

  #add(buckets: Float64Array, bytes: number, startMs: number, endMs: number): void {
    while (endMs >= MAX_TRAFFIC_BUCKETS * this.#bucketMs) this.#double();
    const last = Math.floor(endMs / this.#bucketMs);
    let fromMs = startMs;
    for (let at = Math.floor(startMs / this.#bucketMs); at <= last; at++) {
      const toMs = Math.min(endMs, (at + 1) * this.#bucketMs);
      const share = endMs > startMs ? (toMs - fromMs) / (endMs - startMs) : 1;
      buckets[at] = (buckets[at] ?? 0) + share * bytes;
      fromMs = toMs;
    }
  }

  #double(): void {
    this.#bucketMs *= 2;
    for (const buckets of [this.#sent, this.#received]) {
      for (let at = 0; at < MAX_TRAFFIC_BUCKETS / 2; at++)
        buckets[at] = (buckets[2 * at] ?? 0) + (buckets[2 * at + 1] ?? 0);
      buckets.fill(0, MAX_TRAFFIC_BUCKETS / 2);
    }
  }
}

/** Rounds so that the sum is preserved. */
function whole(bytes: Float64Array): number[] {
  let exact = 0;
  let told = 0;
  return Array.from(bytes, (one) => {
    exact += one;
    const rounded = Math.round(exact) - told;
    told += rounded;
    return rounded;
  });
}
