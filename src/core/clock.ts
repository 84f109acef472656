/**
 * The clock that timelines are written by.
 */

/** Milliseconds since the epoch, fine enough for kernels, comparable between the threads of one machine. */
export type Clock = () => number;
export const wallClock: Clock = () => performance.timeOrigin + performance.now();
