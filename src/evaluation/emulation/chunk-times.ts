/**
 * Kernel times out of the timeline of one worker that ran every rank's slice, chunk by chunk. Pure; called by the
 * emulated bench. Knows no links and no strategies: the chunks' starts say which rank they stand for.
 */
import { KvrError } from '../../core/errors.js';
import type { Slice } from '../../core/partition.js';
import type { RankTimeline, TimelineEvent } from '../../core/timeline.js';
import { chunksOf } from '../../core/chunks/chunks.js';
import { MAX_TIMELINE_EVENTS } from '../../core/compact-events.js';

/** One chunk's times, milliseconds, by layer. */
export type ChunkTimes = Slice & {
  readonly embedMs: number;
  /** [layers]; the first without what comes before attention. */
  readonly blockMs: readonly number[];
  /** [layers]: writing the chunk's own K,V into the cache. */
  readonly cacheMs: readonly number[];
  /** [layers − 1]: of the last layer only the tail attends. */
  readonly attentionMs: readonly number[];
};

/** All of a prompt phase that was run on one worker. */
export type RunTimes = {
  readonly layers: number;
  readonly chunks: readonly ChunkTimes[];
  /** The last layer's attention of the final row, and the rest of that layer with the head. */
  readonly tailAttentionMs: number;
  readonly headMs: number;
};

export type ChunkedRun = {
  readonly contextTokens: number;
  readonly layers: number;
  readonly chunkTokens: number;
  /** Where slices end, as in the request. */
  readonly chunkEnds: readonly number[];
};

/**
 * A longer timeline reaches the engine summed up, and sums can not be shared out over ranks.
 * @throws BAD_INPUT before a run whose timeline would be too long
 */
export function checkTimelineLength({ contextTokens, layers, chunkTokens, chunkEnds }: ChunkedRun): void {
  const chunks = chunksOf({ start: 0, end: contextTokens }, chunkTokens, chunkEnds).length;
  const events = chunks * 3 * layers + 2;
  if (events <= MAX_TIMELINE_EVENTS) return;
  throw new KvrError(
    'BAD_INPUT',
    `${contextTokens} tokens in ${chunks} chunks over ${layers} layers make ${events} timed calls, the limit is ${MAX_TIMELINE_EVENTS}; raise --chunk-tokens or use fewer layers`,
  );
}

/** @throws INTERNAL where the timeline is not that of such a run */
export function readRunTimes(timeline: RankTimeline, run: ChunkedRun): RunTimes {
  const times = keyed(timeline.events);
  const read = (key: string): number => {
    const ms = times.get(key);
    if (ms === undefined) throw new KvrError('INTERNAL', `the timeline has no ${key}; please report this`);
    return ms;
  };
  const layers = Array.from({ length: run.layers }, (_, layer) => layer);
  const chunks = chunksOf({ start: 0, end: run.contextTokens }, run.chunkTokens, run.chunkEnds);
  return {
    layers: run.layers,
    chunks: chunks.map(({ start, end }) => ({
      start,
      end,
      embedMs: read(`embed 0 ${start}`),
      blockMs: layers.map((layer) => read(`block ${layer} ${start}`)),
      cacheMs: layers.map((layer) => read(`cache ${layer} ${start}`)),
      attentionMs: layers.slice(1).map((layer) => read(`attention ${layer - 1} ${start}`)),
    })),
    tailAttentionMs: read(`attention ${run.layers - 1} tail`),
    headMs: read(`head ${run.layers - 1} tail`),
  };
}

/** Durations by "kind layer start". Cache writes carry no start: each follows its chunk's block. */
function keyed(events: readonly TimelineEvent[]): Map<string, number> {
  const times = new Map<string, number>();
  let written: number | undefined;
  for (const { kind, layer, start, startMs, endMs } of events) {
    if (kind === 'block') written = start;
    const of = kind === 'cache' ? written : start;
    times.set(`${kind} ${layer} ${of ?? 'tail'}`, endMs - startMs);
  }
  return times;
}
