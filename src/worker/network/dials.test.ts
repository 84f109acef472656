import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { MAX_RANKS } from '../../core/partition.js';
import type { Connection } from './connections.js';
import { Dials, MAX_DIALS, type PeerAddress } from './dials.js';

function engine(host?: string): Connection & { readonly link: { isClosed: boolean } } {
  return { host, link: { isClosed: false } } as Connection & { readonly link: { isClosed: boolean } };
}

function peers(count: number): PeerAddress[] {
  return Array.from({ length: count }, (_, at) => ({ worker: `w${at}`, address: `10.0.0.1:${1 + at}` }));
}

/** Dials that end when the test says so. */
class Open {
  readonly started: string[] = [];
  readonly #ends: (() => void)[] = [];
  readonly dial = (worker: string): Promise<void> => {
    this.started.push(worker);
    return new Promise((resolve) => this.#ends.push(resolve));
  };
  async endAll(): Promise<void> {
    for (const end of this.#ends.splice(0)) end();
    for (let round = 0; round < 10; round++) await turn();
  }
}

test('a few are dialled at a time, all in the end', async () => {
  const [dials, open] = [new Dials(), new Open()];
  const done = dials.toAll(engine(), peers(2 * MAX_DIALS + 3), 0, open.dial);
  const seen: number[] = [];
  for (let round = 0; round < 3; round++) {
    await turn();
    seen.push(open.started.length);
    await open.endAll();
  }
  await done;
  expect(seen).toEqual([MAX_DIALS, 2 * MAX_DIALS, 2 * MAX_DIALS + 3]);
});

test('a worker that is being dialled is not dialled again, and both questions are answered', async () => {
  const [dials, open, one] = [new Dials(), new Open(), engine()];
  const both = [dials.toAll(one, peers(2), 0, open.dial), dials.toAll(one, peers(3), 0, open.dial)];
  await turn();
  expect(open.started).toEqual(['w0', 'w1', 'w2']);
  await open.endAll();
  await Promise.all(both);
  const again = dials.toAll(one, peers(1), 0, open.dial);
  await turn();
  expect(open.started).toHaveLength(4);
  await open.endAll();
  await again;
});

test('an engine has as many links as a chain has ranks, and no more', async () => {
  const [dials, open, one] = [new Dials(), new Open(), engine()];
  await expect(dials.toAll(one, peers(2), MAX_RANKS - 1, open.dial)).rejects.toMatchObject({
    code: 'WORKER_REFUSED',
  });
  void dials.toAll(one, peers(MAX_RANKS), 0, open.dial);
  const more = [{ worker: 'one more', address: '10.0.0.1:1' }];
  await expect(dials.toAll(one, more, 0, open.dial)).rejects.toMatchObject({ code: 'WORKER_REFUSED' });
  expect(open.started).toHaveLength(MAX_DIALS);
});

test('an engine that leaves has nothing more dialled', async () => {
  const [dials, open, one] = [new Dials(), new Open(), engine()];
  const done = dials.toAll(one, peers(3 * MAX_DIALS), 0, open.dial);
  const failed = expect(done).rejects.toMatchObject({ code: 'LINK' });
  await turn();
  one.link.isClosed = true;
  dials.leave(one);
  await open.endAll();
  await failed;
  expect(open.started).toHaveLength(MAX_DIALS);
});

test.each<[string | undefined, string, boolean]>([
  [undefined, 'unix:/run/x.sock', true],
  [undefined, '127.0.0.1:1', true],
  ['127.0.0.1', '127.0.0.1:1', true],
  ['::ffff:127.0.0.1', 'localhost:1', true],
  ['127.0.0.1', 'unix:/run/x.sock', false],
  ['10.0.0.9', 'unix:/run/x.sock', false],
  ['10.0.0.9', '127.0.0.1:22', false],
  ['10.0.0.9', '10.0.0.7:22', true],
  ['10.0.0.9', 'http://x/', false],
])('an engine on %s may have %s dialled: %s', async (host, address, isAllowed) => {
  const done = new Dials().toAll(engine(host), [{ worker: 'x', address }], 0, async () => undefined);
  if (isAllowed) await done;
  else await expect(done).rejects.toMatchObject({ code: 'BAD_INPUT' });
});
