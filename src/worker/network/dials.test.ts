import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { MAX_RANKS } from '../../core/partition.js';
import { type Address, formatAddress } from '../../link/address.js';
import type { Connection } from './door/connection.js';
import { Dials, MAX_DIALS, type PeerAddress } from './dials.js';

function engine(host?: string): Connection & { readonly link: { isClosed: boolean } } {
  return { host, link: { isClosed: false } } as Connection & { readonly link: { isClosed: boolean } };
}

function peers(count: number): PeerAddress[] {
  return Array.from({ length: count }, (_, at) => ({ worker: `w${at}`, address: `10.0.0.1:${1 + at}` }));
}

/** Asks for all at once, as a message of an engine does. */
async function toAll(
  dials: Dials,
  engine: Connection,
  peers: readonly PeerAddress[],
  linked: number,
  open: Open,
): Promise<void> {
  await Promise.all(peers.map((peer) => dials.open(engine, peer, linked, open.dial)));
}

/** Dials that end when the test says so. */
class Open {
  readonly started: string[] = [];
  readonly #ends: (() => void)[] = [];
  readonly dial = (address: Address): Promise<void> => {
    this.started.push(formatAddress(address));
    return new Promise((resolve) => this.#ends.push(resolve));
  };
  async endAll(): Promise<void> {
    for (const end of this.#ends.splice(0)) end();
    for (let round = 0; round < 10; round++) await turn();
  }
}

test('a few are dialled at a time, all in the end', async () => {
  const [dials, open] = [new Dials(), new Open()];
  const done = toAll(dials, engine(), peers(2 * MAX_DIALS + 3), 0, open);
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
  const both = [toAll(dials, one, peers(2), 0, open), toAll(dials, one, peers(3), 0, open)];
  await turn();
  expect(open.started).toEqual(['10.0.0.1:1', '10.0.0.1:2', '10.0.0.1:3']);
  await open.endAll();
  await Promise.all(both);
  const again = toAll(dials, one, peers(1), 0, open);
  await turn();
  expect(open.started).toHaveLength(4);
  await open.endAll();
  await again;
});

test('an engine has as many links as a chain has ranks, and no more', async () => {
  const [dials, open, one] = [new Dials(), new Open(), engine()];
  const two = toAll(dials, one, peers(2), MAX_RANKS - 1, open);
  await expect(two).rejects.toMatchObject({ code: 'WORKER_REFUSED' });
  await open.endAll();
  open.started.length = 0;
  void toAll(dials, one, peers(MAX_RANKS), 0, open);
  const more = [{ worker: 'one more', address: '10.0.0.1:1' }];
  await expect(toAll(dials, one, more, 0, open)).rejects.toMatchObject({ code: 'WORKER_REFUSED' });
  expect(open.started).toHaveLength(MAX_DIALS);
});

test('an engine that leaves has nothing more dialled', async () => {
  const [dials, open, one] = [new Dials(), new Open(), engine()];
  const done = toAll(dials, one, peers(3 * MAX_DIALS), 0, open);
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
  const done = new Dials().open(engine(host), { worker: 'x', address }, 0, async () => undefined);
  if (isAllowed) await done;
  else await expect(done).rejects.toMatchObject({ code: 'BAD_INPUT' });
});
