/**
 * Workers by address under a cluster key: real `kvr worker` processes, an engine with the key, and ends that have none.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Engine } from '../src/engine/engine.js';
import { newClusterKey } from '../src/link/security/cluster-key.js';
import type { LinkSecurity } from '../src/link/security/link-security.js';
import { longPrompt, saveLongLlama } from './support/long-llama.js';
import { until } from './support/until.js';

const COMMAND = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const REQUEST = { promptIds: longPrompt(700), maxTokens: 6, partition: 'e' } as const;

type Worker = { readonly child: ChildProcess; readonly address: string; readonly stderr: () => string };

let folder = '';
let model = '';
let security: LinkSecurity;
let expected: readonly number[] = [];
const children: ChildProcess[] = [];

async function startWorker(keyFile: string): Promise<Worker> {
  const flags = ['--model', model, '--threads', '1', '--cache-dir', folder, '--cluster-key-file', keyFile];
  const child = spawn(process.execPath, [COMMAND, 'worker', '--listen', '127.0.0.1:0', ...flags]);
  children.push(child);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const address = (): string => /listens on (\S+)/.exec(stdout)?.[1] ?? '';
  await until(() => address() !== '' || child.exitCode !== null, 'the worker to listen');
  return { child, address: address(), stderr: () => stderr };
}

let workers: Worker[] = [];
const load = (asked: LinkSecurity | undefined): Promise<Engine> =>
  Engine.load({
    ...{ model, cacheDir: folder, calibrate: false, retries: 0 },
    workers: workers.map(({ address }) => address),
    ...(asked && { security: asked }),
  });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kvr-secure-'));
  model = join(folder, 'model');
  await saveLongLlama(model);
  const engine = await Engine.load({ model, workers: 1, threads: 1, cacheDir: folder, calibrate: false });
  expected = (await engine.complete({ ...REQUEST, strategy: 'single', partition: 'auto' })).tokenIds;
  await engine.close();
  const path = join(folder, 'room.key');
  writeFileSync(path, spawnSync(process.execPath, [COMMAND, 'key'], { encoding: 'utf8' }).stdout);
  security = { kind: 'key-file', path };
  workers = await Promise.all([startWorker(path), startWorker(path)]);
});

afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

test.each(['kvr', 'tsp'] as const)(
  'two workers with the key answer what one process answers (%s)',
  async (strategy) => {
    const engine = await load(security);
    const { tokenIds, timeline } = await engine.complete({ ...REQUEST, strategy });
    await engine.close();
    expect(tokenIds).toEqual(expected);
    expect(timeline).toHaveLength(2);
  },
);

test('an engine without a key, and one with another, find no worker; the next one with the key does', async () => {
  const path = join(folder, 'other.key');
  writeFileSync(path, newClusterKey());
  await expect(load(undefined)).rejects.toMatchObject({
    message: expect.stringContaining('--cluster-key-file') as string,
  });
  await expect(load({ kind: 'key-file', path })).rejects.toMatchObject({
    code: 'LINK',
    message: expect.stringContaining('--cluster-key-file') as string,
  });
  const refusal = (): string | undefined =>
    workers.map(({ stderr }) => stderr()).find((text) => text.includes('refused a caller from 127.0.0.1'));
  await until(() => refusal() !== undefined, 'a worker to tell of the refusal');
  expect(refusal()).toMatch(/handshake: \d+ since the start/);
  const engine = await load(security);
  expect((await engine.complete(REQUEST)).tokenIds).toEqual(expected);
  await engine.close();
});

test('kvr cluster lists the workers, measures the link between them, and tells which is missing', () => {
  const names = [...workers.map(({ address }) => address), '127.0.0.1:1'].join(',');
  const args = ['cluster', '--json', '--workers', names, '--cluster-key-file', join(folder, 'room.key')];
  const { status, stdout } = spawnSync(process.execPath, [COMMAND, ...args], { encoding: 'utf8' });
  const [first, second, third] = (JSON.parse(stdout) as { workers: unknown[] }).workers;
  expect(status).toBe(0);
  expect(first).toMatchObject({
    status: 'usable',
    threads: 1,
    toNext: { bytesPerS: expect.any(Number) as number },
  });
  expect(second).toMatchObject({ status: 'usable' });
  expect(third).toMatchObject({ status: 'missing', fault: expect.stringContaining('127.0.0.1:1') as string });
});

test('while strangers hold half a handshake at every place that they may have, a request is answered', async () => {
  const port = Number(workers[0]?.address.split(':')[1]);
  const strangers = Array.from({ length: 200 }, () => {
    const socket = connect(port, '127.0.0.1', () =>
      socket.write(Buffer.from('16030101f4010001f00303', 'hex')),
    );
    return socket.on('error', () => undefined).resume();
  });
  const left = Promise.all(strangers.map((each) => new Promise((gone) => each.once('close', gone))));
  const engine = await load(security);
  expect((await engine.complete(REQUEST)).tokenIds).toEqual(expected);
  await engine.close();
  // Their time for a hello ends, whatever they do.
  await left;
});

test.each([
  [['--listen', '0.0.0.0:0'], /kvr key > room.key.*--insecure/],
  [['--listen', '127.0.0.1:0', '--tls-cert', 'c.pem'], /belong together/],
  [['--listen', '127.0.0.1:0', '--cluster-key-file', '/no/such/file'], /cannot read the cluster key/],
])('kvr worker %j is refused with the remedy', (flags, message) => {
  const args = ['worker', '--model', model, '--cache-dir', folder, ...flags];
  const { status, stderr } = spawnSync(process.execPath, [COMMAND, ...args], { encoding: 'utf8' });
  expect(status).toBe(2);
  expect(stderr).toMatch(message);
});
