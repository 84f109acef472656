import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CompiledFiles } from './compiled-files.js';

let cache = '';
let folder = '';
let compiled = 0;
const lines: string[] = [];

beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'kvr-files-'));
  folder = join(cache, 'model');
  mkdirSync(folder);
  [compiled, lines.length] = [0, 0];
});
afterEach(() => rmSync(cache, { recursive: true, force: true }));

function files(hasSoundGraphs = true): CompiledFiles {
  const compile = async (): Promise<string> => (compiled++, folder);
  const onDamage = (line: string): number => lines.push(line);
  return new CompiledFiles({ hasSoundGraphs: async () => hasSoundGraphs, compile, onDamage });
}

test('workers that are started together, or later, share one state while its graphs are whole', async () => {
  const source = files();
  const [first, second] = await Promise.all([source.open(), source.open()]);
  expect([second, await source.open()]).toEqual([first, first]);
  expect(compiled).toBe(1);
});

test('without whole graphs it is made again for the next worker', async () => {
  const source = files(false);
  expect(await source.open()).not.toBe(await source.open());
  expect(compiled).toBe(2);
});

test('damage is told once, taken away, and the next worker gets another state', async () => {
  const source = files();
  const state = await source.open();
  expect(await Promise.all([state.isSound(), state.isSound()])).toEqual([false, false]);
  expect([lines.length, existsSync(folder)]).toEqual([1, false]);
  expect(await source.open()).not.toBe(state);
});

test('what can not be read counts as damaged, with the reason', async () => {
  rmSync(folder, { recursive: true });
  mkdirSync(folder);
  // A folder where the list of files should be.
  mkdirSync(join(folder, 'published.json'));
  writeFileSync(join(folder, 'published.json', 'x'), '');
  const state = await files().open();
  expect(await state.isSound()).toBe(false);
  expect(lines).toHaveLength(1);
});

test('once it is closed, nothing is told or taken away', async () => {
  const source = files();
  const state = await source.open();
  source.close();
  expect(await state.isSound()).toBe(false);
  expect([lines, existsSync(folder)]).toEqual([[], true]);
});
