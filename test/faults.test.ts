/**
 * What goes wrong in a running chain, with real processes: workers that die or hang, callers that cancel or vanish.
 * Every request ends in a result or in one typed error that names rank and phase, the next one works, and no process
 * or socket is left behind.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { HEARTBEAT_TIMEOUT_MS } from '../src/cluster/worker-handle.js';
import {
  Engine,
  type EngineOptions,
  type GenerateEvent,
  type GenerateRequest,
  KvrError,
} from '../src/index.js';
import { type Heard, HeardMessages } from './support/heard.js';
import { LONG_CHUNK_TOKENS, longPrompt, saveLongLlama } from './support/long-llama.js';
import { exists, runs, type WorkerPid, workersOf } from './support/processes.js';
import { until } from './support/until.js';

const LIBRARY = fileURLToPath(new URL('../dist/index.js', import.meta.url));
const SHORT = { promptIds: longPrompt(12), maxTokens: 4, partition: 'e' } as const;
const LONG: GenerateRequest = { promptIds: longPrompt(3_000), maxTokens: 3, partition: 'e' };
/** Decodes for longer than any test takes. */
const ENDLESS: GenerateRequest = { promptIds: longPrompt(40), maxTokens: 60_000, partition: 'e' };

let folder = '';
let expected: readonly number[] = [];
/** Serves all tests that leave it usable, which most are about. */
let two: Engine;
const engines: Engine[] = [];
const hearing: HeardMessages[] = [];

function options(workers: number): EngineOptions {
  const model = join(folder, 'model');
  const chunks = { chunkTokens: LONG_CHUNK_TOKENS };
  // What fails is to be seen; that it is run again is a matter of its own, below.
  return { model, workers, threads: 1, calibrate: false, cacheDir: folder, retries: 0, ...chunks };
}

async function load(workers: number, more: Partial<EngineOptions> = {}): Promise<Engine> {
  const engine = await Engine.load({ ...options(workers), ...more });
  engines.push(engine);
  return engine;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kvr-faults-'));
  await saveLongLlama(join(folder, 'model'));
  two = await Engine.load(options(2));
  shared.add(two);
  expected = (await two.complete({ ...SHORT, strategy: 'single' })).tokenIds;
});
afterAll(async () => {
  await two.close();
  await until(() => workersOf(process.pid).length === 0, 'all workers to be gone');
  rmSync(folder, { recursive: true, force: true });
});

/** Engines that several tests use, one after the other. */
const shared = new Set<Engine>();

/** Worker processes that are not those of a shared engine. */
function otherWorkers(): WorkerPid[] {
  const theirs = [...shared].flatMap(({ workers }) => workers.map(({ ready }) => ready.pid));
  return workersOf(process.pid).filter(({ pid }) => !theirs.includes(pid));
}

/** Loads an engine for the tests of a group; each may kill workers, and begins with all of them. */
function sharedEngine(workers: number, more: Partial<EngineOptions> = {}): () => Engine {
  let engine: Engine;
  beforeAll(async () => {
    engine = await Engine.load({ ...options(workers), ...more });
    shared.add(engine);
  });
  beforeEach(() => until(() => engine.workers.length === workers, 'all workers to be there'));
  afterAll(async () => {
    shared.delete(engine);
    await engine.close();
  });
  return () => engine;
}

afterEach(async () => {
  vi.useRealTimers();
  for (const heard of hearing.splice(0)) heard.stop();
  for (const engine of engines.splice(0)) await engine.close();
  await until(() => otherWorkers().length === 0, 'all workers to be gone');
});

/** Until the test ends. */
function hear(engine: Engine, onMessage?: (heard: Heard) => void): HeardMessages {
  const heard = new HeardMessages(engine, onMessage);
  hearing.push(heard);
  return heard;
}

