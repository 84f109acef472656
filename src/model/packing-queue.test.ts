import { expect, test } from 'vitest';
import { PackingQueue } from './packing-queue.js';

const PACKING = { lanes: 2, prepack: async () => true, close: async () => undefined };

type Piece = { readonly done: Promise<void>; end(error?: Error): void };

function piece(): Piece {
  let settle: { resolve(): void; reject(error: Error): void } | undefined;
  const done = new Promise<void>((resolve, reject) => (settle = { resolve, reject }));
  return { done, end: (error) => (error ? settle?.reject(error) : settle?.resolve()) };
}

/** Everything that can go on without an event has gone on. */
const idle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('as many as there are lanes and one more are taken; the next waits for the first that ends', async () => {
  const queue = new PackingQueue(PACKING);
  const pieces = [piece(), piece(), piece(), piece()];
  let added = 0;
  const adding = (async () => {
    for (const { done } of pieces) {
      await queue.add(() => done);
      added++;
    }
  })();
  await idle();
  expect(added).toBe(3);
  pieces[1]!.end();
  await adding;
  expect(added).toBe(4);
  for (const each of pieces) each.end();
  await queue.finish();
});

test('the first failure ends adding and finishing, and is the one that is thrown', async () => {
  const queue = new PackingQueue(PACKING);
  const first = piece();
  await queue.add(() => first.done);
  await queue.add(() => Promise.reject(new Error('the disk is full')));
  await idle();
  await expect(queue.add(async () => undefined)).rejects.toThrow('the disk is full');
  const finishing = queue.finish();
  first.end(new Error('later'));
  await expect(finishing).rejects.toThrow('the disk is full');
});

test('settling waits for all, and throws nothing', async () => {
  const queue = new PackingQueue(PACKING);
  let ended = 0;
  await queue.add(async () => void ended++);
  await queue.add(() => Promise.reject(new Error('x')));
  await queue.settle();
  expect(ended).toBe(1);
});
