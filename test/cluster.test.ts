/**
 * The conformance suite of Cluster, run on every kind of source: real worker processes with a tiny model.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Connection, FaultyLink } from '../bench/chaos/faulty-link.js';
import type { Cluster } from '../src/cluster/cluster.js';
import { KvrError } from '../src/core/errors.js';
import { Announcement } from '../src/cluster/room/announcement.js';
import type { RoomAddress } from '../src/cluster/room/room-address.js';
import type { WorkerCard } from '../src/cluster/room/worker-card.js';
import { openCluster } from '../src/cluster/open-cluster.js';
import type { WorkerSource } from '../src/cluster/worker-source.js';
import { compileModel } from '../src/model/compile.js';
import { compileKernels } from '../src/runtime/cpu/compile-kernels.js';
import { randomCheckpoint } from './reference/random-checkpoint.js';
import { TINY_LLAMA } from './reference/shapes.js';
import { hasNatsServer, NatsServer, NO_NATS_SERVER } from './support/nats-server.js';
import { runs, workersOf } from './support/processes.js';
import { HANG_LIMIT_MS, until } from './support/until.js';
import { listenAs, WorkerProcess } from './support/worker-process.js';

const WORKERS = 3;
/** Every worker will do. */
const ANY = (): undefined => undefined;
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
});
/** Workers that run by themselves serve one cluster after the other, so a group of tests shares them. */
const stopProcesses = async (): Promise<void> => {
  for (const worker of processes.splice(0)) await worker.stop();
};

async function localSource(): Promise<WorkerSource> {
  const limits = { chunkTokens: 512, kvBytesLimit: 2 ** 30, prefixCacheBytes: 0 };
  const settings = { threads: 1, decodeThreads: 1, ...limits };
  const state = { folder: compiledFolder, isSound: async () => true };
  const files = { open: async () => state, close: () => undefined };
  return { kind: 'local', count: WORKERS, settings, files };
}

async function staticSource(): Promise<WorkerSource> {
  const running = (): WorkerProcess[] => processes.filter(({ isRunning }) => isRunning);
  while (running().length < WORKERS)
    processes.push(await WorkerProcess.start(compiledFolder, { listen: '127.0.0.1:0' }));
  return { kind: 'static', addresses: running().map(({ address }) => address) };
}

/** Workers dial one port, which this process keeps for the clusters of a group. */
let joinPort = 0;
const ANY_PORT = '127.0.0.1:0';
const told: string[] = [];
async function joinedSource(): Promise<WorkerSource> {
  const source = await joinSource();
  const running = processes.filter(({ isRunning }) => isRunning).length;
  for (let worker = running; worker < WORKERS; worker++)
    processes.push(await joinWorker(`w${worker}`, ANY_PORT));
  return source;
}

/** Nobody dials yet. */
async function joinSource(): Promise<WorkerSource> {
  joinPort ||= await freePort();
  return {
    ...{ kind: 'joined', listen: `127.0.0.1:${joinPort}`, insecure: false },
    model: { name: 'tiny', digest: '', dtype: 'f32', chunkTokens: 512, checkpointFiles: undefined },
    files: {
      open: async () => ({ folder: compiledFolder, isSound: async () => true }),
      close: () => undefined,
    },
    tell: (words) => told.push(words),
  };
}

function joinWorker(name: string, listen: string | undefined): Promise<WorkerProcess> {
  const join = { address: `127.0.0.1:${joinPort}`, name };
  return WorkerProcess.start(compiledFolder, { listen, join, drainMs: HANG_LIMIT_MS });
}

/** Workers say where they are, as their parent does for as long as they live. */
let nats: NatsServer | undefined;
const room = (): RoomAddress => ({ servers: [nats?.url ?? ''], name: 'suite' });
const DIGEST = 'd1';
async function natsSource(): Promise<WorkerSource> {
  nats ??= await NatsServer.start();
  const running = processes.filter(({ isRunning }) => isRunning).length;
  for (let worker = running; worker < WORKERS; worker++) await announcedWorker(`w${worker}`);
  const model = { digest: DIGEST, dtype: 'f32', chunkTokens: 512 } as const;
  const tell = (words: string): unknown => told.push(words);
  return { kind: 'nats', room: room(), insecure: false, mayBeEmpty: true, model, tell };
}

async function announcedWorker(name: string): Promise<void> {
  const worker = await WorkerProcess.start(compiledFolder, { listen: ANY_PORT, drainMs: HANG_LIMIT_MS });
  processes.push(worker);
  const card: WorkerCard = {
    ...{ process: randomUUID(), name, state: 'working', address: worker.address, threads: 1 },
    model: { name: 'tiny', digest: DIGEST, dtype: 'f32', chunkTokens: 512 },
  };
  const presence = new Announcement({ room: room(), cardOf: () => card, tell: () => undefined });
  worker.child.once('exit', () => void presence.close());
}