/** The engine is of use, and no rank that begins with a request still has an earlier one in hand. */
async function expectUsable(engine: Engine): Promise<void> {
  const heard = hear(engine);
  expect((await engine.complete(SHORT)).tokenIds).toEqual(expected);
  expect(heard.stepsBesideNewest).toEqual([]);
}

type Failure = { readonly error: KvrError; readonly events: readonly GenerateEvent[] };

/** Runs a request, does something at its first event of a type, and tells how it failed. */
async function failureOf(
  engine: Engine,
  request: GenerateRequest,
  at: { readonly type: GenerateEvent['type']; readonly count?: number },
  act: () => void,
): Promise<Failure> {
  const events: GenerateEvent[] = [];
  let left = at.count ?? 1;
  try {
    for await (const event of engine.generate(request)) {
      events.push(event);
      if (event.type === at.type && --left === 0) act();
    }
  } catch (error) {
    expect(error).toBeInstanceOf(KvrError);
    return { error: error as KvrError, events };
  }
  throw new Error(`the request did not fail: ${events.map(({ type }) => type).join(' ')}`);
}

const tokensOf = ({ events }: Failure): number => events.filter(({ type }) => type === 'token').length;

function pidOf(engine: Engine, rank: number): number {
  const pid = engine.workers[rank]?.ready.pid;
  if (!pid) throw new Error(`no worker of rank ${rank}`);
  return pid;
}

/** Runs a request and sends a rank a signal as soon as that rank has told of its first layer. */
function failureAtSignal(
  engine: Engine,
  request: GenerateRequest,
  rank: number,
  signal: NodeJS.Signals,
): Promise<Failure> {
  let isSent = false;
  hear(engine, ({ worker, message }) => {
    if (isSent || worker !== rank || message.type !== 'progress') return;
    isSent = process.kill(pidOf(engine, rank), signal);
  });
  return failureOf(engine, request, { type: 'done' }, () => undefined);
}

async function killIdle(engine: Engine, rank: number): Promise<void> {
  const pid = pidOf(engine, rank);
  process.kill(pid, 'SIGKILL');
  await until(() => !exists(pid), 'the worker to be reaped');
}

describe('a worker of three that is killed', () => {
  const three = sharedEngine(3);

  test.each([0, 1, 2])('in mid-prefill, rank %i: typed error, then business as usual', async (rank) => {
    const engine = three();
    const { error } = await failureAtSignal(engine, LONG, rank, 'SIGKILL');
    expect(error).toMatchObject({ code: 'WORKER_DIED', fields: { rank, phase: 'prefill' } });
    // Told by the system, and not found out by the heartbeat.
    expect(error.message).toMatch(/^rank \d failed in prefill, layer \d: .*killed by SIGKILL/);
    await expectUsable(engine);
    expect(engine.workers).toHaveLength(3);
    expect(workersOf(process.pid)).toHaveLength(two.workers.length + 3);
  });
});

describe('a worker that is killed', () => {
  test('in mid-decode, the last rank: typed error with what was said before it', async () => {
    const engine = two;
    const failure = await failureOf(engine, ENDLESS, { type: 'token', count: 3 }, () =>
      process.kill(pidOf(engine, 1), 'SIGKILL'),
    );
    expect(failure.error).toMatchObject({ code: 'WORKER_DIED', fields: { rank: 1, phase: 'decode' } });
    expect(failure.error.message).toMatch(/killed by SIGKILL/);
    expect(tokensOf(failure)).toBeGreaterThanOrEqual(3);
    await expectUsable(engine);
  });

  test('in mid-decode, an earlier rank, which is not needed any more: the answer goes on', async () => {
    const engine = two;
    const maxTokens = 400;
    let tokensAtKill: number | undefined;
    const heard: HeardMessages = hear(engine, () => {
      // Its part is over once it has said so; the last rank may be ahead of that word.
      const isOver = heard.workersThatSaid('prefilled').includes(0);
      if (tokensAtKill !== undefined || !isOver || heard.count('token') < 3) return;
      tokensAtKill = heard.count('token');
      process.kill(pidOf(engine, 0), 'SIGKILL');
    });
    const { tokenIds } = await engine.complete({ ...ENDLESS, maxTokens });
    expect(tokensAtKill).toBeLessThan(maxTokens);
    expect(tokenIds).toHaveLength(maxTokens);
    await expectUsable(engine);
    expect(workersOf(process.pid)).toHaveLength(2);
  });

  test('between two requests: the next one starts it again', async () => {
    const engine = two;
    await expectUsable(engine);
    await killIdle(engine, 0);
    await expectUsable(engine);
  });
});

