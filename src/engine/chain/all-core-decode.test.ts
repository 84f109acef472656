import { expect, test } from 'vitest';
import type { Cluster } from '../../cluster/cluster.js';
import type { ToWorker } from '../../worker/protocol/index.js';
import { KvCapacity } from './kv-capacity.js';
import { allCoreDecode } from './all-core-decode.js';

const never = new AbortController().signal;

/** Workers that only remember what they were told. */
function listeners(count: number): { cluster: Pick<Cluster, 'workers'>; said: string[] } {
  const said: string[] = [];
  const workers = Array.from({ length: count }, (_, index) => ({
    handle: {
      id: `w${index}`,
      isEnded: false,
      send: (message: ToWorker) =>
        message.type === 'cores' && said.push(`${index} ${message.all ? 'all' : 'own'}`),
    },
  }));
  return { cluster: { workers } as unknown as Pick<Cluster, 'workers'>, said };
}

const limits = new Map([
  ['w0', 100],
  ['w1', 100],
]);
const both = new Map([
  ['w0', 1],
  ['w1', 1],
]);

test('the last rank gets all cores when the others are done, and keeps them while nothing runs', async () => {
  const { cluster, said } = listeners(2);
  const capacity = new KvCapacity(limits, 8, undefined, allCoreDecode(cluster));
  const lease = await capacity.reserve(both, never);
  expect(said).toEqual([]);
  lease.release('w0');
  expect(said).toEqual(['1 all']);
  lease.release('w1');
  lease.end();
  expect(said).toEqual(['1 all']);
});

test('they are given back before another request is handed out', async () => {
  const { cluster, said } = listeners(2);
  const capacity = new KvCapacity(limits, 8, undefined, allCoreDecode(cluster));
  const first = await capacity.reserve(both, never);
  first.release('w0');
  const second = await capacity.reserve(both, never);
  expect(said).toEqual(['1 all', '1 own']);
  second.release('w0');
  expect(said).toEqual(['1 all', '1 own', '1 all']);
  first.end();
  second.end();
  const third = await capacity.reserve(new Map([['w0', 1]]), never);
  expect(said.slice(3)).toEqual(['1 own', '0 all']);
  third.end();
});

test('two workers that decode share no cores', async () => {
  const { cluster, said } = listeners(2);
  const capacity = new KvCapacity(limits, 8, undefined, allCoreDecode(cluster));
  const zero = await capacity.reserve(new Map([['w0', 1]]), never);
  const one = await capacity.reserve(new Map([['w1', 1]]), never);
  expect(said).toEqual(['0 all', '0 own']);
  zero.end();
  expect(said).toEqual(['0 all', '0 own', '1 all']);
  one.end();
});
