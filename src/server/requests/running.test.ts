import { expect, test } from 'vitest';
import { KvrError } from '../../core/errors.js';
import { RunningRequests } from './running.js';

const client = (): AbortSignal => new AbortController().signal;

test('a request ends with its client, also with one that left before', () => {
  const running = new RunningRequests();
  const gone = new AbortController();
  const { signal } = running.enter(gone.signal);
  expect(signal.aborted).toBe(false);
  gone.abort();
  expect(signal.aborted).toBe(true);
  expect(running.enter(gone.signal).signal.aborted).toBe(true);
});

test('idle settles once the last request has left', async () => {
  const running = new RunningRequests();
  await running.idle();
  const [first, second] = [running.enter(client()), running.enter(client())];
  let isIdle = false;
  const idle = running.idle().then(() => (isIdle = true));
  first.leave();
  first.leave();
  await Promise.resolve();
  expect([running.count, isIdle]).toEqual([1, false]);
  second.leave();
  await idle;
});

test('a closing server takes no more, ends listeners at once and requests when told', () => {
  const running = new RunningRequests();
  const { signal } = running.enter(client());
  const listener = running.listen(client());
  running.close();
  expect([listener.signal.aborted, signal.aborted]).toEqual([true, false]);
  expect(() => running.enter(client())).toThrow('shutting down');
  expect(() => running.listen(client())).toThrow('shutting down');
  running.abortAll();
  expect(signal.aborted).toBe(true);
});

test('what a closing server cancels fails as closed, other errors as they are', () => {
  const running = new RunningRequests();
  const [cancelled, died] = [new KvrError('CANCELLED', ''), new KvrError('WORKER_DIED', '')];
  expect(running.reasonOf(cancelled)).toBe(cancelled);
  running.close();
  expect(running.reasonOf(cancelled)).toMatchObject({ code: 'CLOSED' });
  expect(running.reasonOf(died)).toBe(died);
});