describe('a request of three workers that may be run again', () => {
  const three = sharedEngine(3, { retries: 1 });
  let tokenIds: readonly number[] = [];
  beforeAll(async () => {
    tokenIds = (await three().complete({ ...LONG, strategy: 'single' })).tokenIds;
  });

  test.each([0, 1, 2])('when rank %i is killed in mid-prefill: the same answer, later', async (rank) => {
    const engine = three();
    let isKilled = false;
    hear(engine, ({ worker, message }) => {
      if (isKilled || worker !== rank || message.type !== 'progress') return;
      isKilled = process.kill(pidOf(engine, rank), 'SIGKILL');
    });
    const answer = await engine.complete(LONG);
    expect([answer.tokenIds, answer.retries]).toEqual([tokenIds, 1]);
  });
});

describe('a request that may be run again', () => {
  test('when the last rank is killed in mid-decode: every token once, as without', async () => {
    const engine = await load(2, { retries: 1 });
    const request = { ...SHORT, maxTokens: 40, sampling: { temperature: 1, seed: 7 } };
    const { tokenIds } = await engine.complete(request);
    const said: number[] = [];
    for await (const event of engine.generate(request)) {
      if (event.type === 'token') said.push(event.id);
      if (event.type === 'token' && said.length === 10) process.kill(pidOf(engine, 1), 'SIGKILL');
      if (event.type === 'done') expect(event.result).toMatchObject({ tokenIds, retries: 1 });
    }
    expect(said).toEqual(tokenIds);
  });
});

describe('a worker that is stopped', () => {
  test('is found out by the heartbeat', async () => {
    const engine = two;
    const { error } = await failureAtSignal(engine, LONG, 1, 'SIGSTOP');
    expect(error).toMatchObject({ code: 'WORKER_HUNG', fields: { rank: 1, phase: 'prefill' } });
    expect(error.message).toContain(`limit ${HEARTBEAT_TIMEOUT_MS} ms`);
    await expectUsable(engine);
  });

  test('is named by the deadline, where that is earlier', async () => {
    const engine = two;
    // Whatever came before, its workers run: none is started while the clock stands still.
    await expectUsable(engine);
    const deadlineMs = 60_000;
    process.kill(pidOf(engine, 0), 'SIGSTOP');
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    hear(engine, ({ message }) => {
      if (message.type === 'progress' && vi.isFakeTimers()) vi.advanceTimersByTime(deadlineMs);
    });
    const request = { ...SHORT, deadlineMs };
    const { error } = await failureOf(engine, request, { type: 'done' }, () => undefined);
    vi.useRealTimers();
    process.kill(pidOf(engine, 0), 'SIGCONT');
    expect(error).toMatchObject({ code: 'DEADLINE', fields: { rank: 0, phase: 'prefill', deadlineMs } });
    await expectUsable(engine);
  });
});

