import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { seededRandom } from '../../core/random.js';
import { COMMIT, REPO, type RepoFiles, sha256 } from './hub-server.test-support.js';
import type { PullPlan, PullProgress } from './pull.js';
import {
  cache,
  expectWhole,
  FastClock,
  FILES,
  NEEDED,
  NEEDED_BYTES,
  pull,
  randomBytes,
  server,
  start,
  WEIGHT_BYTES,
} from './pulling.test-support.js';
import { partialPath, repoFolder } from './storage/cache-layout.js';

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
