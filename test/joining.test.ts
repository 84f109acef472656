/**
 * Workers that dial a server under a cluster key: real `kvr serve --listen-workers` and `kvr worker --join` processes on loopback, which
 * come, leave, are killed and come again, with and without the model.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { FaultyLink } from '../bench/chaos/faulty-link.js';
import { newClusterKey } from '../src/link/security/cluster-key.js';
import { longPrompt, saveLongLlama } from './support/long-llama.js';
import { RunningCommand } from './support/running-command.js';
import { until } from './support/until.js';

/** Long enough to be shared out evenly. */
const PROMPT = longPrompt(700);

let folder = '';
let model = '';
let key = '';
let serverCache = '';
const running: RunningCommand[] = [];

const start = (...args: string[]): RunningCommand => {
  const command = new RunningCommand(args);
  running.push(command);
  return command;
};

type Served = { readonly server: RunningCommand; readonly url: string; readonly address: string };

async function serve(...flags: string[]): Promise<Served> {
  const own = ['--model', model, '--port', '0', '--cache-dir', serverCache, '--cluster-key-file', key];
  const server = start('serve', '--listen-workers', '127.0.0.1:0', ...own, ...flags);
  await server.says(/--join \S+/);
  const url = /(http:\S+) \(page\)/.exec(server.stdout)?.[1] ?? '';
  const address = /--join (\S+)/.exec(server.stdout)?.[1] ?? '';
  return { server, url, address };
}

const joinFlags = (address: string): string[] => [
  'worker',
  '--join',
  address,
  '--threads',
  '1',
  '--cluster-key-file',
];

/** With the server's cache, as on the same machine. */
function joinWith(address: string, name: string, ...flags: string[]): RunningCommand {
  return start(
    ...joinFlags(address),
    key,
    '--model',
    model,
    '--cache-dir',
    serverCache,
    '--name',
    name,
    ...flags,
  );
}

