import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { TINY_LLAMA } from '../../../test/reference/shapes.js';
import type { ClusterWorker } from '../../cluster/cluster.js';
import { KvrError } from '../../core/errors.js';
import type { ProbeSample, ToWorker } from '../../worker/protocol/index.js';
import { JoinedCosts } from './joined-costs.js';

const folder = mkdtempSync(join(tmpdir(), 'kvr-joined-'));
let cache = '';
let told: string[] = [];
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(() => {
  cache = mkdtempSync(join(folder, 'cache-'));
  told = [];
});

/** A worker whose kernels take so long, and whose links can not be measured. */
function worker(id: string, blockMs: number): ClusterWorker & { readonly asked: string[] } {
  const asked: string[] = [];
  const sample = (kind: ProbeSample['kind'], tokens: number, ms: number, prefixTokens = 0): ProbeSample => ({
    ...{ kind, tokens, ms, prefixTokens },
  });
  const samples = [
    ...[1, 16, 32, 64].map((tokens) => sample('block', tokens, blockMs * tokens)),
    ...[0, 512, 1024].map((prefix) => sample('attention', 64, 0.1 + prefix / 1e4, prefix)),
    ...[sample('head', 1, 1), sample('embed', 64, 0.1), sample('call', 1, 0.1)],
  ];
  const ask = async (message: ToWorker): Promise<unknown> => {
    asked.push(message.type);
    if (message.type === 'probe') return { type: 'probed', samples };
    throw new KvrError('WORKER_FAILED', 'no link to it');
  };
  const ready = { digest: 'd', dtype: 'f32', threads: 1, chunkTokens: 64 };
  return { handle: { id, ask }, ready, asked } as unknown as ClusterWorker & { readonly asked: string[] };
}

function costs(): JoinedCosts {
  const settings = { cacheFolder: cache, shape: TINY_LLAMA, chunkTokens: 64, kvDtype: 'f32' } as const;
  return new JoinedCosts({ ...settings, tell: (words) => told.push(words) });
}

const lastBlockMs = (found: JoinedCosts, id: string): number | undefined =>
  found.costs.chain([id]).workers[0]?.block.at(-1)?.ms;

test('each worker that joins has its own costs, in the order of those that can be used', async () => {
  const found = costs();
  const [slow, fast] = [worker('slow', 2), worker('fast', 1)];
  await found.prepare(slow, [slow]);
  await found.prepare(fast, [slow, fast]);
  expect(found.knowledge.workers).toEqual([]);
  found.follow({ workers: [fast, slow] });
  expect(found.costs.ids).toEqual(['fast', 'slow']);
  expect(lastBlockMs(found, 'slow')).toBeGreaterThan(1.5 * (lastBlockMs(found, 'fast') ?? 0));
  expect(found.knowledge.links).toHaveLength(1);
});

test('a link that can not be measured is taken for a slow one, and said to be', async () => {
  const found = costs();
  const [a, b] = [worker('a', 1), worker('b', 1)];
  await found.prepare(a, [a]);
  await found.prepare(b, [a, b]);
  found.follow({ workers: [a, b] });
  expect(found.costs.chain(['a', 'b']).links).toMatchObject([{ bytesPerS: 125e6 }]);
  expect(told.at(-1)).toMatch(/^the link between a and b is not measured, and taken for a slow one: /);
});

test('what was planned on a worker that has gone meanwhile still has its price', async () => {
  const found = costs();
  const [a, b] = [worker('a', 1), worker('b', 1)];
  await found.prepare(a, [a]);
  await found.prepare(b, [a, b]);
  found.follow({ workers: [b] });
  expect(found.costs.chain(['a', 'b']).workers).toHaveLength(2);
  expect(found.knowledge.workers).toHaveLength(1);
});

test('a worker that comes again is not measured again, also not by the next server', async () => {
  const first = worker('a', 1);
  await costs().prepare(first, [first]);
  const again = worker('a', 1);
  const later = costs();
  await later.prepare(again, [again]);
  expect([first.asked, again.asked]).toEqual([['probe'], []]);
  later.follow({ workers: [again] });
  expect(lastBlockMs(later, 'a')).toBeGreaterThan(0);
});
