import { expect, test } from 'vitest';
import type { Link } from '../../../link/link.js';
import { checkClaim } from './checked-claim.js';
import type { Connection } from './connection.js';

type Facts = {
  identity?: string;
  role?: Connection['role'];
  worker?: string;
  engine?: string;
  isClosed?: boolean;
};

function connection({ identity, isClosed = false, ...named }: Facts): Connection {
  const link = { peerIdentity: identity, isClosed } as Link;
  return { role: 'unknown', worker: '', engine: '', link, ...named } as Connection;
}

const engine = { type: 'hello', role: 'engine', worker: 'e1', engine: 'engine' } as const;
const peer = { type: 'hello', role: 'peer', worker: 'w1', engine: 'e1' } as const;
const first = { identity: 'A', role: 'engine', worker: 'e1', engine: 'e1' } as const;
const firstPeer = { identity: 'A', role: 'peer', worker: 'w1', engine: 'e1' } as const;

test.each([
  ["an engine's", engine, first],
  ["a worker's", peer, firstPeer],
])('%s name can not be claimed by another process while its owner is connected', (_, hello, owner) => {
  const other = connection({ identity: 'B' });
  expect(() => checkClaim(other, hello, [connection(owner), other])).toThrow(
    expect.objectContaining({ code: 'PROTOCOL', fields: { refusal: 'name' } }),
  );
});

test('a process may come again, before the end of its first link is noticed', () => {
  const again = connection({ identity: 'A' });
  expect(() => checkClaim(again, engine, [connection(first), again])).not.toThrow();
});

test('a name is free once its owner has left, and where links prove nothing', () => {
  const other = connection({ identity: 'B' });
  expect(() => checkClaim(other, engine, [connection({ ...first, isClosed: true })])).not.toThrow();
  expect(() =>
    checkClaim(connection({}), engine, [connection({ ...first, identity: undefined } as never)]),
  ).not.toThrow();
});

test('a worker of one engine and one of another may have the same name', () => {
  const other = connection({ identity: 'B' });
  expect(() => checkClaim(other, { ...peer, engine: 'e2' }, [connection(firstPeer)])).not.toThrow();
});
