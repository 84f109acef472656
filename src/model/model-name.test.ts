import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { modelName } from './model-name.js';

test.each([
  ['quote-that-is-no-folder', 'quote-that-is-no-folder'],
  ['synthetic:llama-7b,layers=2', 'synthetic:llama-7b,layers=2'],
  ['Qwen/Qwen3-0.6B', 'Qwen/Qwen3-0.6B'],
  ['Qwen/Qwen3-0.6B-GGUF/q8.gguf@main', 'Qwen/Qwen3-0.6B-GGUF/q8.gguf@main'],
  ['./my-llama/', 'my-llama'],
  ['../elsewhere/my-llama', 'my-llama'],
  ['/srv/models/qwen3-q4_k_m.gguf', 'qwen3-q4_k_m'],
  ['/srv/models/big-00001-of-00003.gguf', 'big'],
  ['/hub/models--Qwen--Qwen3-0.6B/snapshots/0123abcd', 'Qwen/Qwen3-0.6B'],
])('%s is called %s', async (given, name) => {
  expect(await modelName(given)).toBe(name);
});

test('a folder that looks like a name of the hub is called after its base', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kvr-name-'));
  try {
    mkdirSync(join(folder, 'my-llama'));
    expect(await modelName(relative('.', join(folder, 'my-llama')))).toBe('my-llama');
    expect(await modelName(join(folder, 'my-llama'))).toBe('my-llama');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
