import { expect, test } from 'vitest';
import { MAX_TRAFFIC_BUCKETS } from '../../../core/timeline.js';
import { TrafficMeter } from './traffic-meter.js';

const sum = (all: readonly number[]): number => all.reduce((before, one) => before + one, 0);

test('bytes lie where they were sent and received', () => {
  const meter = new TrafficMeter();
  meter.noteSent(100, 0.5, 2.5);
  meter.noteSent(10, 4, 4);
  meter.noteReceived(7, 3.9);
  expect(meter.traffic()).toEqual({
    bucketMs: 1,
    sentBytes: [25, 50, 25, 0, 10],
    receivedBytes: [0, 0, 0, 7, 0],
  });
});

test('buckets grow with time, and no byte is lost or made', () => {
  const meter = new TrafficMeter();
  for (let atMs = 0; atMs < 10_000; atMs += 3.7) {
    meter.noteSent(3, atMs, atMs + 5);
    meter.noteReceived(1000, atMs);
  }
  const { bucketMs, sentBytes, receivedBytes } = meter.traffic();
  expect(bucketMs).toBe(128);
  expect(sentBytes.length).toBe(Math.floor(10_004.9 / 128) + 1);
  expect(sentBytes.length).toBeLessThanOrEqual(MAX_TRAFFIC_BUCKETS);
  expect([sum(sentBytes), sum(receivedBytes)]).toEqual([meter.sentBytes, meter.receivedBytes]);
  expect([meter.sentBytes, meter.receivedBytes]).toEqual([3 * 2703, 1000 * 2703]);
  // 128 ms hold 34 or 35 of them.
  for (const bytes of receivedBytes.slice(0, -1)) expect([34_000, 35_000]).toContain(bytes);
  expect(sentBytes.every((bytes) => Number.isInteger(bytes))).toBe(true);
});

test('where nothing went over a link there are no buckets', () => {
  expect(new TrafficMeter().traffic()).toEqual({ bucketMs: 1, sentBytes: [], receivedBytes: [] });
});