async function freePort(): Promise<number> {
  const { address, close } = await listenAs((socket) => socket.destroy());
  close();
  return Number(address.split(':')[1]);
}

const comesByItself = (kind: string): boolean => kind === 'joined' || kind === 'nats';

async function open(source: WorkerSource, signal?: AbortSignal): Promise<Cluster> {
  const cluster = await openCluster(source, ANY, signal);
  clusters.push(cluster);
  // Those that dial come when they come.
  if (comesByItself(source.kind))
    await until(() => cluster.workers.length === WORKERS, 'all workers to join');
  return cluster;
}

/** Whoever joins is told why he is not taken, and ends: to dial again would change nothing. Others may want one that is found. */
async function expectRefused(kind: string, cluster: Cluster): Promise<void> {
  clusters.push(cluster);
  const refusals = (): number =>
    told.filter((line) => /w\d is not taken: runs another model/.test(line)).length;
  await until(() => refusals() === WORKERS, 'the workers to be refused');
  expect(cluster.members).toEqual([]);
  const running = processes.filter(({ isRunning }) => isRunning);
  if (kind !== 'joined') return expect(running).toHaveLength(WORKERS);
  await until(() => processes.every(({ isRunning }) => !isRunning), 'the workers to end');
  expect(processes.filter(({ stderr }) => stderr.includes('runs another model'))).toHaveLength(WORKERS);
}

/** Every two workers can send to each other. */
async function expectLinked({ workers }: Cluster): Promise<void> {
  for (const [index, { handle }] of workers.entries()) {
    for (const other of workers.filter((_, place) => place !== index)) {
      const probe = { type: 'probeLink', probe: index, worker: other.handle.id, frames: 1 } as const;
      expect((await handle.ask(probe, 'probedLink')).bytesPerS).toBeGreaterThan(0);
    }
  }
}

/** Of links that are cut at once the losses are told one by one: all workers can look usable between two of them. */
async function isLinked(cluster: Cluster): Promise<boolean> {
  if (cluster.workers.length < WORKERS) return false;
  try {
    await expectLinked(cluster);
    return true;
  } catch (error) {
    if (error instanceof KvrError && error.code === 'WORKER_FAILED') return false;
    throw error;
  }
}

const pidsOf = ({ workers }: Cluster): number[] => workers.map(({ ready }) => ready.pid);

