import { expect, test } from 'vitest';
import { PoolThread, type Timer } from './pool-thread.js';
import { ThreadPool } from './thread-pool.js';

/** Answers with what it is asked, hangs, eats memory, grows, or fails. */
const ENTRY = new URL(
  `data:text/javascript,${encodeURIComponent(`
  import { parentPort } from 'node:worker_threads';
  const kept = [];
  parentPort.on('message', (message) => {
    if (message === 'hang') for (;;);
    while (message === 'eat') kept.push(new Array(1000).fill(0.5 + kept.length));
    if (message === 'fail') {
      parentPort.postMessage({ type: 'failed', code: 'PROMPT_TOO_LONG', message: 'long', fields: { n: 1 }, hasGrown: false });
      return;
    }
    parentPort.postMessage({ type: 'done', result: message + ':' + (kept.push(0)), hasGrown: message === 'grow' });
  });
  parentPort.postMessage({ type: 'ready' });
`)}`,
);
const LIMITS = {
  ...{ threads: 1, waiting: 3, size: 100 },
  ...{ timeMs: 2000, startMs: 100_000, heapMb: 40, youngHeapMb: 4, taskHeapMb: 30 },
};
const task = (message: string, size = 1) => ({ message, size, words: 'the prompt' });

/** Time passes only when a test says so. */
function manualTimer(): { timer: Timer; pass: (ms: number) => boolean } {
  const waiting = new Map<symbol, { ms: number; act: () => void }>();
  const timer: Timer = (ms, act) => {
    const key = Symbol('timer');
    waiting.set(key, { ms, act });
    return () => void waiting.delete(key);
  };
  const pass = (ms: number): boolean => {
    const due = [...waiting.values()].filter((one) => one.ms === ms);
    for (const one of due) one.act();
    return due.length > 0;
  };
  return { timer, pass };
}

function pool(changed: Partial<typeof LIMITS> = {}, timer?: Timer): ThreadPool<string> {
  return new ThreadPool((limits) => new PoolThread(ENTRY, undefined, limits, timer), {
    ...LIMITS,
    ...changed,
  });
}

test('tasks are done by one thread after the other task, and errors come as they were thrown', async () => {
  const threads = pool();
  expect(await Promise.all(['a', 'b'].map((one) => threads.run(task(one))))).toEqual(['a:1', 'b:2']);
  await expect(threads.run(task('fail'))).rejects.toMatchObject({
    code: 'PROMPT_TOO_LONG',
    fields: { n: 1 },
  });
  await threads.close();
});

test('a task that takes too long is ended with its thread, and the next one gets another', async () => {
  const { timer, pass } = manualTimer();
  const threads = pool({}, timer);
  const hung = threads.run(task('hang', 7));
  const next = threads.run(task('a'));
  hung.catch(() => undefined);
  // The clock of a task starts once its thread does.
  while (!pass(LIMITS.timeMs)) await new Promise((resolve) => setImmediate(resolve));
  await expect(hung).rejects.toMatchObject({
    code: 'BAD_INPUT',
    message:
      'preparing the prompt of 7 characters takes longer than 2000 ms, the limit; shorten or simplify it',
  });
  expect(await next).toBe('a:1');
  await threads.close();
});

test('a task that takes too much memory is one bad request, and nothing else ends', async () => {
  const threads = pool();
  await expect(threads.run(task('eat', 9))).rejects.toMatchObject({
    code: 'BAD_INPUT',
    message: expect.stringMatching(/the prompt of 9 characters takes more than 30 MB of memory/) as string,
  });
  expect(await threads.run(task('a'))).toBe('a:1');
  await threads.close();
});

test('a task that is cancelled ends at once, whether it waits or runs', async () => {
  const threads = pool();
  const [running, waiting] = [new AbortController(), new AbortController()];
  const hung = threads.run(task('hang'), running.signal);
  const never = threads.run(task('a'), waiting.signal);
  waiting.abort();
  await expect(never).rejects.toMatchObject({ code: 'CANCELLED' });
  running.abort();
  await expect(hung).rejects.toMatchObject({ code: 'CANCELLED' });
  await threads.close();
});

test('what waits is bounded by number and by size', async () => {
  const threads = pool();
  const hung = threads.run(task('hang', 60));
  hung.catch(() => undefined);
  await expect(threads.run(task('a', 41))).rejects.toMatchObject({ code: 'BUSY' });
  const waiting = ['a', 'b', 'c'].map((one) => threads.run(task(one)));
  await expect(threads.run(task('d'))).rejects.toMatchObject({ code: 'BUSY' });
  const ended = Promise.allSettled([hung, ...waiting]);
  await threads.close();
  expect(
    (await ended).map((one) => (one.status === 'rejected' ? (one.reason as { code: string }).code : 'done')),
  ).toEqual(Array(4).fill('CLOSED'));
  await expect(threads.run(task('a'))).rejects.toMatchObject({ code: 'CLOSED' });
});

test('a thread that has grown is replaced, so that its memory goes back', async () => {
  const threads = pool();
  expect(await threads.run(task('grow'))).toBe('grow:1');
  expect(await threads.run(task('a'))).toBe('a:1');
  await threads.close();
});
