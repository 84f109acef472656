/**
 * Workers by address: real `kvr worker` processes on loopback, and engines that come, break off, die and come again.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Engine } from '../src/engine/engine.js';
import { KvrError } from '../src/core/errors.js';
import { randomCheckpoint } from './reference/random-checkpoint.js';
import { saveHfFolder } from './support/hf-folder.js';
import { HeardMessages } from './support/heard.js';
import { LONG_LLAMA, longPrompt, saveLongLlama } from './support/long-llama.js';
import { until } from './support/until.js';
import { StandIn } from './support/worker-process.js';

const COMMAND = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
/** For commands that are refused before they look at it. */
const MODEL = 'synthetic:tinyllama-1.1b,layers=2,vocab=300';
const PROMPT = longPrompt(700);
/** Longer than any test takes. */
const ENDLESS_TOKENS = 60_000;

/** A worker as a user starts it. */
class NetworkWorker {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';

  constructor(model: string, cacheDir: string, listen = '127.0.0.1:0') {
    const args = ['worker', '--listen', listen, '--model', model, '--threads', '1', '--cache-dir', cacheDir];
    this.child = spawn(process.execPath, [COMMAND, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
  }

  /** Waits for the line that names the address. */
  async address(): Promise<string> {
    const find = (): string | undefined => /listens on (\S+)/.exec(this.stdout)?.[1];
    await until(() => find() !== undefined || !this.isRunning, 'the worker to listen');
    const address = find();
    if (address === undefined) throw new Error(`the worker did not listen: ${this.stderr}`);
    return address;
  }

  async ends(): Promise<number | null> {
    await until(() => !this.isRunning, 'the worker to end');
    return this.child.exitCode;
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }
}

describe('two workers on loopback', () => {
  let cacheDir = '';
  let model = '';
  let workers: NetworkWorker[] = [];
  let addresses: string[] = [];
  let expected: readonly number[] = [];

  // What fails is to be seen, not run again.
  const load = (): Promise<Engine> =>
    Engine.load({ model, workers: addresses, cacheDir, calibrate: false, retries: 0 });
  const request = { promptIds: PROMPT, maxTokens: 6, partition: 'e' } as const;

  beforeAll(async () => {
    cacheDir = mkdtempSync(join(tmpdir(), 'kvr-network-'));
    model = join(cacheDir, 'model');
    await saveLongLlama(model);
    const engine = await Engine.load({ model, workers: 1, threads: 1, cacheDir, calibrate: false });
    expected = (await engine.complete({ ...request, strategy: 'single', partition: 'auto' })).tokenIds;
    await engine.close();
    workers = [new NetworkWorker(model, cacheDir), new NetworkWorker(model, cacheDir)];
    addresses = await Promise.all(workers.map((worker) => worker.address()));
  });

  afterAll(() => {
    for (const { child } of workers) child.kill('SIGKILL');
    rmSync(cacheDir, { recursive: true, force: true });
  });

  test.each(['kvr', 'tsp', 'tsp-dense'] as const)(
    '%s gives the tokens one process gives',
    async (strategy) => {
      const engine = await load();
      const result = await engine.complete({ ...request, strategy });
      await engine.close();
      expect(result.tokenIds).toEqual(expected);
      expect(result.workers).toBe(2);
    },
  );

  test('a cancelled request leaves the workers usable for the same engine', async () => {
    const engine = await load();
    const controller = new AbortController();
    new HeardMessages(engine, () => controller.abort());
    const cancelled = engine.complete({ ...request, maxTokens: ENDLESS_TOKENS, signal: controller.signal });
    await expect(cancelled).rejects.toMatchObject({ code: 'CANCELLED' });
    expect((await engine.complete(request)).tokenIds).toEqual(expected);
    await engine.close();
  });

  test('an engine that vanishes in mid-request does not keep the workers from the next one', async () => {
    const args = ['generate', '--model', model, '--workers', addresses.join(), '--cache-dir', cacheDir];
    const prompt = ['--prompt-ids', PROMPT.join(), '--max-tokens', `${ENDLESS_TOKENS}`, '--partition', 'e'];
    const child = spawn(process.execPath, [COMMAND, ...args, ...prompt, '--no-calibrate'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    child.kill('SIGKILL');
    const engine = await load();
    expect((await engine.complete(request)).tokenIds).toEqual(expected);
    await engine.close();
  });

  test('two engines at once get their own answers, also under different names for the same worker', async () => {
    const other = addresses.map((address) => address.replace('127.0.0.1', 'localhost'));
    const engines = await Promise.all([
      load(),
      Engine.load({ model, workers: other, cacheDir, calibrate: false }),
    ]);
    const results = await Promise.all(engines.map((engine) => engine.complete(request)));
    expect(results.map(({ tokenIds }) => tokenIds)).toEqual([expected, expected]);
    await engines[1]?.close();
    expect((await engines[0]?.complete(request))?.tokenIds).toEqual(expected);
    await engines[0]?.close();
  });

  test('engines with f16 and f32 caches share workers, and one sends half the bytes of the other', async () => {
    const engines = await Promise.all([
      load(),
      Engine.load({ model, workers: addresses, cacheDir, calibrate: false, kvDtype: 'f16' }),
    ]);
    const results = await Promise.all(engines.map((engine) => engine.complete(request)));
    expect(results.map(({ kvDtype }) => kvDtype)).toEqual(['f32', 'f16']);
    expect(results.map(({ tokenIds }) => tokenIds)).toEqual([expected, expected]);
    // Keys and values of half the prompt, in all layers.
    const { layers, kvHeads, headDim } = LONG_LLAMA;
    const numbers = layers * (PROMPT.length / 2) * kvHeads * headDim * 2;
    const sent = results.map(({ timeline }) => timeline[0]?.sentBytes);
    expect(sent).toEqual([numbers * 4, numbers * 2]);
    await Promise.all(engines.map((engine) => engine.close()));
  });

  test('an engine with another model is told so, by both digests', async () => {
    await saveHfFolder(randomCheckpoint(LONG_LLAMA, 18), join(cacheDir, 'other'));
    const settings = { workers: addresses, cacheDir, calibrate: false };
    const other = Engine.load({ model: join(cacheDir, 'other'), ...settings });
    await expect(other).rejects.toMatchObject({ code: 'WORKER_FAILED' });
    await expect(other).rejects.toThrow(/same --model and --dtype/);
  });

  test('an engine with other chunks is told so', async () => {
    const other = Engine.load({
      model,
      workers: addresses,
      cacheDir,
      calibrate: false,
      chunkTokens: 64,
    });
    await expect(other).rejects.toThrow(/same --chunk-tokens/);
  });

  test('measured links and workers give a plan for workers by address', async () => {
    const engine = await Engine.load({ model, workers: addresses, cacheDir });
    expect(engine.costs?.knowledge.links).toHaveLength(1);
    const result = await engine.complete({ ...request, partition: 'auto' });
    expect(result.predictedTtftMs).toBeGreaterThan(0);
    expect(result.tokenIds).toEqual(expected);
    await engine.close();
  });

  // Last, since it ends a worker.
  test('a worker that dies in mid-request fails the request with its rank and phase', async () => {
    const engine = await load();
    const heard: HeardMessages = new HeardMessages(engine, () => {
      if (heard.count('token') === 2) workers[1]?.child.kill('SIGKILL');
    });
    const failed = engine.complete({ ...request, maxTokens: ENDLESS_TOKENS });
    const error = await failed.catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(KvrError);
    expect((error as KvrError).code).toMatch(/WORKER_DIED|LINK/);
    expect((error as KvrError).fields).toMatchObject({ rank: 1, phase: 'decode' });
    await engine.close();
  });

  test('nobody who reaches its port can end a worker', async () => {
    const engine = await StandIn.greet(addresses[0] as string, 'engine', 'stand-in');
    engine.say({ type: 'shutdown' });
    await until(() => engine.isClosed, 'the connection to be closed');
    expect(workers[0]?.isRunning).toBe(true);
  });

  test('an address in use is refused in one line', async () => {
    const second = new NetworkWorker(model, cacheDir, addresses[0]);
    expect(await second.ends()).toBe(2);
    expect(second.stderr.trim().split('\n')).toHaveLength(1);
    expect(second.stderr).toMatch(/^kvr: cannot listen on/);
  });

  test('a worker ends with status 130 when it is interrupted', async () => {
    workers[0]?.child.kill('SIGINT');
    expect(await workers[0]?.ends()).toBe(130);
    expect(workers[0]?.stderr.trim()).toBe('kvr: interrupted by SIGINT');
  });
});

test.each(['0.0.0.0:0', '[::]:0', '192.0.2.1:7000', 'example.org:7000'])(
  'a worker does not listen on %s unless --insecure is given',
  (listen) => {
    const args = [COMMAND, 'worker', '--listen', listen, '--model', MODEL];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect(status).toBe(2);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(/--insecure/);
  },
);

test.each([
  ['--workers', '127.0.0.1:70000,127.0.0.1:1'],
  ['--workers', '127.0.0.1:1,'],
  ['--workers', '127.0.0.1:1', '--threads', '2'],
])('generate refuses %s %s in one line', (...flags) => {
  const args = [COMMAND, 'generate', '--model', MODEL, '--prompt-ids', '1,2', ...flags];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect(status).toBe(2);
  expect(stderr.trim().split('\n')).toHaveLength(1);
});
