import { expect, test } from 'vitest';
import { AsyncQueue } from './async-queue.js';

async function drain(queue: AsyncQueue<number>): Promise<unknown[]> {
  const seen: unknown[] = [];
  try {
    for await (const item of queue) seen.push(item);
  } catch (error) {
    seen.push(error);
  }
  return seen;
}

test('hands on what was pushed before and while it is read, in order, then ends', async () => {
  const queue = new AsyncQueue<number>();
  queue.push(1);
  queue.push(2);
  const reading = drain(queue);
  await Promise.resolve();
  queue.push(3);
  setImmediate(() => {
    queue.push(4);
    queue.push(5);
    queue.end();
  });
  expect(await reading).toEqual([1, 2, 3, 4, 5]);
});

test('an error comes after what was pushed before it', async () => {
  const queue = new AsyncQueue<number>();
  const error = new Error('broken');
  queue.push(1);
  queue.fail(error);
  expect(await drain(queue)).toEqual([1, error]);
});

test('whatever comes after the end changes nothing', async () => {
  const ended = new AsyncQueue<number>();
  ended.push(1);
  ended.end();
  ended.fail(new Error('too late'));
  ended.push(2);
  expect(await drain(ended)).toEqual([1]);
  const failed = new AsyncQueue<number>();
  const first = new Error('first');
  failed.fail(first);
  failed.fail(new Error('second'));
  failed.push(1);
  expect(await drain(failed)).toEqual([first]);
});

test('a reader that waits is woken by an error', async () => {
  const queue = new AsyncQueue<number>();
  const error = new Error('broken');
  setImmediate(() => queue.fail(error));
  expect(await drain(queue)).toEqual([error]);
});

test('falsy items are items', async () => {
  const queue = new AsyncQueue<number>();
  queue.push(0);
  queue.end();
  expect(await drain(queue)).toEqual([0]);
});
