import { expect, test } from 'vitest';
import type { RankTimeline, TimelineEvent } from '../../core/timeline.js';
import { checkTimelineLength, readRunTimes } from './chunk-times.js';

/** Events as a worker records them: [kind, layer, start, ms]; every call begins when the one before has ended. */
function timelineOf(
  calls: [kind: TimelineEvent['kind'], layer: number, start: number | undefined, ms: number][],
) {
  let nowMs = 0;
  const events = calls.map(([kind, layer, start, ms]): TimelineEvent => {
    nowMs += ms;
    return { kind, layer, startMs: nowMs - ms, endMs: nowMs, ...(start !== undefined && { start }) };
  });
  const timeline: RankTimeline = {
    rank: 0,
    slice: [0, 10],
    totalMs: nowMs,
    computeMs: nowMs,
    attentionMs: 0,
    waitMs: 0,
    sentBytes: 0,
    receivedBytes: 0,
    events,
  };
  return timeline;
}

const RUN = { contextTokens: 10, layers: 2, chunkTokens: 8, chunkEnds: [6] };
const CALLS: Parameters<typeof timelineOf>[0] = [
  ['embed', 0, 0, 1],
  ['embed', 0, 6, 2],
  ['block', 0, 0, 3],
  ['cache', 0, undefined, 4],
  ['block', 0, 6, 5],
  ['cache', 0, undefined, 6],
  ['attention', 0, 0, 7],
  ['block', 1, 0, 8],
  ['cache', 1, undefined, 9],
  ['attention', 0, 6, 10],
  ['block', 1, 6, 11],
  ['cache', 1, undefined, 12],
  ['attention', 1, undefined, 13],
  ['head', 1, undefined, 14],
];

test('every call of a run finds its chunk and layer, and the tail is told apart', () => {
  expect(readRunTimes(timelineOf(CALLS), RUN)).toEqual({
    layers: 2,
    chunks: [
      { start: 0, end: 6, embedMs: 1, blockMs: [3, 8], cacheMs: [4, 9], attentionMs: [7] },
      { start: 6, end: 10, embedMs: 2, blockMs: [5, 11], cacheMs: [6, 12], attentionMs: [10] },
    ],
    tailAttentionMs: 13,
    headMs: 14,
  });
});

test('a timeline that lacks a call is refused by name', () => {
  const lacking = CALLS.filter(([kind, layer, start]) => !(kind === 'block' && layer === 1 && start === 6));
  expect(() => readRunTimes(timelineOf(lacking), RUN)).toThrow(/no block 1 6/);
});

test('a run whose timeline would be summed up is refused with the bound', () => {
  expect(() => checkTimelineLength(RUN)).not.toThrow();
  expect(() =>
    checkTimelineLength({ contextTokens: 16_384, layers: 32, chunkTokens: 128, chunkEnds: [] }),
  ).toThrow(
    /16384 tokens in 128 chunks over 32 layers make 12290 timed calls, the limit is 4096; raise --chunk-tokens/,
  );
});
