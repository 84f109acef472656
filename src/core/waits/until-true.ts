/**
 * Waits for something that other parts tell changes of.
 */
import { asKvrError } from '../errors.js';

/**
 * Settles when it is true, or when the signal says so. A condition that throws ends the wait with its error: thrown into whoever
 * tells of a change, it would end what that one was doing.
 * @param onChange calls back after every change; returns what stops it
 */
export function untilTrue(
  isTrue: () => boolean,
  onChange: (look: () => void) => () => void,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      stop();
      signal.removeEventListener('abort', look);
    };
    const look = (): void => {
      try {
        if (!signal.aborted && !isTrue()) return;
        resolve();
      } catch (error) {
        reject(asKvrError(error));
      }
      leave();
    };
    const stop = onChange(look);
    signal.addEventListener('abort', look, { once: true });
    look();
  });
}
