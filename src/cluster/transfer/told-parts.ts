/**
 * Tells of a transfer: that it has begun, each quarter of it, and how fast it was. The same words at both ends.
 */
import { type Clock, wallClock } from '../../core/clock.js';

/** Lines for one transfer, beside its begin and its end. */
const QUARTERS = 4;

export type ToldParts = {
  /** So many more bytes are through. */
  add(bytes: number): void;
  /** It is over, or broken off. */
  end(error: Error | undefined): void;
};

/** @param what is done, as in 'giving quote to 10.0.0.2'. @param tell gets the lines */
export function toldParts(
  what: string,
  totalBytes: number,
  tell: (words: string) => void,
  clock: Clock = wallClock,
): ToldParts {
  const startMs = clock();
  let doneBytes = 0;
  let quarters = 0;
  if (totalBytes > 0) tell(`${what}: ${megabytes(totalBytes)} MB`);
  return {
    add(bytes) {
      doneBytes += bytes;
      const now = Math.floor((QUARTERS * doneBytes) / totalBytes);
      if (now > quarters && now < QUARTERS)
        tell(`${what}: ${megabytes(doneBytes)} of ${megabytes(totalBytes)} MB`);
      if (now > quarters && now === QUARTERS)
        tell(`${what}: done, ${speedWords(totalBytes, clock() - startMs)}`);
      quarters = now;
    },
    end(error) {
      if (doneBytes >= totalBytes) return;
      tell(
        `${what}: broken off at ${megabytes(doneBytes)} of ${megabytes(totalBytes)} MB (${error?.message ?? 'closed'})`,
      );
    },
  };
}

/** '300.0 MB in 1.1 s (272 MB/s)'. */
export function speedWords(bytes: number, ms: number): string {
  return `${megabytes(bytes)} MB in ${(ms / 1000).toFixed(1)} s (${(bytes / 1e3 / Math.max(1, ms)).toFixed(0)} MB/s)`;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