describe('a caller', () => {
  test('who cancels in mid-prefill is answered before any rank is done, and all put it down', async () => {
    const engine = two;
    const heard = hear(engine);
    const controller = new AbortController();
    const request = { ...LONG, signal: controller.signal };
    const { error, events } = await failureOf(engine, request, { type: 'prefill' }, () => controller.abort());
    expect(error.code).toBe('CANCELLED');
    expect(events.every(({ type }) => type === 'prefill')).toBe(true);
    const [cancelled] = heard.requests;
    await expectUsable(engine);
    expect(heard.workersThatSaid('prefilled', cancelled)).toEqual([]);
    expect(heard.workersThatSaid('finished', cancelled)).toEqual([0, 1]);
  });

  test('who cancels in mid-decode gets no token that came after', async () => {
    const engine = two;
    const heard = hear(engine);
    const controller = new AbortController();
    const request = { ...ENDLESS, signal: controller.signal };
    let tokensAtCancel = 0;
    const failure = await failureOf(engine, request, { type: 'token', count: 2 }, () => {
      tokensAtCancel = heard.count('token');
      controller.abort();
    });
    expect(failure.error.code).toBe('CANCELLED');
    expect(tokensOf(failure)).toBe(tokensAtCancel);
    await expectUsable(engine);
  });

  test('who had cancelled before it asked gets CANCELLED, and nothing is run', async () => {
    const engine = two;
    const heard = hear(engine);
    const request = { ...LONG, signal: AbortSignal.abort() };
    await expect(engine.complete(request)).rejects.toMatchObject({ code: 'CANCELLED' });
    await expectUsable(engine);
    expect(heard.requests).toHaveLength(1);
  });

  test('who leaves the loop early, in prefill or in decode, cancels the request', async () => {
    const engine = two;
    const heard = hear(engine);
    for await (const event of engine.generate(LONG)) if (event.type === 'prefill') break;
    await expectUsable(engine);
    for await (const event of engine.generate(ENDLESS)) if (event.type === 'token') break;
    await expectUsable(engine);
    const [long, , endless] = heard.requests;
    expect(heard.workersThatSaid('prefilled', long)).toEqual([]);
    expect(heard.count('token', endless)).toBeLessThan(ENDLESS.maxTokens ?? 0);
  });

  test('whose deadline passes in decode gets DEADLINE with the last rank', async () => {
    const engine = two;
    // Whatever came before, its workers run: none is started while the clock stands still.
    await expectUsable(engine);
    const deadlineMs = 60_000;
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const heard: HeardMessages = hear(engine, () => {
      // An earlier rank's last word may come after the first token.
      const isDecoding = heard.count('prefilled') === 2 && heard.count('token') > 0;
      if (isDecoding && vi.isFakeTimers()) vi.advanceTimersByTime(deadlineMs);
    });
    const request = { ...ENDLESS, deadlineMs };
    const { error } = await failureOf(engine, request, { type: 'done' }, () => undefined);
    vi.useRealTimers();
    expect(error).toMatchObject({ code: 'DEADLINE', fields: { rank: 1, phase: 'decode', deadlineMs } });
    await expectUsable(engine);
  });

  test('who asks many times at once gets every answer', async () => {
    const engine = two;
    const results = await Promise.all(Array.from({ length: 6 }, () => engine.complete(SHORT)));
    for (const { tokenIds } of results) expect(tokenIds).toEqual(expected);
  });
});

