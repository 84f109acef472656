/**
 * KVR, exactly: every frame on every link, first in first out, layers and ranks as they come. Pure.
 * A rank depends only on the link into it, so ranks are done one after another, each with all its layers; a link is a
 * merge of two sequences that are sorted already (own frames, relayed frames). No event queue is needed to be exact;
 * task-graphs.ts runs the same through one, and a test holds the two together.
 */
import { carryMs } from './noise.js';
import type { Outcome, Setup, SimulatedRank, SliceWork } from './setup.js';
import { computeOf, lastOf, sliceWork, tailTimes } from './setup.js';

/** Frames in a run of the whole chain, at most: a second or two of work. Above it slices are sent in fewer frames. */
const MAX_CHAIN_FRAMES = 16_000_000;

/** What comes over one link, in order of arrival. */
type Stream = { readonly arriveMs: Float64Array; readonly layer: Int32Array; readonly bytes: Float64Array };

const NOTHING: Stream = {
  arriveMs: new Float64Array(0),
  layer: new Int32Array(0),
  bytes: new Float64Array(0),
};

export function simulateChain(setup: Setup): Outcome {
  const last = setup.partition.length - 1;
  let incoming = NOTHING;
  const ranks = setup.partition.map((_, rank) => {
    const work = sliceWork(setup, rank, 'causal');
    const arrived = completions(incoming, setup.times.layers);
    const run = runRank(work, arrived);
    incoming = rank === last ? NOTHING : carry(setup, rank, work, run.published, incoming, arrived);
    const outcome = rankOutcome(setup, rank, work, run, incoming);
    return rank === last ? withTail(setup, outcome, arrived[setup.times.layers - 1] ?? 0) : outcome;
  });
  return { ttftMs: ranks[last]?.endMs ?? 0, ranks };
}

/** When the whole prefix of each layer is in; 0 for the first rank. */
function completions(stream: Stream, layers: number): Float64Array {
  const arrived = new Float64Array(layers);
  for (let frame = 0; frame < stream.arriveMs.length; frame += 1) {
    // Frames are in order of arrival: the last one of a layer wins.
    arrived[stream.layer[frame] as number] = stream.arriveMs[frame] as number;
  }
  return arrived;
}

/** A rank's compute against the prefixes' arrivals. */
type RankRun = {
  /** When attention and next block begin that make the layer's K,V; 0 for the first layer. */
  readonly published: Float64Array;
  readonly endMs: number;
  readonly waitMs: number;
};

function runRank(work: SliceWork, arrived: Float64Array): RankRun {
  const published = new Float64Array(arrived.length);
  let endMs = lastOf(work.firstEnds);
  let waitMs = 0;
  for (let layer = 1; layer < arrived.length; layer += 1) {
    const start = Math.max(endMs, arrived[layer - 1] as number);
    waitMs += start - endMs;
    published[layer] = start;
    endMs = start + lastOf(work.layerEnds);
  }
  return { published, endMs, waitMs };
}

function carry(
  setup: Setup,
  rank: number,
  work: SliceWork,
  published: Float64Array,
  incoming: Stream,
  arrived: Float64Array,
): Stream {
  const own = ownStream(setup, work, published);
  if (setup.policy.relay === 'cut-through') return merged(setup, rank, own, incoming);
  return merged(setup, rank, concatenated(setup, work, own, arrived), NOTHING);
}

/** Own frames as they become available: chunk by chunk, a chunk in pieces of at most a frame. */
function ownStream(setup: Setup, work: SliceWork, published: Float64Array): Stream {
  const pieces = work.chunkBytes.map((bytes) => piecesOf(setup, bytes, work.chunkBytes.length));
  const perLayer = pieces.reduce((sum, count) => sum + count, 0);
  const stream = newStream(perLayer * published.length);
  let frame = 0;
  for (let layer = 0; layer < published.length; layer += 1) {
    const ends = layer === 0 ? work.firstEnds : work.layerEnds;
    for (const [chunk, count] of pieces.entries()) {
      const at = (published[layer] as number) + (ends[chunk] ?? 0);
      stream.arriveMs.fill(at, frame, frame + count);
      stream.layer.fill(layer, frame, frame + count);
      stream.bytes.fill((work.chunkBytes[chunk] ?? 0) / count, frame, frame + count);
      frame += count;
    }
  }
  return stream;
}

