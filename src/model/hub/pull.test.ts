import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { seededRandom } from '../../core/random.js';
import {
  COMMIT,
  HubServer,
  type HubServerOptions,
  REPO,
  type RepoFiles,
  sha256,
} from './hub-server.test-support.js';
import type { HubClock } from './network/hub-clock.js';
import { SILENCE_MS } from './network/silence.js';
import { checkedHubName } from './names/names.js';
import { pullModel, type PullOptions, type PullOutcome, type PullPlan, type PullProgress } from './pull.js';
import { partialPath, repoFolder } from './storage/cache-layout.js';

const WEIGHT_BYTES = 3_000_000;
let root = '';
let server: HubServer | undefined;
beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'kvr-pull-'))));
afterEach(async () => {
  await server?.close();
  server = undefined;
  rmSync(root, { recursive: true, force: true });
});

function randomBytes(length: number, seed: number): Buffer {
  const random = seededRandom(seed);
  return Buffer.from(Uint8Array.from({ length }, () => 256 * random()));
}

const FILES: RepoFiles = {
  'README.md': Buffer.from('read me'),
  'config.json': Buffer.from('{"model_type":"llama"}'),
  'generation_config.json': Buffer.from('{}'),
  'tokenizer.json': randomBytes(20_000, 1),
  // The same content as another one.
  'tokenizer_config.json': Buffer.from('{}'),
  'chat_template.jinja': Buffer.from('{{ messages }}'),
  'model.safetensors': randomBytes(WEIGHT_BYTES, 2),
  'pytorch_model.bin': randomBytes(5000, 3),
  'onnx/model.onnx': randomBytes(5000, 4),
};
const NEEDED = Object.keys(FILES).filter((path) => !/README|\.bin$|onnx/.test(path));
const NEEDED_BYTES = [
  ...new Map(NEEDED.map((path) => [sha256(FILES[path]!), FILES[path]!.length])).values(),
].reduce((sum, bytes) => sum + bytes, 0);

/** Waits between attempts pass at once, and are noted; what ends a silent connection is called when a test says so. */
class FastClock implements HubClock {
  readonly waitsMs: number[] = [];
  readonly silences: (() => void)[] = [];
  nowMs = (): number => this.waitsMs.reduce((sum, ms) => sum + ms, 0);
  after = (ms: number, call: () => void): (() => void) => {
    if (ms > SILENCE_MS / 2) this.silences.push(() => (this.waitsMs.push(ms), call()));
    else setImmediate(() => (this.waitsMs.push(ms), call()));
    return () => undefined;
  };
}

async function start(options: Partial<HubServerOptions> = {}): Promise<HubServer> {
  server = await HubServer.start({ files: FILES, ...options });
  return server;
}

const cache = (): string => join(root, 'hub');

function pull(given: Partial<PullOptions> = {}, name = REPO): Promise<PullOutcome> {
  return pullModel(checkedHubName(name), {
    settings: given.settings ?? { endpoint: server!.endpoint, isOffline: false },
    cache: cache(),
    memoFolder: join(root, 'memo'),
    signal: new AbortController().signal,
    clock: new FastClock(),
    ...given,
  });
}

function expectWhole(files: RepoFiles = FILES, needed: readonly string[] = NEEDED): void {
  const snapshot = join(repoFolder(cache(), REPO), 'snapshots', COMMIT);
  for (const path of needed) expect(readFileSync(join(snapshot, path)).equals(files[path]!)).toBe(true);
  expect(
    readdirSync(snapshot, { recursive: true, encoding: 'utf8' })
      .filter((path) => files[path])
      .sort(),
  ).toEqual([...needed].sort());
}

test('fetches what is needed and nothing else, into the layout that other programs share', async () => {
  await start({ pageFiles: 2 });
  const plans: PullPlan[] = [];
  const outcome = await pull({ onPlan: (plan) => plans.push(plan) });
  expectWhole();
  const folder = repoFolder(cache(), REPO);
  const snapshot = join(folder, 'snapshots', COMMIT);
  expect(folder).toBe(join(cache(), 'models--acme--tiny'));
  expect(readFileSync(join(folder, 'refs/main'), 'utf8')).toBe(COMMIT);
  expect(readlinkSync(join(snapshot, 'model.safetensors'))).toBe(
    `../../blobs/${sha256(FILES['model.safetensors']!)}`,
  );
  expect(readdirSync(join(folder, 'blobs')).some((name) => name.includes('incomplete'))).toBe(false);
  const totalBytes = NEEDED_BYTES;
  expect(outcome).toMatchObject({
    kind: 'pulled',
    folder: snapshot,
    commit: COMMIT,
    fetchedBytes: totalBytes,
  });
  expect(plans).toMatchObject([{ files: NEEDED.length - 1, totalBytes, fetchBytes: totalBytes }]);
  expect(server!.totalSentBytes).toBe(totalBytes);
});

