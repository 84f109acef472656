/**
 * Rows on their way to disk and back, without a device: what a cache held, another holds again, and whatever is missing or damaged is
 * left to be computed.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BlockFolder } from '../../../prefix-store/block-folder.js';
import { BLOCK_TOKENS, blockHashes } from '../../../prefix-store/block-hashes.js';
import type { ToStore } from '../../threads/store-messages.js';
import { jobOf } from '../compute-parts.test-support.js';
import { FakeCache, FakeModel } from '../fake-model.test-support.js';
import type { ActiveRequest } from '../requests/active-request.js';
import { openRequest } from '../requests/held-requests.js';
import { PendingBlocks } from './pending-blocks.js';
import { StoredRows } from './stored-rows.js';

const model = new FakeModel();
const TOKENS = 3 * BLOCK_TOKENS + 10;
const ids = Int32Array.from({ length: TOKENS }, (_, token) => (token * 7) % 10);
const hashes = blockHashes('f32', ids);

let path = '';
let folder: BlockFolder;
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'kvr-stored-'));
  folder = new BlockFolder(path, 'model');
});
afterEach(async () => {
  await Promise.all(writes.splice(0));
  rmSync(path, { recursive: true, force: true });
});

/** A cache whose every byte tells its place. */
async function fullCache(): Promise<FakeCache> {
  const cache = new FakeCache(model, TOKENS, 'f32');
  for (let layer = 0; layer < model.shape.layers; layer++)
    for (let row = 0; row < TOKENS; row++)
      await cache.writePacked(
        layer,
        row,
        new Uint8Array(cache.rowBytes).map((_, at) => layer + row * 3 + at),
      );
  return cache;
}

function pendingTo(written: number[], hasRoom = () => true): PendingBlocks {
  return new PendingBlocks(folder, model.shape, {
    get hasRoom() {
      return hasRoom();
    },
    writeBlock: ({ hash, start, block, rows }) => {
      written.push(block);
      // The next step may look for it only after it is there.
      writes.push(folder.write({ hash, start }, rows, 1));
    },
  });
}
const writes: Promise<unknown>[] = [];

async function storeAll(): Promise<FakeCache> {
  const cache = await fullCache();
  const pending = pendingTo([]);
  pending.add(() => ({ entry: 1, ids, cache, start: 0, bytes: 1 }));
  while (await pending.step());
  await Promise.all(writes.splice(0));
  return cache;
}

function open(tokens: number, parts: Parameters<typeof jobOf>[0] = {}): Promise<ActiveRequest> {
  return openRequest(jobOf({ ids, partition: [TOKENS], reuse: { tokens }, ...parts }), model);
}

async function restored(request: ActiveRequest): Promise<ToStore[]> {
  const orders: ToStore[] = [];
  const rows = new StoredRows(folder, model.shape, (order) => orders.push(order));
  for await (const pause of rows.restore(request)) expect(pause.isReady()).toBe(true);
  return orders;
}

async function expectRows(request: ActiveRequest, cache: FakeCache, tokens: number): Promise<void> {
  expect([request.cachedTokens, request.storedTokens]).toEqual([tokens, tokens]);
  for (let layer = 0; layer < model.shape.layers; layer++)
    expect(await request.cache.read(layer, 0, tokens).pack(0, tokens)).toEqual(
      await cache.read(layer, 0, tokens).pack(0, tokens),
    );
}

test('what a cache held comes back to the byte, whole blocks or a part of the last', async () => {
  const cache = await storeAll();
  for (const tokens of [3 * BLOCK_TOKENS, 2 * BLOCK_TOKENS, 2 * BLOCK_TOKENS + 17, 5]) {
    const request = await open(tokens);
    const orders = await restored(request);
    await expectRows(request, cache, tokens);
    expect(orders).toEqual([
      {
        type: 'used',
        blocks: hashes.slice(0, Math.ceil(tokens / BLOCK_TOKENS)).map((hash, block) => ({ hash, block })),
      },
    ]);
  }
});

test('a chain takes what its first slice has room for', async () => {
  const cache = await storeAll();
  const partition = [BLOCK_TOKENS + 20, TOKENS - BLOCK_TOKENS - 20];
  const slice = ids.slice(0, partition[0]);
  const request = await open(3 * BLOCK_TOKENS, { partition, rank: 0, ids: slice });
  await restored(request);
  // Its own tokens do not reach the second block's end, so it can not know that block's name.
  await expectRows(request, cache, BLOCK_TOKENS);
});

test.each([
  ['missing', false, (file: string) => rmSync(file)],
  ['damaged', true, (file: string) => writeFileSync(file, 'x')],
])('a %s block ends what is read, and is told', async (_, isDamaged, harm) => {
  const cache = await storeAll();
  harm(folder.pathOf(hashes[1] as string));
  const request = await open(3 * BLOCK_TOKENS);
  const orders = await restored(request);
  await expectRows(request, cache, BLOCK_TOKENS);
  expect(orders[0]).toEqual({ type: 'lost', hash: hashes[1], isDamaged });
});

test('a block of the right digest and the wrong size is damage', async () => {
  await folder.write({ hash: hashes[0] as string, start: 0 }, new Uint8Array(8), 1);
  const request = await open(BLOCK_TOKENS);
  expect(await restored(request)).toEqual([{ type: 'lost', hash: hashes[0], isDamaged: true }]);
  expect(request.cachedTokens).toBe(0);
});

test('rows that begin after what is found are not gone on from', async () => {
  await storeAll();
  const whole = await folder.read(hashes[0] as string);
  if (typeof whole === 'string') throw new Error(whole);
  await folder.write({ hash: hashes[0] as string, start: 500 }, whole.rows, 1);
  const request = await open(3 * BLOCK_TOKENS);
  await restored(request);
  expect([request.cachedTokens, request.rowsStart]).toEqual([0, 0]);
});

test('nothing is read where the request names rows in memory, or none, or can not go on from any', async () => {
  await storeAll();
  for (const parts of [{ reuse: { entry: 5, tokens: 64 } }, { spec: { strategy: 'tsp' as const } }]) {
    const request = await open(BLOCK_TOKENS, parts);
    expect(await restored(request)).toEqual([]);
    expect(request.cachedTokens).toBe(0);
  }
});

test('a block at a time, those that are there not again, and none while the disk has enough to do', async () => {
  const cache = await storeAll();
  rmSync(folder.pathOf(hashes[1] as string));
  const written: number[] = [];
  let hasRoom = false;
  const pending = pendingTo(written, () => hasRoom);
  pending.add(() => ({ entry: 1, ids, cache, start: 0, bytes: 1 }));
  expect(await pending.step()).toBe(false);
  hasRoom = true;
  while (await pending.step());
  expect(written).toEqual([1]);
});

test('rows that are dropped before, or come when it is off, are not written', async () => {
  const cache = await fullCache();
  const written: number[] = [];
  const pending = pendingTo(written);
  let isKept = true;
  const find = () => (isKept ? { entry: 1, ids, cache, start: 0, bytes: 1 } : undefined);
  pending.add(find);
  await pending.step();
  isKept = false;
  while (await pending.step());
  isKept = true;
  pending.add(find);
  pending.turnOff();
  pending.add(find);
  expect(await pending.step()).toBe(false);
  expect(written).toEqual([0]);
});
