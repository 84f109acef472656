/**
 * Time as downloads use it: to wait before another attempt, to notice silence, to tell a speed. Tests hand in their own.
 */
export type HubClock = {
  nowMs(): number;
  /** Calls once after a time. @returns what calls it off */
  after(ms: number, call: () => void): () => void;
};

export const systemClock: HubClock = {
  nowMs: () => performance.now(),
  after: (ms, call) => {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  },
};

/** @throws the signal's reason */
export function waitFor(clock: HubClock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      callOff();
      reject(signal.reason as Error);
    };
    const callOff = clock.after(ms, () => {
      signal.removeEventListener('abort', stop);
      resolve();
    });
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}
