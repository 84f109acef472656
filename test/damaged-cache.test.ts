/**
 * Damage in the cache folder, with real workers: no answer changes, one line tells, and what can be made again is.
 */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Checkpoint, WeightMatrix } from '../src/core/checkpoint.js';
import { Engine, type EngineOptions } from '../src/index.js';
import { saveHfFolder } from './support/hf-folder.js';
import { LONG_CHUNK_TOKENS, longPrompt, saveLongLlama } from './support/long-llama.js';
import { SMALL_CHECKPOINT, smallPrompt } from './support/small-llama.js';

const ASK = { promptIds: longPrompt(24), maxTokens: 6, partition: 'e' } as const;

let root = '';
let pristine = '';
let right: readonly number[] = [];
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'kvr-damaged-'));
  await saveLongLlama(join(root, 'model'));
  // Digests of files that were written just now are not kept.
  for (const name of readdirSync(join(root, 'model'))) utimesSync(join(root, 'model', name), 1e9, 1e9);
  pristine = join(root, 'pristine');
  right = (await answer(pristine, { calibrate: true })).ids;
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function load(cacheDir: string, more: Partial<EngineOptions> = {}): Promise<Engine> {
  const chunks = { chunkTokens: LONG_CHUNK_TOKENS };
  const options = { model: join(root, 'model'), threads: 1, calibrate: false, cacheDir } as const;
  return Engine.load({ ...options, ...chunks, ...more });
}

async function answer(
  cacheDir: string,
  more: Partial<EngineOptions> = {},
): Promise<{ ids: readonly number[]; warnings: string[] }> {
  const warnings: string[] = [];
  const engine = await load(cacheDir, { onWarning: (words) => void warnings.push(words), ...more });
  try {
    return { ids: (await engine.complete(ASK)).tokenIds, warnings };
  } finally {
    await engine.close();
  }
}

function copyOfCache(): string {
  const cacheDir = mkdtempSync(join(root, 'cache-'));
  cpSync(pristine, cacheDir, { recursive: true });
  return cacheDir;
}

function compiledFolder(cacheDir: string): string {
  return join(cacheDir, readdirSync(cacheDir).find((name) => name.includes('-f32-v')) ?? 'none');
}

/** Turns bits of `count` bytes over that lie evenly over the file. */
function damage(path: string, count: number): void {
  const bytes = readFileSync(path);
  for (let at = 0; at < count; at++) bytes[Math.floor(((at + 0.5) * bytes.length) / count)]! ^= 0x55;
  writeFileSync(path, bytes);
}

describe('a damaged file of the compiled model', () => {
  test.each([
    // Two workers find the same damage, and only one line tells.
    ['block-000.onnx.bin', 400, 2],
    ['block-001.onnx.bin', 1, 1],
    ['tail.onnx.bin', 40, 1],
    ['embedding.bin', 4000, 1],
    ['block-001.onnx', 1, 1],
    ['head.onnx', 1, 1],
    ['compiled.json', 1, 1],
    ['published.json', 1, 1],
  ])('%s: the answer is the right one, after one line', async (name, count, workers) => {
    const cacheDir = copyOfCache();
    damage(join(compiledFolder(cacheDir), name), count);
    const { ids, warnings } = await answer(cacheDir, { workers });
    expect(ids).toEqual(right);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('it is made again');
    expect((await answer(cacheDir, { workers: 1 })).warnings).toEqual([]);
  });
});

test('damage that shows while the workers are measured is mended too', async () => {
  const cacheDir = copyOfCache();
  damage(join(compiledFolder(cacheDir), 'block-002.onnx.bin'), 4);
  const { ids, warnings } = await answer(cacheDir, { calibrate: 'fresh' });
  expect(ids).toEqual(right);
  expect(warnings).toHaveLength(1);
});

test('a damaged calibration is measured again, after one line, and a damaged digest read again', async () => {
  const cacheDir = copyOfCache();
  for (const folder of ['calibration', 'digests'])
    for (const name of readdirSync(join(cacheDir, folder))) damage(join(cacheDir, folder, name), 1);
  const { ids, warnings } = await answer(cacheDir, { calibrate: true });
  expect(ids).toEqual(right);
  expect(warnings).toEqual([expect.stringMatching(/calibration.* is damaged: it is not used/)]);
});

test('a cache folder may be deleted while an engine runs, whatever happens to its workers', async () => {
  const cacheDir = copyOfCache();
  const engine = await load(cacheDir);
  try {
    rmSync(cacheDir, { recursive: true });
    expect((await engine.complete(ASK)).tokenIds).toEqual(right);
    const [worker] = engine.workers;
    process.kill(worker!.ready.pid, 'SIGKILL');
    await worker!.handle.ended;
    expect((await engine.complete(ASK)).tokenIds).toEqual(right);
  } finally {
    await engine.close();
  }
});

test('weights that are NaN are one typed error of the request, and the workers go on', async () => {
  const { head } = SMALL_CHECKPOINT;
  await saveHfFolder(
    { ...SMALL_CHECKPOINT, head: { ...head, weight: notNumbers(head.weight) } },
    join(root, 'nan'),
  );
  const engine = await load(pristine, { model: join(root, 'nan') });
  try {
    const pids = engine.workers.map(({ ready }) => ready.pid);
    for (const topLogprobs of [3, undefined, 3]) {
      const asked = engine.complete({
        promptIds: smallPrompt(9, 1),
        maxTokens: 3,
        ...(topLogprobs && { sampling: { topLogprobs } }),
      });
      await expect(asked).rejects.toMatchObject({ code: 'BAD_CHECKPOINT' });
    }
    expect(engine.workers.map(({ ready }) => ready.pid)).toEqual(pids);
  } finally {
    await engine.close();
  }
});

function notNumbers(weight: WeightMatrix): Checkpoint['head']['weight'] {
  return { ...weight, read: async (start, end) => (await weight.read(start, end)).fill(NaN) };
}