test('what is there already is not fetched again', async () => {
  await start();
  await pull();
  const before = server!.totalSentBytes;
  expect(await pull()).toMatchObject({ fetchedBytes: 0 });
  expect(server!.totalSentBytes).toBe(before);
});

test('connections that are cut, and silent ones, are gone on from, and no byte is asked for twice', async () => {
  const random = seededRandom(7);
  const clock = new FastClock();
  await start({
    fault: (path, attempt) => {
      if (path !== 'model.safetensors' || attempt >= 12) return undefined;
      if (attempt === 6) return { status: 503 };
      if (attempt !== 5) return { cutAfter: Math.floor((random() * WEIGHT_BYTES) / 8) };
      // The answer that is waited for now never comes.
      setImmediate(() => [...clock.silences].forEach((notice) => notice()));
      return { isSilent: true };
    },
  });
  await pull({ clock });
  expectWhole();
  const ratio = server!.sentBytes.get('model.safetensors')! / WEIGHT_BYTES;
  expect(ratio).toBeGreaterThanOrEqual(1);
  expect(ratio).toBeLessThanOrEqual(1.1);
  expect(clock.waitsMs.length).toBeGreaterThanOrEqual(12);
});

test('a program that is stopped ten times at random, and started again, fetches each byte at most 1.1 times', async () => {
  const random = seededRandom(11);
  await start();
  let fetchedBytes = 0;
  for (let stops = 0; stops < 10; stops++) {
    const stop = new AbortController();
    const least = (random() * WEIGHT_BYTES) / 40;
    let runBytes = 0;
    let lastBytes = 0;
    const onPlan = (plan: PullPlan): number => (lastBytes = plan.totalBytes - plan.fetchBytes);
    const onProgress = ({ step, doneBytes }: PullProgress): void => {
      if (step !== 'fetching') return;
      runBytes += doneBytes - lastBytes;
      lastBytes = doneBytes;
      if (runBytes > least) stop.abort();
    };
    await expect(pull({ signal: stop.signal, onPlan, onProgress })).rejects.toMatchObject({
      code: 'CANCELLED',
    });
    fetchedBytes += runBytes;
  }
  const outcome = await pull();
  if (outcome.kind !== 'pulled') throw new Error('nothing was pulled');
  expectWhole();
  // What the server handed to the system, and nobody read before the connection was given up, is no byte that was fetched.
  expect(fetchedBytes).toBeGreaterThan(0);
  expect(fetchedBytes + outcome.fetchedBytes).toBeLessThanOrEqual(1.1 * NEEDED_BYTES);
});

test('a file with a flipped byte is refused and fetched anew', async () => {
  await start({
    fault: (path, attempt) => (path === 'model.safetensors' && attempt === 0 ? { flipAt: 77 } : undefined),
  });
  const warnings: string[] = [];
  await pull({ onWarning: (words) => warnings.push(words) });
  expectWhole();
  expect(warnings).toEqual([expect.stringContaining('model.safetensors does not have the digest')]);
});

test('a file that is wrong twice is refused in one line, and nothing of it is kept', async () => {
  await start({ fault: (path) => (path === 'config.json' ? { flipAt: 3 } : undefined) });
  await expect(pull()).rejects.toMatchObject({ code: 'HUB_BAD_ANSWER' });
  expect(existsSync(join(repoFolder(cache(), REPO), 'snapshots'))).toBe(false);
});

test('a blob that was damaged on disk is told and fetched again', async () => {
  await start();
  await pull();
  const blob = join(repoFolder(cache(), REPO), 'blobs', sha256(FILES['model.safetensors']!));
  const bytes = readFileSync(blob);
  bytes[5]! ^= 4;
  writeFileSync(blob, bytes);
  const warnings: string[] = [];
  await pull({ onWarning: (words) => warnings.push(words) });
  expect(warnings).toEqual([expect.stringContaining('model.safetensors in the cache is damaged')]);
  expectWhole();
});