async function ask(url: string, maxTokens = 6): Promise<string> {
  const response = await fetch(`${url}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ prompt: PROMPT, max_tokens: maxTokens, temperature: 0 }),
  });
  const answer = (await response.json()) as { choices?: { text: string }[] };
  if (!response.ok) throw new Error(JSON.stringify(answer));
  return answer.choices?.[0]?.text ?? '';
}

type Record = { readonly atMs: number; readonly partition: readonly number[]; readonly status: string };
async function lastRecord(url: string): Promise<Record> {
  const { requests } = (await (await fetch(`${url}/kvr/requests`)).json()) as { requests: Record[] };
  return requests.sort((a, b) => a.atMs - b.atMs).at(-1) as Record;
}

const readiness = async (url: string): Promise<{ status: number; state: { [name: string]: unknown } }> => {
  const response = await fetch(`${url}/readyz`);
  return { status: response.status, state: (await response.json()) as { [name: string]: unknown } };
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kvr-joining-'));
  model = join(folder, 'model');
  serverCache = join(folder, 'server');
  key = join(folder, 'room.key');
  writeFileSync(key, newClusterKey());
  await saveLongLlama(model, 2);
});
afterEach(async () => {
  for (const { child } of running) child.kill('SIGKILL');
  await Promise.all(running.splice(0).map((command) => command.ends()));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('workers that join', () => {
  test('a server waits for the first, uses the next one at once, and goes on when one leaves or is killed', async () => {
    const { server, url, address } = await serve('--no-calibrate');
    expect(await readiness(url)).toMatchObject({
      status: 503,
      state: {
        status: 'waiting',
        message: expect.stringContaining(`kvr worker --join ${address}`) as string,
      },
    });
    const first = joinWith(address, 'first');
    await server.says(/worker first has joined; 1 worker can/);
    expect((await readiness(url)).status).toBe(200);
    const text = await ask(url);
    const second = joinWith(address, 'second');
    await server.says(/worker second has joined; 2 workers can/);
    expect(await ask(url)).toBe(text);
    expect((await lastRecord(url)).partition).toHaveLength(2);

    first.child.kill('SIGTERM');
    expect(await first.ends()).toBe(130);
    await server.says(/worker first is gone as it said; 1 worker can/);
    expect(await ask(url)).toBe(text);

    second.child.kill('SIGKILL');
    await server.says(/worker second is gone .*; 0 workers can/);
    expect((await readiness(url)).state).toMatchObject({
      status: 'recovering',
      missing: [{ worker: 'second' }],
    });
    const again = joinWith(address, 'second');
    await again.says(/joined \S+ as second/);
    await server.says(/worker second has joined/, 2);
    expect(await ask(url)).toBe(text);
  });

  test('one that is told to end finishes what it does', async () => {
    const { server, url, address } = await serve('--no-calibrate');
    const worker = joinWith(address, 'only');
    await server.says(/has joined/);
    const answer = ask(url, 300);
    await until(
      async () => (await lastRecord(url).catch(() => undefined))?.status === 'decode',
      'an answer to begin',
    );
    worker.child.kill('SIGTERM');
    await server.says(/only is gone as it said/);
    expect((await answer).length).toBeGreaterThan(0);
    expect(await worker.ends()).toBe(130);
  });

  test('one whose connection is cut dials again, and is taken back in its place', async () => {
    const { server, url, address } = await serve('--no-calibrate');
    const link = await FaultyLink.start(Number(address.split(':')[1]));
    try {
      const worker = joinWith(`127.0.0.1:${link.port}`, 'far');
      await server.says(/worker far has joined/);
      const text = await ask(url);
      link.cut();
      await worker.says(/has ended \(.*dials again/);
      await server.says(/worker far has joined/, 2);
      expect(await ask(url)).toBe(text);
      expect(worker.isRunning).toBe(true);
    } finally {
      link.close();
    }
  });

  test('strangers with garbage, without a word, or with another key change nothing', async () => {
    const { server, url, address } = await serve('--no-calibrate');
    const port = Number(address.split(':')[1]);
    const worker = joinWith(address, 'honest');
    await server.says(/has joined/);
    const other = join(folder, 'other.key');
    writeFileSync(other, newClusterKey());
    const wrong = start(...joinFlags(address), other, '--model', model, '--cache-dir', serverCache);
    for (let stranger = 0; stranger < 100; stranger++) {
      const socket = connect(port, '127.0.0.1')
        .on('error', () => undefined)
        .resume();
      if (stranger % 2 === 0) socket.write('GET / HTTP/1.1\r\n\r\n'.repeat(50));
    }
    await server.says(/refused a caller from 127\.0\.0\.1: no proof of the cluster key/);
    await wrong.says(/both ends need the same --cluster-key-file/);
    expect((await ask(url)).length).toBeGreaterThan(0);
    expect((await readiness(url)).state).toMatchObject({ status: 'ready', workers: 1 });
    expect(worker.isRunning).toBe(true);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toMatch(/^kvr_peers_refused_total\{reason="handshake"\} [1-9]/m);
  });

  test('one with another model is told why, and ends', async () => {
    const { server, address } = await serve('--no-calibrate');
    const wrong = start(...joinFlags(address), key, '--model', 'quote', '--cache-dir', serverCache);
    expect(await wrong.ends()).toBe(1);
    expect(wrong.stderr).toMatch(/does not take this worker: .*start both with the same --model/);
    await server.says(/is not taken: .*runs model/);
  });

  test('each is measured before it is used, and not again when it comes again', async () => {
    const { server, url, address } = await serve();
    joinWith(address, 'one');
    await server.says(/worker one is being measured/);
    const two = joinWith(address, 'two');
    await server.says(/worker two has joined/);
    await ask(url);
    expect(await (await fetch(`${url}/kvr/plan?context=512`)).json()).toMatchObject({
      ranks: expect.any(Array) as unknown[],
    });
    two.child.kill('SIGKILL');
    await server.says(/worker two is gone/);
    joinWith(address, 'two');
    await server.says(/worker two has joined/, 2);
    expect(server.stderr.match(/is being measured/g)).toHaveLength(2);
  });
});

describe('a model that comes along', () => {
  const caches: string[] = [];
  /** A machine that has nothing yet. */
  const newCache = (): string => {
    caches.push(mkdtempSync(join(folder, 'cache-')));
    return caches.at(-1) as string;
  };
  const joinWithout = (address: string, cache: string, ...flags: string[]): RunningCommand =>
    start(...joinFlags(address), key, '--cache-dir', cache, ...flags);
  const compiledIn = (cache: string): string | undefined =>
    readdirSync(cache).find((name) => existsSync(join(cache, name, 'published.json')));

  test('is fetched once, with progress on both sides, and is the same to the byte', async () => {
    const { server, url, address } = await serve('--no-calibrate');
    const cache = newCache();
    const worker = joinWithout(address, cache);
    await server.says(/has joined/);
    await server.says(/giving \S+ to 127\.0\.0\.1: done, \d+\.\d MB in .* MB\/s/);
    await worker.says(/fetched \S+ f32 from \S+: \d+\.\d MB in/);
    expect((await ask(url)).length).toBeGreaterThan(0);
    const name = compiledIn(cache) ?? '';
    for (const file of readdirSync(join(cache, name)).filter((each) => each !== 'published.json'))
      expect(readFileSync(join(cache, name, file)).equals(readFileSync(join(serverCache, name, file)))).toBe(
        true,
      );
    worker.child.kill('SIGTERM');
    await worker.ends();
    const again = joinWithout(address, cache, '--no-fetch');
    await server.says(/has joined/, 2);
    expect(again.stderr).not.toMatch(/fetched/);
  });

  test('a worker may refuse to fetch, and says so in one line', async () => {
    const { address } = await serve('--no-calibrate');
    for (const [flags, words] of [
      [['--no-fetch'], /--no-fetch forbids to fetch it/],
      [['--dtype', 'q8'], /--dtype q8 is asked for, the server runs f32/],
    ] as const) {
      const refusing = joinWithout(address, newCache(), ...flags);
      expect(await refusing.ends()).toBe(2);
      expect(refusing.stderr.trim().split('\n').at(-1)).toMatch(words);
    }
  });
});
