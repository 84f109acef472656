/**
 * Both ends of a transfer over loopback: a desk behind a door, and a machine that fetches.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Damage, FaultyLink } from '../../../bench/chaos/faulty-link.js';
import { until } from '../../../test/support/until.js';
import type { Address } from '../../link/address.js';
import { controlFrame } from '../../link/frame.js';
import { plainTransports } from '../../link/open-transport.js';
import { publishFolder } from '../../model/cache/index.js';
import { compiledKey } from '../../model/compile.js';
import { FORMAT_VERSION } from '../../model/compiled.js';
import { kernelKey } from '../../runtime/sessions/kernels.js';
import { EngineDoor } from '../door/engine-door.js';
import { type FetchedModel, fetchModel, type FetchOptions } from './fetch-model.js';
import { MAX_PIECES_AHEAD, type OfferedModel, PIECE_BYTES } from './messages.js';
import { ModelDesk } from './model-desk.js';

const IDENTITY = { name: 'tiny', digest: 'ab'.repeat(32), dtype: 'f32', chunkTokens: 512 } as const;
const MODEL = { ...IDENTITY, checkpointFiles: undefined };
const KEY = compiledKey({ ...MODEL, kernelKey: kernelKey() });
/** Of sizes that are no multiple of anything, and one that is empty. */
const FILES: Record<string, Buffer> = {
  'a.onnx': Buffer.from('graph a'),
  'a.onnx.bin': bytesLike(11 * PIECE_BYTES + 12_345, 3),
  'b.onnx.bin': bytesLike(9 * PIECE_BYTES, 5),
  'compiled.json': Buffer.alloc(0),
};
const TOTAL_BYTES = Object.values(FILES).reduce((sum, { length }) => sum + length, 0);

function bytesLike(length: number, step: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, (_, index) => (index * step) >> 3));
}

let folder = '';
let cache = '';
let compiled = '';
let told: string[] = [];
const closers: (() => void)[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kvr-transfer-'));
  cache = join(folder, 'cache');
  told = [];
  const build = async (into: string): Promise<void> => {
    for (const [name, bytes] of Object.entries(FILES)) await writeFile(join(into, name), bytes);
  };
  compiled = await publishFolder({ cacheFolder: join(folder, 'server'), key: KEY, build });
});
afterEach(() => {
  for (const close of closers.splice(0)) close();
  rmSync(folder, { recursive: true, force: true });
});

async function serve(model: OfferedModel = MODEL): Promise<Address & { kind: 'tcp' }> {
  const tell = (words: string): unknown => told.push(words);
  const files = { open: async () => ({ folder: compiled, isSound: async () => true }) };
  const desk = new ModelDesk(model, files, tell);
  const door = await EngineDoor.open({
    address: { kind: 'tcp', host: '127.0.0.1', port: 0 },
    transportOf: plainTransports,
    tell,
    onCaller: ({ message, host, handed }) => {
      if (message.type === 'fetch') desk.serve({ message, host, open: handed.handOver });
    },
  });
  closers.push(
    () => desk.close(),
    () => door.close(),
  );
  return door.address as Address & { kind: 'tcp' };
}

function get(address: Address, asked: Partial<FetchOptions> = {}): Promise<FetchedModel> {
  return fetchModel({
    ...{ address, transport: plainTransports(address), cacheFolder: cache, kernelKey: kernelKey() },
    ...{ mayFetch: true, checkOffer: () => undefined, signal: new AbortController().signal },
    ...{ onProgress: () => undefined, tell: (words) => told.push(words), ...asked },
  });
}

function expectWhole(found: string): void {
  for (const [name, bytes] of Object.entries(FILES))
    expect([name, readFileSync(join(found, name)).equals(bytes)]).toEqual([name, true]);
}

/** How much was missing at the begin of each transfer. */
const begun = (): number[] =>
  told
    .map((line) => /^giving .*: ([\d.]+) MB$/.exec(line)?.[1])
    .filter((megabytes) => megabytes !== undefined)
    .map(Number);

test('a model is fetched whole, and only once', async () => {
  const address = await serve();
  const fractions: number[] = [];
  const { offer, folder: found } = await get(address, {
    onProgress: (_, fraction) => fractions.push(fraction),
  });
  expectWhole(found);
  expect(offer).toMatchObject({ model: 'tiny', dtype: 'f32', chunkTokens: 512 });
  expect(fractions.at(-1)).toBe(1);
  expect(existsSync(join(cache, 'fetched', KEY))).toBe(false);
  const again = await get(address, { mayFetch: false });
  expect([again.folder, begun()]).toEqual([found, [Number((TOTAL_BYTES / 1e6).toFixed(1))]]);
});

test('two processes of one machine fetch it once', async () => {
  const address = await serve();
  const [one, other] = await Promise.all([get(address), get(address)]);
  expect(one.folder).toBe(other.folder);
  expect(begun()).toHaveLength(1);
});