test('a partial file with a wrong byte, or too long, costs one more download', async () => {
  await start();
  const folder = repoFolder(cache(), REPO);
  await pull();
  rmSync(join(folder, 'blobs', sha256(FILES['model.safetensors']!)));
  const partial = partialPath(folder, sha256(FILES['model.safetensors']!));
  writeFileSync(partial, randomBytes(1000, 9));
  await pull();
  expectWhole();
  rmSync(join(folder, 'blobs', sha256(FILES['model.safetensors']!)));
  writeFileSync(partial, Buffer.alloc(WEIGHT_BYTES + 1));
  await pull();
  expectWhole();
});

test('a server that ignores ranges is read from the begin', async () => {
  const fault = (path: string, attempt: number) =>
    path !== 'model.safetensors'
      ? undefined
      : attempt === 0
        ? { cutAfter: 100_000 }
        : ({ ignoresRange: true } as const);
  await start({ fault });
  await pull();
  expectWhole();
});

test('two pulls at the same time fetch each file once', async () => {
  await start();
  await Promise.all([pull(), pull()]);
  expectWhole();
  expect(server!.totalSentBytes).toBe(NEEDED_BYTES);
});

test('the token goes to the hub and never to another host', async () => {
  await start();
  await pull({ settings: { endpoint: server!.endpoint, isOffline: false, token: 'hf_secret' } });
  const tokens = (place: string): Set<string | undefined> =>
    new Set(
      server!.requests.filter((request) => request.place === place).map(({ authorization }) => authorization),
    );
  expect(tokens('hub')).toEqual(new Set(['Bearer hf_secret']));
  expect(tokens('cdn')).toEqual(new Set([undefined]));
});

test('shards are those that the index names', async () => {
  const shards = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];
  const index = Buffer.from(JSON.stringify({ weight_map: { a: shards[0], b: shards[1], c: shards[0] } }));
  const files = {
    'config.json': FILES['config.json']!,
    'model.safetensors.index.json': index,
    [shards[0]!]: randomBytes(2000, 5),
    [shards[1]!]: randomBytes(2000, 6),
    'consolidated.safetensors': randomBytes(4000, 7),
  };
  await start({ files });
  await pull();
  expectWhole(
    files,
    Object.keys(files).filter((path) => path !== 'consolidated.safetensors'),
  );
});

const GGUFS: RepoFiles = {
  'a-Q4_0.gguf': randomBytes(3000, 1),
  'big/b-00001-of-00002.gguf': randomBytes(2000, 2),
  'big/b-00002-of-00002.gguf': randomBytes(2000, 3),
};

test('of a repository with GGUF files alone one has to be named, and comes with all its parts', async () => {
  await start({ files: GGUFS });
  expect(await pull()).toMatchObject({
    kind: 'choose',
    models: [
      { path: 'a-Q4_0.gguf', bytes: 3000 },
      { path: 'big/b-00001-of-00002.gguf', bytes: 4000 },
    ],
  });
  expect(server!.totalSentBytes).toBe(0);
  await pull({}, `${REPO}/big/b-00001-of-00002.gguf`);
  expectWhole(
    GGUFS,
    Object.keys(GGUFS).filter((path) => path.startsWith('big/')),
  );
  await expect(pull({}, `${REPO}/c.gguf`)).rejects.toThrow('no file c.gguf; it has a-Q4_0.gguf, big/b-00001');
});

test('a disk without room is refused before anything is fetched', async () => {
  await start({
    listed: (entry) => (entry.lfs ? { ...entry, lfs: { ...entry.lfs, size: 2 ** 45 } } : entry),
  });
  await expect(pull()).rejects.toMatchObject({ code: 'DISK_FULL' });
  expect(server!.totalSentBytes).toBe(0);
});

test.each([
  [401, {}, 'HUB_REFUSED', /does not show acme\/tiny \(401\).*HF_TOKEN/],
  [
    403,
    { 'x-error-code': 'GatedRepo' },
    'HUB_REFUSED',
    /gated \(403\): accept its licence at http.*\/acme\/tiny.*HF_TOKEN/,
  ],
  [404, {}, 'MODEL_NOT_FOUND', /no model acme\/tiny/],
  [404, { 'x-error-code': 'RevisionNotFound' }, 'MODEL_NOT_FOUND', /no revision main/],
  [400, {}, 'HUB_BAD_ANSWER', /status 400/],
  [500, {}, 'HUB_UNREACHABLE', /status 500/],
  [429, { 'retry-after': '1000' }, 'HUB_UNREACHABLE', /wait 1000 s/],
])('status %d %j is one line with what helps', async (status, headers, code, words) => {
  await start({ override: () => ({ status, headers, body: '{}' }) });
  await expect(pull()).rejects.toMatchObject({ code, message: expect.stringMatching(words) as string });
});

