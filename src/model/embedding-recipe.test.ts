import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readEmbeddingRecipe } from './embedding-recipe.js';

let folder = '';
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'kvr-recipe-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(path: string, json: unknown): void {
  mkdirSync(join(folder, path, '..'), { recursive: true });
  writeFileSync(join(folder, path), JSON.stringify(json));
}

function writeModules(...types: readonly string[]): void {
  const modules = types.map((type, at) => ({
    idx: at,
    name: `${at}`,
    path: at === 0 ? '' : `${at}_${type}`,
    type: `a.b.${type}`,
  }));
  write('modules.json', modules);
}

const LAST = { word_embedding_dimension: 8, pooling_mode_cls_token: false, pooling_mode_lasttoken: true };

test('a folder without such files says nothing', async () => {
  expect(await readEmbeddingRecipe(folder)).toBeUndefined();
});

test.each([
  [LAST, 'last'],
  [{ pooling_mode_mean_tokens: true, pooling_mode_lasttoken: false }, 'mean'],
  [{ pooling_mode: 'lasttoken' }, 'last'],
  [{ pooling_mode: ['mean'] }, 'mean'],
])('pooling %#, normalised where no list of modules says otherwise', async (config, pooling) => {
  write('1_Pooling/config.json', config);
  expect(await readEmbeddingRecipe(folder)).toEqual({ kind: 'pooled', pooling, isNormalized: true });
});

test('the list of modules says where pooling stands, and whether embeddings are normalised', async () => {
  writeModules('Transformer', 'Pooling');
  write('1_Pooling/config.json', LAST);
  expect(await readEmbeddingRecipe(folder)).toMatchObject({ pooling: 'last', isNormalized: false });
  writeModules('Transformer', 'Pooling', 'Normalize');
  expect(await readEmbeddingRecipe(folder)).toMatchObject({ isNormalized: true });
});

test.each([
  [['Transformer', 'Pooling', 'Dense'], LAST, /Dense/],
  [['Transformer', 'Pooling'], { pooling_mode_cls_token: true }, /pooling_mode_cls_token/],
  [['Transformer', 'Pooling'], { pooling_mode: 'toString' }, /toString/],
  [['Transformer', 'Pooling'], { pooling_mode_mean_tokens: true, pooling_mode_max_tokens: true }, / and /],
  [['Transformer', 'Pooling'], {}, /none/],
])('what is not done here is named: %#', async (modules, config, reason) => {
  writeModules(...modules);
  write('1_Pooling/config.json', config);
  expect(await readEmbeddingRecipe(folder)).toEqual({
    kind: 'unsupported',
    reason: expect.stringMatching(reason) as unknown,
  });
});

test.each([['../elsewhere'], ['/etc'], ['a/b']])('a module can not lie at %s', async (path) => {
  write('modules.json', [{ type: 'x.Pooling', path }]);
  await expect(readEmbeddingRecipe(folder)).rejects.toMatchObject({ code: 'BAD_CHECKPOINT' });
});
