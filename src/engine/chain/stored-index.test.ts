import { expect, test } from 'vitest';
import type { ClusterWorker } from '../../cluster/cluster.js';
import { BLOCK_TOKENS, blockHashes } from '../../prefix-store/block-hashes.js';
import type { FromWorker, ToWorker } from '../../worker/protocol/index.js';
import { MAX_FOLDERS, StoredIndex } from './stored-index.js';

const ids = Int32Array.from({ length: 4 * BLOCK_TOKENS + 5 }, (_, token) => token % 9);
const hashes = blockHashes('f32', ids);

/** A worker that says what a test has it say. */
class FakeWorker {
  readonly sent: ToWorker[] = [];
  readonly ready: { storeId?: string };
  readonly id: string;
  isEnded = false;
  readonly #listeners: ((message: FromWorker, payload: Uint8Array) => void)[] = [];
  readonly #onEnd: (() => void)[] = [];

  constructor(id: string, storeId?: string) {
    this.id = id;
    this.ready = storeId === undefined ? {} : { storeId };
  }

  listen(listener: (message: FromWorker, payload: Uint8Array) => void): void {
    this.#listeners.push(listener);
  }

  onEnd(listener: () => void): void {
    this.#onEnd.push(listener);
  }

  send(message: ToWorker): void {
    this.sent.push(message);
  }

  say(message: FromWorker, payload = new Uint8Array()): void {
    for (const listener of this.#listeners) listener(message, payload);
  }

  end(): void {
    this.isEnded = true;
    for (const listener of this.#onEnd) listener();
  }

  stored(blocks: readonly number[], start = 0): void {
    const entries = blocks.map((block) => {
      const entry = Buffer.alloc(24);
      entry.write(hashes[block] as string, 'hex');
      entry.writeUInt32LE(start, 20);
      return entry;
    });
    this.say({ type: 'stored' }, Buffer.concat(entries));
  }
}

function follow(index: StoredIndex, workers: readonly FakeWorker[]): void {
  index.follow(
    workers.map((worker) => ({ handle: worker, ready: worker.ready }) as unknown as ClusterWorker),
  );
}

test('workers that share a folder count once, and the first of them reads', () => {
  const index = new StoredIndex();
  const [a, b, other, none] = [
    new FakeWorker('a', 'one'),
    new FakeWorker('b', 'one'),
    new FakeWorker('c', 'two'),
    new FakeWorker('d'),
  ];
  follow(index, [none, a, b, other]);
  expect([a, none].map(({ sent }) => sent.length)).toEqual([1, 0]);
  b.stored([0, 1]);
  a.stored([0, 2]);
  other.stored([0]);
  expect(index.find(ids, 'f32', ['d', 'a', 'b', 'c'])).toEqual([
    { worker: 'a', tokens: 3 * BLOCK_TOKENS },
    { worker: 'c', tokens: BLOCK_TOKENS },
  ]);
  expect(index.find(ids, 'f32', ['b'])).toEqual([{ worker: 'b', tokens: 3 * BLOCK_TOKENS }]);
  expect(index.find(ids, 'f16', ['a', 'b'])).toEqual([]);
});

test('what is gone is not found, and rows that begin too late are not gone on from', () => {
  const index = new StoredIndex();
  const worker = new FakeWorker('a', 'one');
  follow(index, [worker]);
  worker.stored([0, 1, 2, 3]);
  worker.say({ type: 'unstored' }, Buffer.from(hashes[2] as string, 'hex'));
  expect(index.find(ids, 'f32', ['a'])).toEqual([{ worker: 'a', tokens: 2 * BLOCK_TOKENS }]);
  worker.stored([1], 3 * BLOCK_TOKENS);
  expect(index.find(ids, 'f32', ['a'])).toEqual([{ worker: 'a', tokens: BLOCK_TOKENS }]);
});

test('a folder is still known when its only worker was started anew', () => {
  const index = new StoredIndex();
  const first = new FakeWorker('a', 'one');
  follow(index, [first]);
  first.stored([0]);
  first.end();
  follow(index, []);
  expect(index.find(ids, 'f32', [])).toEqual([]);
  follow(index, [new FakeWorker('a', 'one')]);
  expect(index.find(ids, 'f32', ['a'])).toEqual([{ worker: 'a', tokens: BLOCK_TOKENS }]);
});

test('folders that nobody can read any more make room for others', () => {
  const index = new StoredIndex();
  for (let at = 0; at < MAX_FOLDERS; at++) {
    const worker = new FakeWorker('a', `folder ${at}`);
    follow(index, [worker]);
    worker.end();
    follow(index, []);
  }
  const next = new FakeWorker('a', 'another');
  follow(index, [next]);
  next.stored([0]);
  expect(index.find(ids, 'f32', ['a'])).toEqual([{ worker: 'a', tokens: BLOCK_TOKENS }]);
});

test('it is known what is there once all have told, or are gone', async () => {
  const index = new StoredIndex();
  const [a, b] = [new FakeWorker('a', 'one'), new FakeWorker('b', 'two')];
  follow(index, [a, b]);
  let isKnown = false;
  const known = index.known().then(() => (isKnown = true));
  a.say({ type: 'storeOpen' });
  await Promise.resolve();
  expect(isKnown).toBe(false);
  b.end();
  await known;
  await new StoredIndex().known();
});
