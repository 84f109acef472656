import { existsSync, readdirSync, statSync } from 'node:fs';
import { expect, test } from 'vitest';
import { REPO, sha256 } from './hub-server.test-support.js';
import { SILENCE_MS } from './network/silence.js';
import { cache, FastClock, FILES, pull, root, server, start, WEIGHT_BYTES } from './pulling.test-support.js';
import { partialPath, repoFolder } from './storage/cache-layout.js';

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
