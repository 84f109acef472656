import { expect, test } from 'vitest';
import type { KvFrame } from '../link/frame.js';
import type { Link } from '../link/link.js';
import { MAX_PARKED_BYTES, Parking } from './parking.js';

/** A link that only remembers whether it is paused. */
class PausableLink implements Link {
  isPaused = false;
  readonly bufferedBytes = 0;
  readonly isClosed = false;
  send = (): void => undefined;
  close = (): void => undefined;
  pause(): void {
    this.isPaused = true;
  }
  resume(): void {
    this.isPaused = false;
  }
}

const BIG_BYTES = MAX_PARKED_BYTES / 4;
const bigPayload = new Uint8Array(BIG_BYTES);
function rows(request: number, layer: number, payload = new Uint8Array(8)): KvFrame {
  return { kind: 'kv', request, layer, start: 0, rows: 1, payload };
}
const layers = (frames: readonly { frame: KvFrame }[]): number[] => frames.map(({ frame }) => frame.layer);

function fill(parking: Parking, request: number, link: Link): void {
  for (let i = 0; i < 4; i++) parking.park(rows(request, i, bigPayload), link);
}

test('gives back the rows of a request once, in order of arrival, with their links', () => {
  const parking = new Parking();
  const [a, b] = [new PausableLink(), new PausableLink()];
  parking.park(rows(1, 0), a);
  parking.park(rows(2, 5), a);
  parking.park(rows(1, 1), b);
  const taken = parking.take(1);
  expect(layers(taken)).toEqual([0, 1]);
  expect(taken.map(({ link }) => link)).toEqual([a, b]);
  expect(parking.take(1)).toEqual([]);
  expect(layers(parking.take(2))).toEqual([5]);
});

test('drops rows of requests that have ended, also those that come later', () => {
  const parking = new Parking();
  const link = new PausableLink();
  parking.park(rows(1, 0), link);
  parking.end(1);
  parking.park(rows(1, 1), link);
  expect(parking.take(1)).toEqual([]);
});

test('pauses a link at its bound and lets it go on when its request is known', () => {
  const parking = new Parking();
  const link = new PausableLink();
  for (let i = 0; i < 3; i++) parking.park(rows(1, i, bigPayload), link);
  expect(link.isPaused).toBe(false);
  parking.park(rows(1, 3, bigPayload), link);
  expect(link.isPaused).toBe(true);
  expect(parking.take(1)).toHaveLength(4);
  expect(link.isPaused).toBe(false);
});

test('a peer that floods with unknown requests does not hold up another', () => {
  const parking = new Parking();
  const [flooding, honest] = [new PausableLink(), new PausableLink()];
  fill(parking, 666, flooding);
  parking.park(rows(1, 0), honest);
  expect([flooding.isPaused, honest.isPaused]).toEqual([true, false]);
});

test('what a link brought goes with it, and only that', () => {
  const parking = new Parking();
  const [gone, other] = [new PausableLink(), new PausableLink()];
  fill(parking, 1, gone);
  parking.park(rows(1, 9), other);
  parking.leave(gone);
  parking.leave(gone);
  expect(layers(parking.take(1))).toEqual([9]);
});

test('frames without rows are bounded too', () => {
  const parking = new Parking();
  const link = new PausableLink();
  let parked = 0;
  while (!link.isPaused && parked < 1e6) parking.park(rows(parked++, 0, new Uint8Array(0)), link);
  expect(link.isPaused).toBe(true);
});
