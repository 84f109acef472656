/**
 * What is kept of workers is found by a key that names every one of them, however many there are.
 */
import { expect, test } from 'vitest';
import type { ClusterWorker } from '../../cluster/cluster.js';
import { calibrationKey } from './calibration-store.js';
import { tableKey } from './table-file.js';

/** More names than 1,000 characters hold; the last one may differ. */
function workersWith(last: string): { id: string; threads: number }[] {
  const ids = Array.from({ length: 60 }, (_, index) => `worker-${index}.example:7000`);
  return [...ids, last].map((id) => ({ id, threads: 1 }));
}

test('a long list of workers has a calibration of its own, to the last name', () => {
  const model = { digest: 'd', dtype: 'q8', kvDtype: 'f32', chunkTokens: 512 } as const;
  const key = (last: string): string => calibrationKey({ ...model, workers: workersWith(last) });
  expect(key('a:1')).toBe(key('a:1'));
  expect(key('a:1')).not.toBe(key('b:1'));
});

test('and a table of partitions of its own', () => {
  const settings = { dtype: 'q8', kvDtype: 'f32', chunkTokens: 512 };
  const key = (last: string): string => {
    const workers = workersWith(last).map(({ id, threads }) => ({ handle: { id }, ready: { threads } }));
    return tableKey({ model: { digest: 'd' }, settings, workers: workers as unknown as ClusterWorker[] });
  };
  expect(key('a:1')).toBe(key('a:1'));
  expect(key('a:1')).not.toBe(key('b:1'));
});