describe('an engine', () => {
  test('that is closed during a request ends it with CLOSED and leaves no worker', async () => {
    const engine = await load(2);
    const waiting = engine.complete(LONG).catch((error: unknown) => error);
    const { error } = await failureOf(engine, LONG, { type: 'prefill' }, () => void engine.close());
    expect(error.code).toBe('CLOSED');
    expect(await waiting).toMatchObject({ code: 'CLOSED' });
    await engine.close();
    await engine.close();
    expect(otherWorkers()).toEqual([]);
    await expect(engine.complete(SHORT)).rejects.toMatchObject({ code: 'CLOSED' });
  });

  test('that is closed while it starts workers again leaves none', async () => {
    const engine = await load(2);
    const before = otherWorkers().map(({ pid }) => pid);
    await killIdle(engine, 1);
    const request = engine.complete(SHORT).catch((error: unknown) => error);
    const isNew = ({ pid }: { pid: number }): boolean => !before.includes(pid);
    await until(() => otherWorkers().some(isNew), 'the first new worker');
    await engine.close();
    expect(otherWorkers()).toEqual([]);
    expect(await request).toMatchObject({ code: 'CLOSED' });
  });

  test('keeps its workers when the signal it was loaded with is aborted later', async () => {
    const controller = new AbortController();
    const engine = await load(1, { signal: controller.signal });
    const before = otherWorkers();
    controller.abort();
    await expectUsable(engine);
    expect(otherWorkers()).toEqual(before);
  });

  test('keeps the workers it started again for a request that is then cancelled', async () => {
    const engine = await load(1);
    await killIdle(engine, 0);
    const controller = new AbortController();
    const request = { ...ENDLESS, signal: controller.signal };
    await failureOf(engine, request, { type: 'token' }, () => controller.abort());
    const before = otherWorkers();
    expect(before).toHaveLength(1);
    await expectUsable(engine);
    expect(otherWorkers()).toEqual(before);
  });

  test('is not loaded at all with a signal that was aborted before', async () => {
    const loading = load(1, { signal: AbortSignal.abort() });
    await expect(loading).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(otherWorkers()).toEqual([]);
  });

  test('works beside another one', async () => {
    const [a, b] = [two, await load(2)];
    const request = { ...SHORT, promptIds: longPrompt(300) };
    const [first, second, third] = await Promise.all([
      a.complete(request),
      b.complete(request),
      a.complete(SHORT),
    ]);
    expect(first.tokenIds).toEqual(second.tokenIds);
    expect(third.tokenIds).toEqual(expected);
  });
});

describe('a parent that is killed with -9', () => {
  /** A program that loads an engine, says so, and says every event of a request. */
  class Parent {
    readonly child: ChildProcess;
    /** Where it and its workers put sockets. */
    readonly sockets = mkdtempSync(join(tmpdir(), 'kvr-parent-'));
    said = '';

    constructor() {
      const program = `
        import { Engine } from ${JSON.stringify(LIBRARY)};
        const engine = await Engine.load(${JSON.stringify(options(2))});
        console.log('loaded');
        for await (const event of engine.generate(${JSON.stringify(LONG)})) console.log(event.type);`;
      const env = { ...process.env, TMPDIR: this.sockets };
      this.child = spawn(process.execPath, ['--input-type=module', '-e', program], { env, stdio: 'pipe' });
      this.child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.said += text));
    }

    get workers(): number[] {
      return workersOf(this.child.pid as number).map(({ pid }) => pid);
    }

    get hasSockets(): boolean {
      return readdirSync(this.sockets, { recursive: true, encoding: 'utf8' }).some((name) =>
        /\.sock$/.test(name),
      );
    }

    close(): void {
      this.child.kill('SIGKILL');
      rmSync(this.sockets, { recursive: true, force: true });
    }
  }

  /** Each holds from some moment on, however seldom it is looked at. */
  const MOMENTS: readonly [string, (parent: Parent) => boolean][] = [
    ['as it starts its first worker', (parent) => parent.workers.length > 0],
    ['once its workers have sockets', (parent) => parent.hasSockets || parent.said !== ''],
    ['once it is ready', (parent) => parent.said.includes('loaded')],
    ['in mid-prefill', (parent) => parent.said.includes('prefill')],
  ];

  test.each(MOMENTS)('%s leaves no worker and no socket', async (what, isReached) => {
    const parent = new Parent();
    try {
      await until(() => isReached(parent), what);
      const pids = parent.workers;
      parent.child.kill('SIGKILL');
      expect(pids.length).toBeGreaterThan(0);
      await until(() => pids.every((pid) => !runs(pid)), 'the workers to end');
      await until(() => readdirSync(parent.sockets).length === 0, 'the sockets to go');
    } finally {
      parent.close();
    }
  });
});
