import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { MlpWeights } from '../core/checkpoint.js';
import { plainLayer } from '../core/layers/layer-spec.js';
import type { Checkpoint } from '../core/checkpoint.js';
import { openCheckpoint } from './open.js';

const MODELS = resolve(import.meta.dirname, '../../../shared/models');
const temporary = mkdtempSync(join(tmpdir(), 'kvr-open-'));
const cacheFolder = join(temporary, 'cache');
afterAll(() => rmSync(temporary, { recursive: true }));

/** Reads a tensor without our reader: header, offsets, floats. */
function plainTensor(folder: string, name: string): Float32Array {
  const bytes = readFileSync(join(folder, 'model.safetensors'));
  const headerBytes = Number(bytes.readBigUInt64LE());
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + headerBytes)) as Record<
    string,
    { data_offsets: [number, number] }
  >;
  const [start, end] = header[name]!.data_offsets.map((offset) => offset + 8 + headerBytes);
  return new Float32Array(new Uint8Array(bytes.subarray(start, end)).buffer);
}

async function opened(name: string, use: (checkpoint: Checkpoint) => Promise<void>): Promise<void> {
  const checkpoint = await openCheckpoint(name, { cacheFolder });
  try {
    await use(checkpoint);
  } finally {
    await checkpoint.close();
  }
}

// The sample models are not part of the repository.
test.skipIf(!existsSync(MODELS))('a Llama folder opens with its shape, ids and weights', async () => {
  const folder = join(MODELS, 'stories260k');
  await opened(folder, async (checkpoint) => {
    expect(checkpoint.shape).toEqual({
      architecture: 'llama',
      layers: 5,
      hidden: 64,
      heads: 8,
      kvHeads: 4,
      headDim: 8,
      feedForward: 172,
      vocabulary: 512,
      contextTokens: 512,
      norm: 'rms',
      normEpsilon: 1e-5,
      specs: [plainLayer(8, 10_000)],
      embeddingScale: 1,
      logitScale: 1,
      tiedHead: true,
    });
    expect([checkpoint.name, checkpoint.bosId, checkpoint.eosIds]).toEqual([folder, 1, [1, 2]]);
    expect(checkpoint.tokenizerFolder).toBe(folder);
    expect(checkpoint.parameters).toBe(260_032);
    const down = plainTensor(folder, 'model.layers.3.mlp.down_proj.weight');
    expect(await (checkpoint.layer(3).mlp as MlpWeights).down.weight.read(5, 9)).toEqual(
      down.slice(5 * 172, 9 * 172),
    );
    expect(checkpoint.head.weight).toBe(checkpoint.embedding);
  });
});

test.skipIf(!existsSync(MODELS))('a Falcon folder opens with its fused rows taken apart', async () => {
  const folder = join(MODELS, 'falcon-random');
  await opened(folder, async (checkpoint) => {
    const { shape } = checkpoint;
    const [spec] = shape.specs;
    expect([shape.kvHeads, shape.headDim, spec?.residual, spec?.sharesNorm]).toEqual([
      1,
      16,
      'parallel',
      true,
    ]);
    const fused = plainTensor(folder, 'transformer.h.1.self_attention.query_key_value.weight');
    const { q, k, v } = checkpoint.layer(1);
    expect(await q.weight.read(0, 64)).toEqual(fused.slice(0, 64 * 64));
    expect(await k.weight.read(0, 16)).toEqual(fused.slice(64 * 64, 80 * 64));
    expect(await v.weight.read(2, 5)).toEqual(fused.slice(82 * 64, 85 * 64));
  });
});

test.skipIf(!existsSync(MODELS))('the same folder has the same digest twice', async () => {
  const digests: string[] = [];
  for (let i = 0; i < 2; i++) {
    await opened(join(MODELS, 'stories260k'), async ({ digest }) => void digests.push(digest));
  }
  expect(digests[0]).toMatch(/^[0-9a-f]{64}$/);
  expect(digests[1]).toBe(digests[0]);
});

test('a synthetic model opens by name', async () => {
  await opened('synthetic:tinyllama-1.1b,layers=1', async ({ shape }) => expect(shape.layers).toBe(1));
});

test('a folder that is not there is not found, and the message names it', async () => {
  const name = join(temporary, 'nothing');
  await expect(openCheckpoint(name, { cacheFolder })).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  await expect(openCheckpoint(name, { cacheFolder })).rejects.toThrow(name);
});

test.each(['', 'a/b', 'synthetic', '/dev/null'])('the name %j is not found', async (name) => {
  await expect(openCheckpoint(name, { cacheFolder })).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
});

test('a file in place of a folder is not found', async () => {
  const file = join(temporary, 'model.bin');
  writeFileSync(file, 'GGUF');
  await expect(openCheckpoint(file, { cacheFolder })).rejects.toThrow('no folder');
});

test('a folder without config.json is a bad checkpoint', async () => {
  await expect(openCheckpoint(temporary, { cacheFolder })).rejects.toMatchObject({ code: 'BAD_CHECKPOINT' });
  await expect(openCheckpoint(temporary, { cacheFolder })).rejects.toThrow('config.json is missing');
});

test('the quote model is made in the cache once and opens as a checkpoint', async () => {
  const digests: string[] = [];
  for (let i = 0; i < 2; i++) {
    await opened('quote', async (checkpoint) => {
      expect([checkpoint.name, checkpoint.shape.architecture]).toEqual(['quote', 'llama']);
      expect(existsSync(join(checkpoint.tokenizerFolder ?? '', 'tokenizer.json'))).toBe(true);
      digests.push(checkpoint.digest);
    });
  }
  expect(digests[1]).toBe(digests[0]);
});
