/**
 * What goes wrong in a running chain, with real processes: workers that die or hang, callers that cancel or vanish.
 * Every request ends in a result or in one typed error that names rank and phase, the next one works, and no process
 * or socket is left behind.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { HEARTBEAT_TIMEOUT_MS } from '../src/cluster/worker-handle.js';
import { Engine, type GenerateEvent, type GenerateRequest, KvrError } from '../src/index.js';
import { exists, runs, workersOf } from './support/processes.js';
import { until } from './support/worker-process.js';

/** Wide enough that a prompt takes a second or two, with a vocabulary that costs nothing to compile. */
const MODEL = 'synthetic:tinyllama-1.1b,layers=2,vocab=300';
const LIBRARY = fileURLToPath(new URL('../dist/index.js', import.meta.url));
const PROMPT = Array.from({ length: 1_500 }, (_, i) => 3 + ((i * 37) % 290));
const SHORT = { promptIds: PROMPT.slice(0, 12), maxTokens: 4 };
const LONG: GenerateRequest = { promptIds: PROMPT, maxTokens: 3, partition: 'e' };
/** Decodes for many seconds. */
const ENDLESS: GenerateRequest = { promptIds: PROMPT.slice(0, 40), maxTokens: 20_000, partition: 'e' };

let cacheDir = '';
let expected: readonly number[] = [];
const engines: Engine[] = [];

async function load(workers: number): Promise<Engine> {
  const engine = await Engine.load({ model: MODEL, workers, threads: 1, calibrate: false, cacheDir });
  engines.push(engine);
  return engine;
}

beforeAll(async () => {
  cacheDir = mkdtempSync(join(tmpdir(), 'kvr-faults-'));
  const engine = await load(1);
  expected = (await engine.complete(SHORT)).tokenIds;
  await engine.close();
});
afterAll(() => rmSync(cacheDir, { recursive: true, force: true }));

afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.close();
  await until(() => workersOf(process.pid).length === 0, 'all workers to be gone', 2_000);
});

/** The engine is of use, and not busy with anything else: a short request gets its answer soon. */
async function expectUsable(engine: Engine, limitMs = 5_000): Promise<void> {
  const start = performance.now();
  expect((await engine.complete(SHORT)).tokenIds).toEqual(expected);
  expect(performance.now() - start).toBeLessThan(limitMs);
}

type Failure = { readonly error: KvrError; readonly afterMs: number; readonly events: GenerateEvent[] };

/** Runs a request, does something at its first event of a type, and tells how and how soon after that it failed. */
async function failureOf(
  engine: Engine,
  request: GenerateRequest,
  at: { readonly type: GenerateEvent['type']; readonly count?: number },
  act: () => void,
): Promise<Failure> {
  const events: GenerateEvent[] = [];
  let actedMs = performance.now();
  let left = at.count ?? 1;
  try {
    for await (const event of engine.generate(request)) {
      events.push(event);
      if (event.type !== at.type || --left !== 0) continue;
      actedMs = performance.now();
      act();
    }
  } catch (error) {
    expect(error).toBeInstanceOf(KvrError);
    return { error: error as KvrError, afterMs: performance.now() - actedMs, events };
  }
  throw new Error(`the request did not fail: ${events.map(({ type }) => type).join(' ')}`);
}

function signalRank(rank: number, signal: NodeJS.Signals): number {
  const worker = workersOf(process.pid).find((each) => each.rank === rank);
  if (!worker) throw new Error(`no worker of rank ${rank}`);
  process.kill(worker.pid, signal);
  return worker.pid;
}

