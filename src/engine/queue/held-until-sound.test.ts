import { expect, test } from 'vitest';
import type { FilesState } from '../../cluster/worker-files.js';
import type { ChainEvent } from '../chain/chain-events.js';
import { heldUntilSound } from './held-until-sound.js';

const PROGRESS: ChainEvent = { type: 'progress', rank: 0, layer: 1 };
const TOKEN: ChainEvent = { type: 'token', id: 7 };

async function* events(): AsyncGenerator<ChainEvent> {
  yield PROGRESS;
  yield TOKEN;
  yield TOKEN;
}

function verdict(): { isSound: Promise<boolean>; settle: (isSound: boolean) => void } {
  let settle: (isSound: boolean) => void = () => undefined;
  const isSound = new Promise<boolean>((resolve) => (settle = resolve));
  return { isSound, settle };
}

/** Two workers, of which the second runs from files of that state. */
function on(isSound: Promise<boolean>): { files?: FilesState }[] {
  return [{}, { files: { folder: 'x', isSound: () => isSound } }];
}

test('progress goes through, tokens wait until the files are known to be whole', async () => {
  const { isSound, settle } = verdict();
  const seen: ChainEvent[] = [];
  const reading = (async () => {
    for await (const event of heldUntilSound(events(), on(isSound), undefined)) seen.push(event);
  })();
  await new Promise((resolve) => setImmediate(resolve));
  expect(seen).toEqual([PROGRESS]);
  settle(true);
  await reading;
  expect(seen).toEqual([PROGRESS, TOKEN, TOKEN]);
});

test('of an answer from damaged files nothing leaves', async () => {
  const seen: ChainEvent[] = [];
  const reading = (async () => {
    const held = heldUntilSound(events(), on(Promise.resolve(false)), undefined);
    for await (const event of held) seen.push(event);
  })();
  await expect(reading).rejects.toMatchObject({ code: 'CACHE_DAMAGED' });
  expect(seen).toEqual([PROGRESS]);
});

test('a request that is cancelled does not wait', async () => {
  const stop = new AbortController();
  const held = heldUntilSound(events(), on(verdict().isSound), stop.signal);
  await held.next();
  const token = held.next();
  stop.abort();
  await expect(token).rejects.toMatchObject({ code: 'CANCELLED' });
});

test('where others look after the files nothing waits', async () => {
  const seen: ChainEvent[] = [];
  for await (const event of heldUntilSound(events(), [{}, {}], undefined)) seen.push(event);
  expect(seen).toHaveLength(3);
});