test('interrupted ten times it goes on each time, and ends whole', async () => {
  const address = await serve();
  const link = await FaultyLink.start(address.port);
  closers.push(() => link.close());
  const counts = Array.from({ length: 10 }, () => endAfter(1.5 * PIECE_BYTES));
  link.damage(({ number }) => counts[number]);
  const { folder: found } = await get({ ...address, port: link.port });
  expectWhole(found);
  const missing = begun();
  expect(missing).toHaveLength(11);
  expect(missing.every((bytes, index) => index === 0 || bytes < (missing[index - 1] ?? 0))).toBe(true);
});

/** Ends a connection once so many bytes have come through. */
function endAfter(limit: number): Damage {
  let bytes = 0;
  return (chunk) => ((bytes += chunk.length) > limit ? 'end' : chunk);
}

test('a byte that was flipped in what was fetched before is found, and that file is fetched anew', async () => {
  const address = await serve();
  const partly = join(cache, 'fetched', KEY);
  mkdirSync(partly, { recursive: true });
  const bytes = Buffer.from(FILES['b.onnx.bin']!.subarray(0, 4 * PIECE_BYTES));
  bytes[PIECE_BYTES + 7]! ^= 4;
  writeFileSync(join(partly, 'b.onnx.bin'), bytes);
  expectWhole((await get(address)).folder);
});

test('a file that is wrong where it comes from is not taken, and nothing is published', async () => {
  const address = await serve();
  const bytes = Buffer.from(FILES['b.onnx.bin']!);
  bytes[5]! ^= 1;
  writeFileSync(join(compiled, 'b.onnx.bin'), bytes);
  await expect(get(address)).rejects.toMatchObject({
    code: 'CACHE_DAMAGED',
    message: expect.stringContaining('b.onnx.bin does not hold what its digest says, 3 times') as string,
  });
  expect(existsSync(join(cache, KEY))).toBe(false);
});

test.each<[string, Partial<FetchOptions>, RegExp]>([
  ['forbids it', { mayFetch: false }, /--no-fetch forbids/],
  ['allows less', { maxCacheBytes: 20e6 }, /--max-cache allows 20\.0 MB/],
])('who %s gets nothing, and one line that says why', async (_, asked, message) => {
  const wrong = await get(await serve(), asked).catch((error: unknown) => error as Error);
  expect(String((wrong as Error).message)).toMatch(message);
  expect(begun()).toEqual([]);
});

test('a machine with other kernels gets what the model is compiled from, once, and never its packing', async () => {
  const source = join(folder, 'model.safetensors');
  writeFileSync(source, FILES['b.onnx.bin'] as Buffer);
  const address = await serve({ ...MODEL, checkpointFiles: [source] });
  const { offer, folder: found } = await get(address, { kernelKey: 'ort-for-another' });
  expect(offer).toMatchObject({
    kind: 'checkpoint',
    digest: MODEL.digest,
    files: [{ name: 'model.safetensors' }],
  });
  expect(readFileSync(join(found, 'model.safetensors')).equals(readFileSync(source))).toBe(true);
  await get(address, { kernelKey: 'ort-for-another', mayFetch: false });
  expect(begun()).toHaveLength(1);
});

test('a model that is made from its name is not sent to them at all', async () => {
  const { offer } = await get(await serve(), { kernelKey: 'ort-for-another', mayFetch: false });
  expect(offer).toMatchObject({ kind: 'named', model: 'tiny', files: [] });
  expect(begun()).toEqual([]);
});

test('who dials before the server is there, waits for it', async () => {
  const { port } = await serve();
  for (const close of closers.splice(0)) close();
  const address = { kind: 'tcp', host: '127.0.0.1', port } as const;
  const fetching = get(address);
  await until(() => told.some((line) => line.includes('dials again')), 'a dial to fail');
  const tell = (): void => undefined;
  const desk = new ModelDesk(
    MODEL,
    { open: async () => ({ folder: compiled, isSound: async () => true }) },
    tell,
  );
  const door = await EngineDoor.open({
    ...{ address, transportOf: plainTransports, tell },
    onCaller: ({ message, host, handed }) =>
      message.type === 'fetch' && desk.serve({ message, host, open: handed.handOver }),
  });
  closers.push(() => door.close());
  expectWhole((await fetching).folder);
});

test.each([
  ['what is not offered', [{ type: 'read', file: 99, start: 0, bytes: 1 }]],
  ['more than there is of a file', [{ type: 'read', file: 0, start: 5, bytes: 100 }]],
  [
    'too much at once',
    Array.from({ length: MAX_PIECES_AHEAD + 1 }, () => ({ type: 'read', file: 1, start: 0, bytes: 1 })),
  ],
  ['something else', [{ type: 'what' }]],
])('who asks for %s is sent away, and others are served', async (_, messages) => {
  const address = await serve();
  let isGone = false;
  let isOffered = false;
  const open = await plainTransports(address).dial(address);
  const link = open({ onFrame: () => (isOffered = true), onClose: () => (isGone = true) });
  link.send(controlFrame({ type: 'fetch', format: FORMAT_VERSION, kernelKey: kernelKey() }));
  await until(() => isOffered, 'the offer');
  for (const message of messages) link.send(controlFrame(message));
  await until(() => isGone, 'the end');
  expectWhole((await get(address)).folder);
});
