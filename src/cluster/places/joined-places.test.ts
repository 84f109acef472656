import { expect, test } from 'vitest';
import type { Link } from '../../link/link.js';
import { type Arrival, JoinedPlaces, MAX_JOINED_WORKERS } from './joined-places.js';
import { WorkerHandle } from '../worker-handle.js';

const noLink = { close: () => undefined } as unknown as Link;

function arrival(identity: string): Arrival {
  const open = (): Link => noLink;
  return { identity, address: undefined, open, link: noLink };
}

/** Joins as far as to be opened. */
async function join(places: JoinedPlaces, name: string, identity: string) {
  const { place, isNew } = places.placeFor(name, identity);
  place.arrive(arrival(identity));
  await place.next(new AbortController().signal);
  const handle = new WorkerHandle(place.id, undefined);
  place.hold(handle);
  return { place, isNew, handle };
}

test('workers of one name are told apart by a number, however many there are', async () => {
  const places = new JoinedPlaces(() => undefined);
  const ids: string[] = [];
  for (const identity of ['A', 'B', 'C']) ids.push((await join(places, 'host', identity)).place.id);
  expect(ids).toEqual(['host', 'host-2', 'host-3']);
});

test('a worker that was started again gets the place of the one that ended, and no other', async () => {
  const places = new JoinedPlaces(() => undefined);
  const first = await join(places, 'host', 'A');
  const second = await join(places, 'host', 'B');
  first.handle.close();
  await first.handle.ended;
  const again = await join(places, 'host', 'C');
  expect([again.place, again.isNew]).toEqual([first.place, false]);
  expect(second.handle.isEnded).toBe(false);
});

test('a process that dials again has its own place, and the link that it has lost is given up', async () => {
  const places = new JoinedPlaces(() => undefined);
  await join(places, 'host', 'A');
  const before = await join(places, 'host', 'B');
  const again = await join(places, 'host', 'B');
  expect([again.place, again.isNew]).toEqual([before.place, false]);
  expect(await before.handle.ended).toMatchObject({ code: 'WORKER_DIED' });
  expect(again.handle.isEnded).toBe(false);
});

test('the end of a link that was replaced does not free the place', async () => {
  const places = new JoinedPlaces(() => undefined);
  const before = await join(places, 'host', 'A');
  await join(places, 'host', 'A');
  await before.handle.ended;
  expect(places.placeFor('host', 'B').place.id).toBe('host-2');
});

test('one more than an engine takes is refused, and taken when another has gone for good', async () => {
  const places = new JoinedPlaces(() => undefined);
  const all = [];
  for (let worker = 0; worker < MAX_JOINED_WORKERS; worker++) all.push(await join(places, 'w', `${worker}`));
  expect(() => places.placeFor('w', 'more')).toThrow(expect.objectContaining({ code: 'BUSY' }));
  places.delete(all[7]!.place);
  expect(places.placeFor('w', 'more').place.id).toBe('w-8');
});

test('who waits for a worker may give up, and the worker that comes then is not kept waiting', async () => {
  const { place } = new JoinedPlaces(() => undefined).placeFor('w', 'A');
  const waiting = new AbortController();
  const next = place.next(waiting.signal);
  waiting.abort();
  await expect(next).rejects.toMatchObject({ code: 'CANCELLED' });
});
