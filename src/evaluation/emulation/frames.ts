/**
 * A link as a queue of frames: first in, first out, one at a time, each forwarded once it is in. Pure.
 * The recurrence of plan/chain-step.ts spreads a slice's chunks evenly over time; here every frame has its own.
 */
import type { LinkCost } from '../../plan/index.js';
import { transferMs } from '../../plan/index.js';

/** K,V rows of one layer, available at `atMs`. */
export type Frame = { readonly layer: number; readonly bytes: number; readonly atMs: number };

/** A layer's stretch on a link: from its first byte to its last. */
export type Sent = { readonly layer: number; readonly startMs: number; readonly endMs: number };

export type Carried = { readonly arrivals: readonly Frame[]; readonly sent: readonly Sent[] };

/** @returns a chunk's rows in frames of at most the link's size, or of one row where a row is larger */
export function framesOf(
  layer: number,
  rows: number,
  rowBytes: number,
  frameBytes: number,
  atMs: number,
): Frame[] {
  const frameRows = Math.max(1, Math.floor(frameBytes / rowBytes));
  const frames: Frame[] = [];
  for (let row = 0; row < rows; row += frameRows)
    frames.push({ layer, bytes: rowBytes * Math.min(frameRows, rows - row), atMs });
  return frames;
}

/** Own and relayed frames, each in order of time, over the link to the next rank; own ones win a tie. */
export function carry(own: readonly Frame[], relayed: readonly Frame[], link: LinkCost): Carried {
  const arrivals: Frame[] = [];
  const sent = new Map<number, Sent>();
  let freeMs = 0;
  for (const frame of inOrder(own, relayed)) {
    const startMs = Math.max(freeMs, frame.atMs);
    freeMs = startMs + transferMs(link, frame.bytes);
    arrivals.push({ ...frame, atMs: freeMs + link.latencyMs });
    const { layer } = frame;
    sent.set(layer, { layer, startMs: sent.get(layer)?.startMs ?? startMs, endMs: freeMs });
  }
  return { arrivals, sent: [...sent.values()] };
}

function* inOrder(own: readonly Frame[], relayed: readonly Frame[]): Generator<Frame> {
  let [ownNext, relayedNext] = [0, 0];
  for (;;) {
    const mine = own[ownNext];
    const others = relayed[relayedNext];
    if (mine !== undefined && (others === undefined || mine.atMs <= others.atMs)) {
      ownNext++;
      yield mine;
    } else if (others !== undefined) {
      relayedNext++;
      yield others;
    } else return;
  }
}

/** When the last frame of each layer is in; 0 for a layer of which none comes. */
export function completions(frames: readonly Frame[], layers: number): number[] {
  const arrivedMs = new Array<number>(layers).fill(0);
  for (const { layer, atMs } of frames) arrivedMs[layer] = Math.max(arrivedMs[layer] ?? 0, atMs);
  return arrivedMs;
}

export function bytesOf(frames: readonly Frame[]): number {
  return frames.reduce((sum, { bytes }) => sum + bytes, 0);
}
