/**
 * `dtype: 'auto'` end to end: what it picks is what runs, and one line says why.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Engine, type EngineOptions } from '../src/index.js';
import { saveHfFolder } from './support/hf-folder.js';
import { runKvr } from './support/kvr.js';
import { SMALL_CHECKPOINT } from './support/small-llama.js';

let cacheDir = '';
/** Large enough that its type matters. */
const model = 'synthetic:tinyllama-1.1b,layers=1,vocab=300';
let small = '';
beforeAll(async () => {
  cacheDir = mkdtempSync(join(tmpdir(), 'kvr-auto-'));
  small = join(cacheDir, 'model');
  await saveHfFolder(SMALL_CHECKPOINT, small);
});
afterAll(() => rmSync(cacheDir, { recursive: true, force: true }));

async function load(options: Partial<EngineOptions>): Promise<{ dtype: string; words: string[] }> {
  const words: string[] = [];
  const onChoice = (each: string): number => words.push(each);
  const engine = await Engine.load({ model, workers: 2, threads: 1, cacheDir, ...options, onChoice });
  await engine.close();
  return { dtype: engine.settings.dtype, words };
}

test('goes by the usual order until two types were measured', async () => {
  // Unless another type is asked for.
  const first = await load({ calibrate: false });
  expect(first).toEqual({
    dtype: 'w8a8',
    words: [expect.stringMatching(/^dtype auto: w8a8 \(.* by the usual order/)],
  });
  expect(await load({ dtype: 'q8' })).toEqual({ dtype: 'q8', words: [] });
  await load({ dtype: 'w8a8' });
  const { dtype, words } = await load({ dtype: 'auto', calibrate: false });
  expect(['w8a8', 'q8']).toContain(dtype);
  expect(words).toEqual([
    expect.stringMatching(/measurements here: w8a8 \d+ ms, q8 \d+ ms; f32 is exact\)$/),
  ]);
});

test('a small model stays exact, without a word', async () => {
  expect(await load({ model: small, calibrate: false })).toEqual({ dtype: 'f32', words: [] });
});

test('the command says it in one line on standard error, and nothing when quiet', async () => {
  const args = ['generate', '--model', model, '--no-calibrate', '--cache-dir', cacheDir];
  const request = ['--prompt-ids', '1,2,3,4', '--max-tokens', '2', '--json'];
  const run = await runKvr([...args, ...request]);
  expect(run.status).toBe(0);
  expect(run.stderr).toMatch(/^kvr: dtype auto: w8a8 \(.*\)\n$/);
  expect(JSON.parse(run.stdout)).toMatchObject({ dtype: 'w8a8' });
  expect(await runKvr([...args, ...request, '--quiet'])).toMatchObject({ status: 0, stderr: '' });
});
