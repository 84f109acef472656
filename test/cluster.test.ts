/**
 * The conformance suite of Cluster, run on every kind of source: real worker processes with a tiny model.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Cluster } from '../src/cluster/cluster.js';
import { openCluster } from '../src/cluster/open-cluster.js';
import type { WorkerSource } from '../src/cluster/worker-source.js';
import { compileModel } from '../src/model/compile.js';
import { compileKernels } from '../src/runtime/cpu/compile-kernels.js';
import { randomCheckpoint } from './reference/random-checkpoint.js';
import { TINY_LLAMA } from './reference/shapes.js';
import { runs, workersOf } from './support/processes.js';
import { until } from './support/until.js';
import { WorkerProcess } from './support/worker-process.js';

const WORKERS = 3;
let cacheFolder = '';
let compiledFolder = '';
const clusters: Cluster[] = [];
const processes: WorkerProcess[] = [];

beforeAll(async () => {
  cacheFolder = mkdtempSync(join(tmpdir(), 'kvr-cluster-'));
  const options = { cacheFolder, dtype: 'f32', ...compileKernels() } as const;
  compiledFolder = await compileModel(randomCheckpoint(TINY_LLAMA, 1), options);
});
afterAll(() => rmSync(cacheFolder, { recursive: true, force: true }));
afterEach(async () => {
  for (const cluster of clusters.splice(0)) await cluster.close();
  for (const worker of processes.splice(0)) await worker.stop();
});

async function localSource(): Promise<WorkerSource> {
  const limits = { chunkTokens: 512, kvBytesLimit: 2 ** 30, prefixCacheBytes: 0 };
  const settings = { compiledFolder, threads: 1, decodeThreads: 1, ...limits };
  return { kind: 'local', count: WORKERS, settings };
}

async function staticSource(): Promise<WorkerSource> {
  for (let index = 0; index < WORKERS; index++) processes.push(await WorkerProcess.start(compiledFolder));
  return { kind: 'static', addresses: processes.map(({ address }) => address) };
}

async function open(source: WorkerSource, signal?: AbortSignal): Promise<Cluster> {
  const cluster = await openCluster(source, signal);
  clusters.push(cluster);
  return cluster;
}

const pidsOf = ({ workers }: Cluster): number[] => workers.map(({ ready }) => ready.pid);

describe.each([
  ['local', localSource],
  ['static', staticSource],
])('%s', (kind, sourceOf) => {
  test('has workers of one model, each with a name of its own', async () => {
    const { workers } = await open(await sourceOf());
    expect(new Set(workers.map(({ handle }) => handle.id)).size).toBe(WORKERS);
    expect(new Set(workers.map(({ ready }) => ready.digest)).size).toBe(1);
    expect(workers.map(({ handle }) => handle.isEnded)).toEqual([false, false, false]);
  });

  test('every two workers are linked', async () => {
    const { workers } = await open(await sourceOf());
    for (const [index, { handle }] of workers.entries()) {
      for (const other of workers.filter((_, place) => place !== index)) {
        const probe = { type: 'probeLink', probe: index, worker: other.handle.id, frames: 1 } as const;
        expect((await handle.ask(probe, 'probedLink')).bytesPerS).toBeGreaterThan(0);
      }
    }
  });

  test('a worker that dies ends with a reason, and the others stay', async () => {
    const cluster = await open(await sourceOf());
    process.kill(pidsOf(cluster)[1] as number, 'SIGKILL');
    expect(await cluster.workers[1]?.handle.ended).toMatchObject({ code: 'WORKER_DIED' });
    expect(cluster.workers.map(({ handle }) => handle.isEnded)).toEqual([false, true, false]);
  });

  test('closing ends all without an error; twice is harmless', async () => {
    const cluster = await open(await sourceOf());
    await cluster.close();
    await cluster.close();
    const ends = await Promise.all(cluster.workers.map(({ handle }) => handle.ended));
    expect(ends).toEqual([undefined, undefined, undefined]);
  });

  test('closing ends what the cluster started, and nothing else', async () => {
    const cluster = await open(await sourceOf());
    const pids = pidsOf(cluster);
    await cluster.close();
    expect(pids.filter(runs)).toHaveLength(kind === 'local' ? 0 : WORKERS);
  });

  test('one that nobody waits for any more is CANCELLED and leaves nothing behind', async () => {
    const source = await sourceOf();
    const before = workersOf(process.pid).length;
    await expect(openCluster(source, AbortSignal.abort())).rejects.toMatchObject({ code: 'CANCELLED' });
    const impatient = new AbortController();
    const opening = openCluster(source, impatient.signal);
    impatient.abort();
    await expect(opening).rejects.toMatchObject({ code: 'CANCELLED' });
    await until(() => workersOf(process.pid).length === before, 'what was started to be gone');
  });

  test('a second cluster of the same source works after the first', async () => {
    const source = await sourceOf();
    await (await open(source)).close();
    expect((await open(source)).workers).toHaveLength(WORKERS);
  });
});