/** Frames a chunk is sent in: fewer than its size asks for where the whole chain would have too many. */
export function piecesOf(setup: Setup, bytes: number, chunks: number): number {
  const ranks = setup.partition.length;
  const most = Math.max(
    1,
    Math.floor(MAX_CHAIN_FRAMES / ((ranks * ranks * setup.times.layers * chunks) / 2)),
  );
  return Math.max(1, Math.min(most, Math.ceil(bytes / setup.policy.frameBytes)));
}

/** Store and forward: one message a layer, of everything up to the slice's end, once prefix and slice are there. */
function concatenated(setup: Setup, work: SliceWork, own: Stream, arrived: Float64Array): Stream {
  const stream = newStream(setup.times.layers);
  const made = completions(own, setup.times.layers);
  for (let layer = 0; layer < setup.times.layers; layer += 1) {
    stream.arriveMs[layer] = Math.max(made[layer] as number, arrived[layer] as number);
    stream.layer[layer] = layer;
    stream.bytes[layer] = (work.prefixTokens + work.tokens) * setup.times.kvBytes;
  }
  return stream;
}

/** The link after `rank`: frames of both sequences in order of availability, one at a time. Own ones win a tie. */
function merged(setup: Setup, rank: number, own: Stream, relayed: Stream): Stream {
  const out = newStream(own.arriveMs.length + relayed.arriveMs.length);
  let [ownNext, relayedNext, free] = [0, 0, 0];
  for (let frame = 0; frame < out.arriveMs.length; frame += 1) {
    const takesOwn = (own.arriveMs[ownNext] ?? Infinity) <= (relayed.arriveMs[relayedNext] ?? Infinity);
    const source = takesOwn ? own : relayed;
    const index = takesOwn ? ownNext++ : relayedNext++;
    const layer = source.layer[index] as number;
    const bytes = source.bytes[index] as number;
    free = Math.max(free, source.arriveMs[index] as number) + carryMs(setup.cluster, rank, layer, bytes);
    out.arriveMs[frame] = free + setup.cluster.link.latencyMs;
    out.layer[frame] = layer;
    out.bytes[frame] = bytes;
  }
  return out;
}

function newStream(frames: number): Stream {
  return {
    arriveMs: new Float64Array(frames),
    layer: new Int32Array(frames),
    bytes: new Float64Array(frames),
  };
}

function rankOutcome(
  setup: Setup,
  rank: number,
  work: SliceWork,
  run: RankRun,
  outgoing: Stream,
): SimulatedRank {
  const { layers } = setup.times;
  const sentBytes = outgoing.bytes.reduce((sum, bytes) => sum + bytes, 0);
  const attentionMs = (layers - 1) * work.attentionMs;
  const { waitMs, endMs } = run;
  return {
    rank,
    tokens: work.tokens,
    computeMs: computeOf(work, layers),
    attentionMs,
    waitMs,
    endMs,
    sentBytes,
  };
}

/** The last rank waits for the last layer's prefix and does the tail. */
function withTail(setup: Setup, rank: SimulatedRank, arrivedMs: number): SimulatedRank {
  const tail = tailTimes(setup, 'causal');
  const waited = Math.max(0, arrivedMs - rank.endMs);
  return {
    ...rank,
    waitMs: rank.waitMs + waited,
    computeMs: rank.computeMs + tail.tailMs,
    attentionMs: rank.attentionMs + tail.attentionMs,
    endMs: rank.endMs + waited + tail.tailMs,
  };
}