describe('a worker that is killed', () => {
  test.each([0, 1, 2])('in mid-prefill, rank %i: typed error, then business as usual', async (rank) => {
    const engine = await load(3);
    const { error, afterMs } = await failureOf(engine, LONG, { type: 'prefill' }, () =>
      signalRank(rank, 'SIGKILL'),
    );
    expect(error).toMatchObject({ code: 'WORKER_DIED', fields: { rank, phase: 'prefill' } });
    expect(error.message).toMatch(/^rank \d failed in prefill, layer \d: .*killed by SIGKILL/);
    expect(afterMs).toBeLessThan(1_000);
    await expectUsable(engine);
    expect(workersOf(process.pid)).toHaveLength(3);
  });

  test('in mid-decode, the last rank: typed error with what was said before it', async () => {
    const engine = await load(2);
    const { error, afterMs, events } = await failureOf(engine, ENDLESS, { type: 'token', count: 3 }, () =>
      signalRank(1, 'SIGKILL'),
    );
    expect(error).toMatchObject({ code: 'WORKER_DIED', fields: { rank: 1, phase: 'decode' } });
    expect(afterMs).toBeLessThan(1_000);
    expect(events.filter(({ type }) => type === 'token').length).toBeGreaterThanOrEqual(3);
    await expectUsable(engine);
  });

  test('in mid-decode, an earlier rank, which is not needed any more: the answer goes on', async () => {
    const engine = await load(2);
    let tokens = 0;
    for await (const event of engine.generate({ ...ENDLESS, maxTokens: 60 })) {
      if (event.type === 'token' && ++tokens === 3) signalRank(0, 'SIGKILL');
    }
    expect(tokens).toBe(60);
    await expectUsable(engine);
    expect(workersOf(process.pid)).toHaveLength(2);
  });

  test('between two requests: the next one starts it again', async () => {
    const engine = await load(2);
    await expectUsable(engine);
    const pid = signalRank(0, 'SIGKILL');
    await until(() => !exists(pid), 'the worker to be reaped');
    await expectUsable(engine);
  });
});

describe('a worker that is stopped', () => {
  test('is found out within the heartbeat limit', async () => {
    const engine = await load(2);
    const { error, afterMs } = await failureOf(engine, LONG, { type: 'prefill' }, () =>
      signalRank(1, 'SIGSTOP'),
    );
    expect(error).toMatchObject({ code: 'WORKER_HUNG', fields: { rank: 1, phase: 'prefill' } });
    expect(afterMs).toBeLessThan(HEARTBEAT_TIMEOUT_MS + 1_500);
    await expectUsable(engine);
  });

  test('is named by the deadline, where that is earlier', async () => {
    const engine = await load(2);
    let pid = 0;
    const request = { ...LONG, deadlineMs: 2_500 };
    const { error } = await failureOf(engine, request, { type: 'prefill' }, () => {
      pid = signalRank(0, 'SIGSTOP');
    });
    process.kill(pid, 'SIGCONT');
    expect(error).toMatchObject({
      code: 'DEADLINE',
      fields: { rank: 0, phase: 'prefill', deadlineMs: 2_500 },
    });
    await expectUsable(engine);
  });
});

describe('a caller', () => {
  test('who cancels in mid-prefill is answered soon, and the ranks are idle again', async () => {
    const engine = await load(2);
    const controller = new AbortController();
    const request = { ...LONG, signal: controller.signal };
    const { error, afterMs } = await failureOf(engine, request, { type: 'prefill' }, () =>
      controller.abort(),
    );
    expect(error.code).toBe('CANCELLED');
    expect(afterMs).toBeLessThan(200);
    await expectUsable(engine, 1_500);
  });

  test('who cancels in mid-decode is answered soon', async () => {
    const engine = await load(2);
    const controller = new AbortController();
    const request = { ...ENDLESS, signal: controller.signal };
    const at = { type: 'token', count: 2 } as const;
    const { error, afterMs } = await failureOf(engine, request, at, () => controller.abort());
    expect(error.code).toBe('CANCELLED');
    expect(afterMs).toBeLessThan(200);
    await expectUsable(engine, 1_500);
  });

  test('who had cancelled before it asked gets CANCELLED, and nothing is run', async () => {
    const engine = await load(1);
    const request = { ...LONG, signal: AbortSignal.abort() };
    await expect(engine.complete(request)).rejects.toMatchObject({ code: 'CANCELLED' });
    await expectUsable(engine, 1_000);
  });

  test('who leaves the loop early, in prefill or in decode, cancels the request', async () => {
    const engine = await load(2);
    for await (const event of engine.generate(LONG)) if (event.type === 'prefill') break;
    await expectUsable(engine, 1_500);
    for await (const event of engine.generate(ENDLESS)) if (event.type === 'token') break;
    await expectUsable(engine, 1_500);
  });

  test('whose deadline passes in decode gets DEADLINE with the last rank', async () => {
    const engine = await load(2);
    const request = { ...ENDLESS, deadlineMs: 3_000 };
    const { error } = await failureOf(engine, request, { type: 'token' }, () => undefined);
    expect(error).toMatchObject({ code: 'DEADLINE', fields: { rank: 1, phase: 'decode' } });
    await expectUsable(engine, 1_500);
  });

  test('who asks many times at once is served in order', async () => {
    const engine = await load(2);
    const results = await Promise.all(Array.from({ length: 6 }, () => engine.complete(SHORT)));
    for (const { tokenIds } of results) expect(tokenIds).toEqual(expected);
  });
});

