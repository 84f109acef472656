/**
 * From measured kernel times of every rank's slice to the time a chain of them would take: links and overlap are
 * modelled, the rest was measured. Pure. Figures made here are "emulated".
 *
 * kvr, for rank i and layer l, as plan/chain-step.ts has it, but chunk by chunk and frame by frame:
 *   start(i,l) = max(end(i,l), arrived(i,l)), end(i,l+1) = start(i,l) + measured chunks, frames go out with each block.
 * tsp and tsp-dense, as plan/gather-step.ts: a barrier a layer, then (ranks−1)·(latency + largest slice/bandwidth).
 */
import { KvrError } from '../../core/errors.js';
import type { Partition, Slice } from '../../core/partition.js';
import { sliceTokens } from '../../core/partition.js';
import type { RankTimeline } from '../../core/timeline.js';
import { type LinkCost, transferMs } from '../../plan/index.js';
import type { ChunkTimes, RunTimes } from './chunk-times.js';
import { bytesOf, carry, completions, type Frame, framesOf } from './frames.js';
import { RankRecord } from './rank-record.js';

export type EmulatedChain = {
  readonly times: RunTimes;
  /** Its slices end where chunks do. */
  readonly partition: Partition;
  /** links[i] joins rank i to rank i+1. */
  readonly links: readonly LinkCost[];
  /** Bytes of K and V of one token of one layer. */
  readonly kvBytes: number;
};

export type Emulation = { readonly ttftMs: number; readonly timeline: readonly RankTimeline[] };

/** The chain of KV-Runahead; with one slice it is one worker alone. @throws INTERNAL where chunks and slices differ */
export function emulateChain(chain: EmulatedChain): Emulation {
  const { times, partition, links } = chain;
  const last = partition.length - 1;
  let incoming: readonly Frame[] = [];
  let ttftMs = 0;
  const timeline = partition.map((slice, rank) => {
    const record = new RankRecord();
    const link = rank < last ? links[rank] : undefined;
    const arrived = completions(incoming, times.layers);
    const own = runLayers(
      chain,
      slice,
      record,
      (layer) => record.waitUntil(layer, arrived[layer] ?? 0),
      link,
    );
    if (rank === last) runTail(times, record, arrived);
    ttftMs = record.nowMs;
    const receivedBytes = bytesOf(incoming);
    const carried = link && carry(own, incoming, link);
    for (const { layer, startMs, endMs } of carried?.sent ?? []) record.note('send', layer, startMs, endMs);
    incoming = carried?.arrivals ?? [];
    return record.timeline(rank, slice, { sentBytes: bytesOf(incoming), receivedBytes });
  });
  return { ttftMs, timeline };
}

/** TSP with the partition it is given; which half of the scores was computed is in the measured times. */
export function emulateGather(chain: EmulatedChain): Emulation {
  const { times, partition, kvBytes } = chain;
  const last = partition.length - 1;
  const gatherMs = allGatherMs(chain);
  const records = partition.map(() => new RankRecord());
  for (let layer = 0; layer <= times.layers; layer++) {
    const readyMs = Math.max(...records.map(({ nowMs }) => nowMs));
    partition.forEach((slice, rank) => {
      const record = records[rank] as RankRecord;
      // Ranks before the last have done their part with the last layer's K,V.
      const goesOn = layer < times.layers || rank === last;
      if (layer > 0 && goesOn) record.waitUntil(layer - 1, readyMs + gatherMs);
      if (layer > 0 && last > 0) record.note('send', layer - 1, readyMs, readyMs + gatherMs);
      if (layer < times.layers) runLayer(chain, slice, record, layer, () => undefined);
      else if (rank === last) runTail(times, record, []);
    });
  }
  const timeline = partition.map((slice, rank) => {
    const own = times.layers * sliceTokens(slice) * kvBytes;
    const total = times.layers * (partition[last]?.end ?? 0) * kvBytes;
    const traffic = { sentBytes: last * own, receivedBytes: total - own };
    return (records[rank] as RankRecord).timeline(rank, slice, traffic);
  });
  return { ttftMs: (records[last] as RankRecord).nowMs, timeline };
}

/** A ring of ranks−1 steps, each as long as the slowest link takes for the largest slice. */
function allGatherMs({ partition, links, kvBytes }: EmulatedChain): number {
  const steps = partition.length - 1;
  if (steps === 0) return 0;
  const bytes = kvBytes * Math.max(...partition.map(sliceTokens));
  return steps * Math.max(...links.slice(0, steps).map((link) => link.latencyMs + transferMs(link, bytes)));
}

/** A rank's layers in turn. @returns the frames it makes, in order of time; none without a link */
function runLayers(
  chain: EmulatedChain,
  slice: Slice,
  record: RankRecord,
  waitForPrefix: (layer: number) => void,
  link: LinkCost | undefined,
): Frame[] {
  const own: Frame[] = [];
  for (let layer = 0; layer < chain.times.layers; layer++) {
    if (layer > 0) waitForPrefix(layer - 1);
    runLayer(chain, slice, record, layer, (chunk) => {
      if (!link) return;
      own.push(...framesOf(layer, sliceTokens(chunk), chain.kvBytes, link.frameBytes, record.nowMs));
    });
  }
  return own;
}

/** Every chunk: attention of the layer before, block, then its K,V are handed on. */
function runLayer(
  { times }: EmulatedChain,
  slice: Slice,
  record: RankRecord,
  layer: number,
  publish: (chunk: ChunkTimes) => void,
): void {
  const chunks = chunksIn(times, slice);
  if (layer === 0) for (const { embedMs, start } of chunks) record.spend('embed', 0, embedMs, start);
  for (const chunk of chunks) {
    if (layer > 0) record.spend('attention', layer - 1, chunk.attentionMs[layer - 1] ?? 0, chunk.start);
    record.spend('block', layer, chunk.blockMs[layer] ?? 0, chunk.start);
    publish(chunk);
    record.spend('cache', layer, chunk.cacheMs[layer] ?? 0);
  }
}

/** The last layer for the final row, and the head. */
function runTail(times: RunTimes, record: RankRecord, arrived: readonly number[]): void {
  const layer = times.layers - 1;
  record.waitUntil(layer, arrived[layer] ?? 0);
  record.spend('attention', layer, times.tailAttentionMs);
  record.spend('head', layer, times.headMs);
}

function chunksIn({ chunks }: RunTimes, { start, end }: Slice): ChunkTimes[] {
  const inside = chunks.filter((chunk) => chunk.start >= start && chunk.end <= end);
  const tokens = inside.reduce((sum, chunk) => sum + sliceTokens(chunk), 0);
  if (tokens === end - start) return inside;
  throw new KvrError('INTERNAL', `slice [${start},${end}) does not end where measured chunks do`);
}
