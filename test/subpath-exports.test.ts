/**
 * The pure parts of the package, imported by name from what was built, as a program that installs the package does; and
 * what they load: nothing of Node and nothing native, so that they run wherever JavaScript does.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type LinkCost, partitionSizes, planPartition, type WorkerCost } from 'kv-runahead/plan';
import { CPU_CORE, PAPER_SHAPES, simulate, type SimulationRequest } from 'kv-runahead/simulate';
import ts from 'typescript';
import { expect, test } from 'vitest';

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
const { resolve } = createRequire(import.meta.url);

const WORKER: WorkerCost = {
  block: [
    { tokens: 1, ms: 20 },
    { tokens: 256, ms: 300 },
  ],
  firstBlockShare: 0.25,
  attention: { fixedMs: 0.2, tokenMs: 0.002, prefixTokenMs: 0.002, pairMs: 0.0001 },
  callMs: 0.2,
  embedTokenMs: 0.001,
  headMs: 30,
  chunkTokens: 256,
  scale: 1,
  attentionScale: 1,
};
const LINK: LinkCost = { latencyMs: 0.1, bytesPerS: 1.25e9, frameBytes: 262_144 };

function llama(): SimulationRequest['shape'] {
  const shape = PAPER_SHAPES.get('llama-7b');
  if (!shape) throw new Error('the simulator knows no llama-7b');
  return shape;
}

test('kv-runahead/plan makes a plan', () => {
  const request = { contextTokens: 4096, workers: [WORKER, WORKER], links: [LINK], shape: llama() };
  const plan = planPartition(request);
  const sizes = partitionSizes(plan.partition);
  expect(sizes).toHaveLength(2);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(4096);
  expect(plan.predictedTtftMs).toBeLessThan(plan.singleTtftMs);
});

test('kv-runahead/simulate simulates a prompt phase', () => {
  const cluster = { device: CPU_CORE, link: { bytesPerS: 1.25e9, latencyMs: 0.05 } };
  const common = { shape: llama(), cluster, contextTokens: 2048, ranks: 2 };
  const ttftMs = (strategy: SimulationRequest['strategy']): number =>
    simulate({ ...common, strategy }).ttftMs;
  expect(ttftMs('kvr')).toBeLessThan(ttftMs('tsp'));
  expect(ttftMs('tsp')).toBeLessThan(ttftMs('single'));
});

type Graph = { readonly files: ReadonlySet<string>; readonly packages: ReadonlySet<string> };

/** Everything a built file loads, its packages' files too; `packages` are the names of what is not a file of ours. */
function importsOf(entry: string): Graph {
  const files = new Set<string>();
  const packages = new Set<string>();
  const visit = (file: string): void => {
    if (files.has(file)) return;
    files.add(file);
    for (const { fileName } of ts.preProcessFile(readFileSync(file, 'utf8'), true, true).importedFiles) {
      if (fileName.startsWith('.')) visit(join(dirname(file), fileName));
      else packages.add(fileName);
    }
  };
  visit(entry);
  return { files, packages };
}

/** The folders of dist/ that files lie in. */
function foldersOf(files: ReadonlySet<string>): string[] {
  return [...files].map((file) => relative(join(PACKAGE, 'dist'), file).split('/')[0] ?? '');
}

test.each(['kv-runahead/plan', 'kv-runahead/simulate'])(
  '%s loads core, plan and simulate, and zod, which loads nothing',
  (name) => {
    const { files, packages } = importsOf(resolve(name));
    const allowed = ['core', 'plan', 'simulate'];
    expect(foldersOf(files).filter((folder) => !allowed.includes(folder))).toEqual([]);
    expect([...packages].filter((each) => each !== 'zod' && each !== 'zod/mini')).toEqual([]);
  },
);

test.each(['index.js', 'mini/index.js'])(
  'zod is JavaScript alone: %s has no Node, no packages, nothing native',
  (module) => {
    // The module that `import` gets; require.resolve finds its twin for CommonJS.
    const { files, packages } = importsOf(join(dirname(resolve('zod')), module));
    expect(files.size).toBeGreaterThan(10);
    expect([...packages]).toEqual([]);
    expect(existsSync(join(dirname(resolve('zod/package.json')), 'binding.gyp'))).toBe(false);
  },
);

test('an import of Node or of kernels would be seen', () => {
  const { files, packages } = importsOf(resolve('kv-runahead'));
  expect(foldersOf(files)).toContain('runtime');
  expect([...packages].some((name) => name.startsWith('node:'))).toBe(true);
});