describe('an engine', () => {
  test('that is closed during a request ends it with CLOSED and leaves no worker', async () => {
    const engine = await load(2);
    const waiting = engine.complete(SHORT).catch((error: unknown) => error);
    const { error, afterMs } = await failureOf(engine, LONG, { type: 'prefill' }, () => void engine.close());
    expect(error.code).toBe('CLOSED');
    expect(afterMs).toBeLessThan(1_000);
    await waiting;
    await engine.close();
    await engine.close();
    expect(workersOf(process.pid)).toEqual([]);
    await expect(engine.complete(SHORT)).rejects.toMatchObject({ code: 'CLOSED' });
  });

  test('that is closed while it starts workers again leaves none', async () => {
    const engine = await load(2);
    const pid = signalRank(1, 'SIGKILL');
    await until(() => !exists(pid), 'the worker to be reaped');
    const request = engine.complete(SHORT).catch((error: unknown) => error);
    await delay(60);
    await engine.close();
    expect(workersOf(process.pid)).toEqual([]);
    expect(await request).toBeInstanceOf(KvrError);
  });

  test('keeps its workers when the signal it was loaded with is aborted later', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const engine = await Engine.load({ model: MODEL, calibrate: false, cacheDir, signal });
    engines.push(engine);
    controller.abort();
    await delay(50);
    await expectUsable(engine, 1_500);
  });

  test('keeps the workers it started again for a request that is then cancelled', async () => {
    const engine = await load(1);
    const pid = signalRank(0, 'SIGKILL');
    await until(() => !exists(pid), 'the worker to be reaped');
    const controller = new AbortController();
    const request = { ...ENDLESS, signal: controller.signal };
    await failureOf(engine, request, { type: 'token' }, () => controller.abort());
    await delay(50);
    expect(workersOf(process.pid)).toHaveLength(1);
    await expectUsable(engine, 1_500);
  });

  test('is not loaded at all with a signal that was aborted before', async () => {
    const signal = AbortSignal.abort();
    await expect(Engine.load({ model: MODEL, calibrate: false, cacheDir, signal })).rejects.toMatchObject({
      code: 'CANCELLED',
    });
    expect(workersOf(process.pid)).toEqual([]);
  });

  test('works beside another one', async () => {
    const [a, b] = await Promise.all([load(2), load(2)]);
    const [first, second, third] = await Promise.all([a.complete(LONG), b.complete(LONG), a.complete(SHORT)]);
    expect(first.tokenIds).toEqual(second.tokenIds);
    expect(third.tokenIds).toEqual(expected);
  });
});

describe('a parent that is killed with -9', () => {
  let child: ChildProcess | undefined;
  let sockets = '';
  afterEach(() => {
    child?.kill('SIGKILL');
    rmSync(sockets, { recursive: true, force: true });
  });

  /** A program that loads an engine and prints 'prefill' once a request is on its way. */
  function startParent(): ChildProcess {
    sockets = mkdtempSync(join(tmpdir(), 'kvr-parent-'));
    mkdirSync(sockets, { recursive: true });
    const options = { model: MODEL, workers: 2, threads: 1, calibrate: false, cacheDir };
    const program = `
      import { Engine } from ${JSON.stringify(LIBRARY)};
      const engine = await Engine.load(${JSON.stringify(options)});
      for await (const event of engine.generate(${JSON.stringify(LONG)})) console.log(event.type);`;
    const env = { ...process.env, TMPDIR: sockets };
    child = spawn(process.execPath, ['--input-type=module', '-e', program], { env, stdio: 'pipe' });
    return child;
  }

  async function expectNothingLeft(pids: readonly number[]): Promise<void> {
    await until(() => pids.every((pid) => !runs(pid)), 'the workers to end', 4_000);
    expect(readdirSync(sockets)).toEqual([]);
  }

  test('in mid-prefill leaves no worker and no socket', async () => {
    const parent = startParent();
    await new Promise((resolve) => parent.stdout?.once('data', resolve));
    const pids = workersOf(parent.pid as number).map(({ pid }) => pid);
    expect(pids).toHaveLength(2);
    parent.kill('SIGKILL');
    await expectNothingLeft(pids);
  });

  test.each([0, 40, 150])(
    '%i ms after it began to start workers leaves none and no socket',
    async (waitMs) => {
      const parent = startParent();
      await until(() => workersOf(parent.pid as number).length === 2, 'the first workers');
      await delay(waitMs);
      const pids = workersOf(parent.pid as number).map(({ pid }) => pid);
      parent.kill('SIGKILL');
      await expectNothingLeft(pids);
    },
  );
});