describe.each([
  ['local', localSource],
  ['static', staticSource],
  ['joined', joinedSource],
  ['nats', natsSource],
])('%s', (kind, sourceOf) => {
  beforeEach(({ skip }) => skip(kind === 'nats' && !hasNatsServer, NO_NATS_SERVER));
  afterAll(async () => {
    await stopProcesses();
    await nats?.kill();
  });

  test('has workers of one model, each with a name of its own, and every two are linked', async () => {
    const cluster = await open(await sourceOf());
    const { workers } = cluster;
    expect(new Set(workers.map(({ handle }) => handle.id)).size).toBe(WORKERS);
    expect(new Set(workers.map(({ ready }) => ready.digest)).size).toBe(1);
    expect(workers.map(({ handle }) => handle.isEnded)).toEqual([false, false, false]);
    await expectLinked(cluster);
  });

  test('a worker that dies ends with a reason, the others stay, and it is used again when it is back', async () => {
    const cluster = await open(await sourceOf());
    const before = [...cluster.workers];
    process.kill(pidsOf(cluster)[1] as number, 'SIGKILL');
    expect(await before[1]?.handle.ended).toMatchObject({ code: 'WORKER_DIED' });
    expect(before.map(({ handle }) => handle.isEnded)).toEqual([false, true, false]);
    await until(() => cluster.workers.length < WORKERS, 'the dead worker to be left out');
    expect(cluster.members.map(({ status }) => status)).toEqual(['usable', 'opening', 'usable']);
    expect(cluster.members[1]?.reason).toMatchObject({ code: 'WORKER_DIED' });
    const id = before[1]?.handle.id ?? '';
    if (kind === 'static') processes.push(await WorkerProcess.start(compiledFolder, { listen: id }));
    if (kind === 'joined') processes.push(await joinWorker(id, ANY_PORT));
    if (kind === 'nats') await announcedWorker(id);
    await until(() => cluster.workers.length === WORKERS, 'the worker to be back');
    expect(cluster.workers.map((worker, rank) => worker === before[rank])).toEqual([true, false, true]);
    await expectLinked(cluster);
  });

  test('a worker that the engine has no use for is not used, and says why', async () => {
    const wrong = new KvrError('WORKER_FAILED', 'runs another model');
    const refuse = (): KvrError => wrong;
    told.length = 0;
    if (comesByItself(kind)) return expectRefused(kind, await openCluster(await sourceOf(), refuse));
    await expect(openCluster(await sourceOf(), refuse)).rejects.toBe(wrong);
    await until(() => workersOf(process.pid).length === 0, 'what was started to be gone');
  });

  test('closing ends all without an error, what the cluster started and nothing else; twice is harmless', async () => {
    const cluster = await open(await sourceOf());
    const pids = pidsOf(cluster);
    const handles = cluster.workers.map(({ handle }) => handle);
    await cluster.close();
    await cluster.close();
    const ends = await Promise.all(handles.map(({ ended }) => ended));
    expect(ends).toEqual([undefined, undefined, undefined]);
    expect(pids.filter(runs)).toHaveLength(kind === 'local' ? 0 : WORKERS);
  });

  test('one that nobody waits for any more is CANCELLED and leaves nothing behind', async () => {
    const source = await sourceOf();
    const before = workersOf(process.pid).length;
    await expect(openCluster(source, ANY, AbortSignal.abort())).rejects.toMatchObject({ code: 'CANCELLED' });
    const impatient = new AbortController();
    const opening = openCluster(source, ANY, impatient.signal);
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

describe('links between workers that are found by address', () => {
  let faulty: FaultyLink;
  let cluster: Cluster;

  beforeEach(async () => {
    await staticSource();
    faulty = await FaultyLink.start(Number(processes[2]?.address.split(':')[1]));
    const addresses = processes.slice(0, 2).map(({ address }) => address);
    cluster = await open({ kind: 'static', addresses: [...addresses, faulty.address] });
  });
  // What they keep of links that were cut is nothing for the next test.
  afterEach(async () => {
    faulty.close();
    await stopProcesses();
  });

  /** The engine has the first connection, before the workers are told to link. */
  const isBetweenWorkers = ({ number }: Connection): boolean => number > 0;

  test('one that is cut is opened again; meanwhile the later worker is left out', async () => {
    const seen = statusesOf(cluster);
    faulty.cut(isBetweenWorkers);
    await until(() => seen.some(({ length }) => length < WORKERS), 'the loss to be told');
    await until(() => isLinked(cluster), 'the links to be back');
  });

  test('one that can not be opened for a while is tried until it is', async () => {
    const handles = cluster.workers.map(({ handle }) => handle);
    // What the other workers dial from now on is cut at once.
    faulty.damage(({ number }) => (number > 0 ? () => 'end' : undefined));
    faulty.cut(isBetweenWorkers);
    await until(() => faulty.connections.length === 1 && refusals(cluster) > 0, 'a link to be refused');
    expect(cluster.members.map(({ status }) => status)).toEqual(['usable', 'usable', 'unlinked']);
    faulty.damage(undefined);
    await until(() => cluster.workers.length === WORKERS, 'the links to be back');
    expect(cluster.workers.map(({ handle }) => handle)).toEqual(handles);
  });

  test('a worker that the engine can not reach is left out until it can', async () => {
    faulty.cut();
    await until(() => cluster.workers.length < WORKERS, 'the loss to be told');
    await until(() => cluster.workers.length === WORKERS, 'the worker to be back');
    await expectLinked(cluster);
  });
});

/** The ids that could be used after every change. */
function statusesOf(cluster: Cluster): string[][] {
  const seen: string[][] = [];
  cluster.onChange(() => seen.push(cluster.workers.map(({ handle }) => handle.id)));
  return seen;
}

function refusals({ members }: Cluster): number {
  return members.filter(({ status, reason }) => status === 'unlinked' && reason !== undefined).length;
}

describe('workers that join', () => {
  afterEach(stopProcesses);

  test('one that leaves is used no more at once, and ends when the engine has let it go', async () => {
    const cluster = await open(await joinedSource());
    const [first] = cluster.workers;
    processes.find(({ child }) => child.pid === first?.ready.pid)?.child.kill('SIGTERM');
    await until(() => cluster.workers.length === WORKERS - 1, 'the leaving worker to be left out');
    expect(cluster.members.map(({ id }) => id)).not.toContain(first?.handle.id);
    await first?.handle.ended;
    await expectLinked(cluster);
  });

  test.each([
    ['first', 0],
    ['last', 2],
  ])('one that nobody can dial is linked to all others when it comes %s', async (_, place) => {
    const cluster = await openCluster(await joinSource(), ANY);
    clusters.push(cluster);
    for (let worker = 0; worker < WORKERS; worker++) {
      processes.push(await joinWorker(`w${worker}`, worker === place ? undefined : ANY_PORT));
      await until(() => cluster.workers.length === worker + 1, 'the worker to join');
    }
    await expectLinked(cluster);
  });
});
