/**
 * How work on a compute thread takes turns: a prompt runs until it pauses, which it does between kernel calls, and
 * goes on when the scheduler lets it and what it waits for is there.
 */

export type Pause = {
  readonly layer: number;
  /** True for a wait for other ranks' rows, which timelines show; a pause between two calls is none. */
  readonly isWait: boolean;
  readonly isReady: () => boolean;
};

/** Between two kernel calls: others may go first. */
export function pauseBetween(layer: number): Pause {
  return { layer, isWait: false, isReady: () => true };
}