test('a status that passes is asked again after the wait that the server names', async () => {
  let refusals = 2;
  await start({
    override: () => (refusals-- > 0 ? { status: 429, headers: { 'retry-after': '7' }, body: '' } : undefined),
  });
  const clock = new FastClock();
  await pull({ clock });
  expect(clock.waitsMs.slice(0, 2)).toEqual([7000, 7000]);
});

test.each([
  '../../outside',
  '/etc/passwd',
  'a/../../b',
  'C:\\windows',
  'a\nb',
  'con\u0000fig.json',
  'x'.repeat(300),
  Array.from({ length: 40 }, () => 'd').join('/'),
  '.',
  '',
])('a hub that lists a file called %j is refused', async (path) => {
  await start({ listed: (entry) => (entry.path === 'README.md' ? { ...entry, path } : entry) });
  await expect(pull()).rejects.toMatchObject({ code: 'HUB_BAD_ANSWER' });
  expect(readdirSync(root)).not.toContain('outside');
});

test.each([
  ['a size below 0', (entry: { size: number }) => ({ ...entry, size: -1 })],
  ['an enormous size', (entry: { size: number }) => ({ ...entry, size: 2 ** 60 })],
  ['a digest that is a path', (entry: object) => ({ ...entry, oid: '../../../../x' })],
  ['a file without a digest', ({ path }: { path: string }) => ({ type: 'file', path, size: 1 })],
])('a hub that lists %s is refused', async (_, listed) => {
  await start({ listed: listed });
  await expect(pull()).rejects.toMatchObject({ code: 'HUB_BAD_ANSWER' });
});

test('a list that is no list is refused', async () => {
  await start({ override: (path) => (path.includes('/tree/') ? { status: 200, body: '{}' } : undefined) });
  await expect(pull()).rejects.toMatchObject({ code: 'HUB_BAD_ANSWER' });
});

test('a list that goes on elsewhere, without end, or is no list, is refused', async () => {
  await start({
    override: (path) =>
      path.includes('/tree/')
        ? { status: 200, headers: { link: '<http://127.0.0.1:1/x>; rel="next"' }, body: '[]' }
        : undefined,
  });
  await expect(pull()).rejects.toThrow(/continues its list at 127.0.0.1:1/);
  await server!.close();
  await start({
    override: (path) =>
      path.includes('/tree/')
        ? { status: 200, headers: { link: `<${server!.endpoint}${path}>; rel="next"` }, body: '[]' }
        : undefined,
  });
  await expect(pull()).rejects.toThrow(/more than \d+ pages/);
  await server!.close();
  await start({ override: () => ({ status: 200, body: '<html>' }) });
  await expect(pull()).rejects.toMatchObject({ code: 'HUB_UNREACHABLE' });
});

test.each([
  ['without end', { isEndless: true }],
  ['with another length', { headers: { 'content-length': '7' } }],
] as const)('a file %s is refused, and no more than its size is written', async (_, fault) => {
  await start({ fault: (path) => (path === 'model.safetensors' ? fault : undefined) });
  await expect(pull()).rejects.toMatchObject({ code: 'HUB_BAD_ANSWER' });
  const partial = partialPath(repoFolder(cache(), REPO), sha256(FILES['model.safetensors']!));
  expect(existsSync(partial) ? statSync(partial).size : 0).toBeLessThanOrEqual(WEIGHT_BYTES);
});

test('a hub that redirects in a circle is refused', async () => {
  await start({ override: (path) => ({ status: 302, headers: { location: path }, body: '' }) });
  await expect(pull()).rejects.toThrow(/redirects more than 5 times/);
});

test('nobody at the address is told after the attempts, with what was tried', async () => {
  const clock = new FastClock();
  await start();
  const { endpoint } = server!;
  await server!.close();
  await expect(pull({ clock, settings: { endpoint, isOffline: false } })).rejects.toThrow(
    /ECONNREFUSED.*ask again later/,
  );
  expect(clock.waitsMs.filter((ms) => ms < SILENCE_MS / 2)).toEqual([500, 1000, 2000, 4000, 8000, 16_000]);
});

test('offline, nothing is asked', async () => {
  await start();
  await expect(pull({ settings: { endpoint: server!.endpoint, isOffline: true } })).rejects.toThrow(
    /offline/,
  );
  expect(server!.requests).toEqual([]);
});
