/**
 * The prefix cache on disk: what was asked before a restart is found after it, on any number of workers and whatever the cut, and never
 * changes a token. Models made here, f32, against the plain forward pass.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Engine, type GenerateRequest, type GenerationResult } from '../src/index.js';
import { BLOCK_TOKENS } from '../src/prefix-store/block-hashes.js';
import { ReferenceModel } from './reference/forward.js';
import { saveHfFolder } from './support/hf-folder.js';
import { expectSameAnswer, largestDifference } from './support/same-answer.js';
import { diskObstacle, SmallDisk } from './support/small-disk.js';
import { SMALL_CHECKPOINT, smallPrompt } from './support/small-llama.js';

const STEPS = 6;
const MEMORY_BYTES = 50_000_000;

let folder = '';
let disk = '';
let reference: ReferenceModel;
const engines = new Set<Engine>();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kvr-prefix-disk-'));
  await saveHfFolder(SMALL_CHECKPOINT, join(folder, 'model'));
  reference = await ReferenceModel.load(SMALL_CHECKPOINT);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(() => void (disk = mkdtempSync(join(folder, 'disk-'))));
afterEach(async () => {
  await Promise.all([...engines].map((engine) => engine.close()));
  engines.clear();
});

async function load(options: Partial<Parameters<typeof Engine.load>[0]>): Promise<Engine> {
  const engine = await Engine.load({
    ...{ model: join(folder, 'model'), workers: 1, threads: 1, calibrate: false, cacheDir: folder },
    chunkTokens: 32,
    ...{ prefixCacheDir: disk, prefixCacheBytes: MEMORY_BYTES },
    ...options,
  });
  engines.add(engine);
  return engine;
}

async function restart(engine: Engine, options: Parameters<typeof load>[0]): Promise<Engine> {
  await engine.close();
  engines.delete(engine);
  return load(options);
}

function answer(
  engine: Engine,
  promptIds: number[],
  request: GenerateRequest = {},
  tolerance?: number,
): Promise<GenerationResult> {
  const expected = {
    ...reference.greedy(promptIds, STEPS),
    ...(tolerance !== undefined && { tolerance }),
  };
  return expectSameAnswer(engine, { promptIds, maxTokens: STEPS, ...request }, expected);
}

/** Files of blocks that are whole. */
function blockFiles(): string[] {
  const names = readdirSync(disk, { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.rows')).map((name) => join(disk, name));
}

/** Writing goes on behind an answer. */
async function untilStored(blocks: number): Promise<void> {
  await expect.poll(() => blockFiles().length, { timeout: 120_000 }).toBe(blocks);
}

const CUTS: readonly { readonly label: string; readonly workers: number; readonly cut: GenerateRequest }[] = [
  { label: 'one worker', workers: 1, cut: {} },
  { label: 'two workers', workers: 2, cut: { partition: 'e' } },
  { label: 'three workers', workers: 3, cut: { partition: 'e' } },
];

test.each(CUTS)('stored by $label, and read by others after a restart', async ({ workers, cut }) => {
  const first = smallPrompt(200, workers);
  let engine = await load({ workers });
  await answer(engine, first, cut);
  await untilStored(3);
  // One worker's rows are read by each number of workers, and those of chains by another number.
  const readers = CUTS.filter(({ workers: later }) => workers === 1 || (later !== workers && later !== 2));
  for (const { workers: later, cut: laterCut } of readers) {
    engine = await restart(engine, { workers: later });
    const turn = [...first, ...smallPrompt(55, 7)];
    const second = await answer(engine, turn, laterCut);
    const most = Math.floor((second.workers === 1 ? 253 : (second.partition[0] ?? 0)) / BLOCK_TOKENS);
    expect(second.cachedTokens).toBe(Math.min(3, most) * BLOCK_TOKENS);
    expect(second.timeline[0]?.storedTokens).toBe(second.cachedTokens);
  }
});

test.each([
  ['f16', 'f32', 5e-3],
  ['q8', 'f16', 5e-2],
] as const)('rows in %s are found by engines of it only, not of %s', async (kvDtype, other, tolerance) => {
  const prompt = smallPrompt(140, 3);
  const first = await load({ workers: 2, kvDtype });
  await answer(first, prompt, {}, tolerance);
  await untilStored(2);
  const another = await restart(first, { workers: 1, kvDtype: other });
  expect((await answer(another, prompt, {}, tolerance)).cachedTokens).toBe(0);
  const again = await restart(another, { workers: 1, kvDtype });
  expect((await answer(again, prompt, { workers: 1 }, tolerance)).cachedTokens).toBe(2 * BLOCK_TOKENS);
});

test('a prompt of whole blocks that was asked before computes its last two tokens', async () => {
  const prompt = smallPrompt(2 * BLOCK_TOKENS, 5);
  const before = await load({});
  await answer(before, prompt);
  await untilStored(2);
  const after = await restart(before, {});
  expect((await answer(after, prompt)).cachedTokens).toBe(2 * BLOCK_TOKENS - 2);
});

test('conversations that begin alike share the blocks of what they share', async () => {
  const common = smallPrompt(130, 6);
  const engine = await load({});
  await answer(engine, [...common, ...smallPrompt(64, 1)]);
  await answer(engine, [...common, ...smallPrompt(64, 2)]);
  await untilStored(4);
  const after = await restart(engine, {});
  expect((await answer(after, [...common, ...smallPrompt(64, 2), 1])).cachedTokens).toBe(3 * BLOCK_TOKENS);
});

test('a damaged block is told in one line, removed, and computed', async () => {
  const prompt = smallPrompt(200, 8);
  const before = await load({});
  await answer(before, prompt);
  await untilStored(3);
  for (const path of blockFiles().slice(0, 1)) {
    const bytes = readFileSync(path);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    writeFileSync(path, bytes);
  }
  const warnings: string[] = [];
  const after = await restart(before, { workers: 1, onWarning: (words) => warnings.push(words) });
  expect((await answer(after, prompt)).cachedTokens).toBeLessThan(3 * BLOCK_TOKENS);
  await expect.poll(() => warnings).toHaveLength(1);
  expect(warnings[0]).toMatch(/\.rows is damaged/);
  await untilStored(3);
});

test('blocks that are gone are computed, and files of others are left alone', async () => {
  const prompt = smallPrompt(200, 9);
  const before = await load({});
  await answer(before, prompt);
  await untilStored(3);
  const foreign = join(disk, 'notes.txt');
  writeFileSync(foreign, 'mine');
  const after = await restart(before, {});
  for (const path of blockFiles()) rmSync(path);
  expect((await answer(after, prompt)).cachedTokens).toBe(0);
  await untilStored(3);
  expect(readFileSync(foreign, 'utf8')).toBe('mine');
});

test('two engines share a folder at the same time', async () => {
  const [one, two] = [await load({}), await load({ workers: 2 })];
  const prompts = [11, 12, 13, 14].map((seed) => smallPrompt(140, seed));
  await Promise.all(prompts.map((ids, at) => answer(at % 2 ? one : two, ids, { workers: 1 })));
  await untilStored(8);
  const third = await load({});
  for (const ids of prompts) expect((await answer(third, ids)).cachedTokens).toBe(2 * BLOCK_TOKENS);
});

const obstacle = diskObstacle();
test.skipIf(obstacle)(
  `a full disk turns it off with one line${obstacle ? ` (skipped: ${obstacle})` : ''}`,
  async () => {
    const small = SmallDisk.mount(1);
    const warnings: string[] = [];
    try {
      small.fill();
      const onWarning = (words: string): void => void warnings.push(words);
      const engine = await load({ prefixCacheDir: small.path, workers: 2, onWarning });
      for (const seed of [51, 52, 53]) await answer(engine, smallPrompt(200, seed), { workers: 1 });
      await expect.poll(() => warnings, { timeout: 120_000 }).toHaveLength(1);
      await answer(engine, smallPrompt(200, 54), { partition: 'e' });
      // In memory it goes on.
      expect((await answer(engine, smallPrompt(200, 54))).cachedTokens).toBeGreaterThan(0);
      expect(warnings).toEqual([
        expect.stringMatching(/^the prefix cache on disk is off, .*full \(ENOSPC\)$/),
      ]);
    } finally {
      await Promise.all([...engines].map((engine) => engine.close()));
      small.unmount();
    }
  },
);

/** Layers as Gemma 3 and Ministral mix them: those with a window keep few of the rows before a slice. */
describe('a model with windows', () => {
  /** The strictest: rows from elsewhere are the same to the last digit, or tokens turn over. */
  const dtype = 'w8a8';

  beforeAll(async () => {
    const path = join(folder, 'windows');
    await saveHfFolder(SMALL_CHECKPOINT, path);
    const config = JSON.parse(readFileSync(join(path, 'config.json'), 'utf8')) as object;
    const layer_types = ['sliding_attention', 'full_attention', 'sliding_attention'];
    const windows = { ...config, model_type: 'ministral', sliding_window: 40, layer_types };
    writeFileSync(join(path, 'config.json'), JSON.stringify(windows));
  });
  const loadWindows = (workers: number): Promise<Engine> =>
    load({ model: join(folder, 'windows'), workers, dtype });

  async function exact(engine: Engine, request: GenerateRequest): Promise<GenerationResult> {
    const found = await told(engine, request);
    const plain = await told(engine, { ...request, prefixCache: false });
    expect(found.tokenIds).toEqual(plain.tokenIds);
    expect(largestDifference(found.logits, plain.logits)).toBeLessThan(1e-9);
    return found;
  }

  test('goes on from rows of a chain, whose last rank had no early rows of such layers, where it can', async () => {
    const first = smallPrompt(256, 31);
    const before = await loadWindows(3);
    await before.complete({ promptIds: first, maxTokens: 2, partition: [130, 60, 66] });
    await untilStored(4);
    const after = await restart(before, { model: join(folder, 'windows'), workers: 2, dtype });
    // The rows of the last slice begin at 190: what parts earlier can not go on from them.
    const early = [...first.slice(0, 128), ...smallPrompt(40, 1)];
    expect((await exact(after, { promptIds: early, maxTokens: STEPS })).cachedTokens).toBe(0);
    const late = [...first.slice(0, 200), ...smallPrompt(60, 2)];
    expect((await exact(after, { promptIds: late, maxTokens: STEPS, workers: 1 })).cachedTokens).toBe(192);
    const moved: GenerateRequest = { promptIds: [...first, ...smallPrompt(30, 3)], maxTokens: STEPS };
    expect((await exact(after, { ...moved, partition: [270, 16] })).cachedTokens).toBe(256);
  });

  test('blocks with more rows take the place of those with fewer', async () => {
    const first = smallPrompt(256, 32);
    const before = await loadWindows(2);
    await before.complete({ promptIds: first, maxTokens: 2, partition: [200, 56] });
    await untilStored(4);
    await before.complete({ promptIds: first.slice(0, 192), maxTokens: 2, workers: 1, prefixCache: true });
    const starts = (): number[] => blockFiles().map((path) => readFileSync(path).readUInt32BE(4));
    await expect.poll(() => starts().filter((start) => start === 0), { timeout: 120_000 }).toHaveLength(3);
    const after = await restart(before, { model: join(folder, 'windows'), workers: 1, dtype });
    const early = { promptIds: [...first.slice(0, 70), 1, 2, 3], maxTokens: STEPS };
    expect((await exact(after, early)).cachedTokens).toBe(BLOCK_TOKENS);
  });
});

async function told(engine: Engine, request: GenerateRequest) {
  let logits = new Float32Array();
  for await (const event of engine.generate({ ...request, wantLogits: true })) {
    if (event.type === 'token' && event.logits) logits = event.logits as Float32Array<ArrayBuffer>;
    if (event.type === 'done') return { ...event.result, logits };
  }
  throw new Error('no result');
}
