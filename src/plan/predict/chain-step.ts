/**
 * One rank of the chain, all layers: when it attends, when its K,V are made, when they reach the next rank.
 * Pure. predict.ts calls it rank after rank; a rank depends only on the link that comes into it.
 *
 * For rank i and layer l (times in ms, end(i,0) = firstMs):
 *   start(i,l)   = max(end(i,l), arrived(i,l))            attention of layer l begins
 *   end(i,l+1)   = start(i,l) + layerMs(i)                K,V of layer l+1 are all made
 *   early(i,l+1) = start(i,l) + layerEarlyMs(i)           those of the first chunk are
 *   open(i,l)    = max(sent(i,l−1), min(early(i,l), earlyArrived(i,l)))
 *   sent(i,l)    = max over t of t + left(i,l,t)/bandwidth,  t ∈ {open, early, end, earlyArrived, arrived}
 *   arrived(i+1,l) = sent(i,l) + latency
 * left(t) is what becomes available at t or later: own chunks spread evenly over [early, end], relayed frames over
 * [earlyArrived, arrived]; a link that never idles with work at hand ends a layer at that maximum. Links take layers in
 * order here. One that lets later layers of a rank that runs ahead pass first can be slower (simulate/ has that).
 */
import type { LinkCost } from '../costs/cost-model.js';
import { transferMs } from '../costs/cost-model.js';
import type { RankWork } from '../costs/rank-work.js';

/** What has come into a rank, by layer; [layers] each. */
export type Arrivals = {
  /** The first frame of the prefix is in. */
  readonly early: number[];
  /** The whole prefix is in. */
  readonly whole: number[];
  /** The whole prefix had been made by earlier ranks; waiting after that is the links' doing. */
  readonly made: number[];
};

/** A rank's totals over its prompt phase. */
export type RankTimes = {
  /** K,V of the last layer are made: all that ranks before the last do. */
  readonly endMs: number;
  readonly waitMs: number;
  /** The part of waitMs in which the awaited K,V existed and were on their way. */
  readonly linkWaitMs: number;
};

/** Nothing comes into the first rank: everything is in at 0. */
export function noArrivals(layers: number): Arrivals {
  // Plain arrays: a search makes thousands, and small typed ones cost more to make than to fill.
  const zeros = (): number[] => new Array<number>(layers).fill(0);
  return { early: zeros(), whole: zeros(), made: zeros() };
}

/**
 * Walks one rank through all layers and, where a link leaves it, turns `arrivals` into those of the next rank.
 * @param arrivals of this rank; overwritten with the next rank's where `link` is given
 */
export function stepRank(work: RankWork, arrivals: Arrivals, link: LinkCost | undefined): RankTimes {
  const layers = arrivals.whole.length;
  let end = work.firstMs;
  let early = work.firstEarlyMs;
  let sent = 0;
  let waitMs = 0;
  let linkWaitMs = 0;
  for (let layer = 0; layer < layers; layer += 1) {
    const arrived = arrivals.whole[layer] as number;
    const made = arrivals.made[layer] as number;
    if (link !== undefined) sent = relayLayer(work, arrivals, link, layer, early, end, sent);
    // The last layer's attention is the tail's, and only on the last rank: predict.ts waits for it there.
    if (layer === layers - 1) break;
    const start = Math.max(end, arrived);
    waitMs += start - end;
    linkWaitMs += Math.max(0, arrived - Math.max(end, made));
    end = start + work.layerMs;
    early = start + work.layerEarlyMs;
  }
  return { endMs: end, waitMs, linkWaitMs };
}

/** Sends one layer over the link; writes the next rank's arrivals. @returns when the last byte has left */
function relayLayer(
  work: RankWork,
  arrivals: Arrivals,
  link: LinkCost,
  layer: number,
  early: number,
  end: number,
  busyUntil: number,
): number {
  const earlyIn = work.relayBytes > 0 ? (arrivals.early[layer] as number) : Infinity;
  const arrived = arrivals.whole[layer] as number;
  const frame = Math.min(link.frameBytes, work.relayBytes);
  const open = Math.max(busyUntil, Math.min(early, earlyIn));
  const perByte = transferMs(link, 1);
  let sent = open + perByte * (work.ownBytes + work.relayBytes);
  const relayLeft = work.relayBytes === 0 ? 0 : leftAt(early, earlyIn, arrived, work.relayBytes, frame);
  sent = Math.max(sent, early + perByte * (work.ownBytes + relayLeft));
  const relayEnd = work.relayBytes === 0 ? 0 : leftAt(end, earlyIn, arrived, work.relayBytes, frame);
  sent = Math.max(sent, end + perByte * (work.lastChunkBytes + relayEnd));
  if (work.relayBytes > 0) {
    const ownEarly = leftAt(earlyIn, early, end, work.ownBytes, work.lastChunkBytes);
    const ownLate = leftAt(arrived, early, end, work.ownBytes, work.lastChunkBytes);
    sent = Math.max(sent, earlyIn + perByte * (ownEarly + work.relayBytes));
    sent = Math.max(sent, arrived + perByte * (ownLate + frame));
  }
  const firstBytes = Math.min(link.frameBytes, work.ownBytes + work.relayBytes);
  arrivals.early[layer] = Math.min(sent, open + perByte * firstBytes) + link.latencyMs;
  arrivals.whole[layer] = sent + link.latencyMs;
  arrivals.made[layer] = Math.max(arrivals.made[layer] as number, end);
  return sent;
}

/** Bytes that become available at `time` or later: `bytes` up to `from`, `lastBytes` at `to`, a line between. */
function leftAt(time: number, from: number, to: number, bytes: number, lastBytes: number): number {
  if (time <= from) return bytes;
  if (time > to) return 0;
  if (to <= from) return bytes;
  return bytes - ((bytes - lastBytes) * (time - from)) / (to - from);
}
