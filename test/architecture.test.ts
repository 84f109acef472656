/**
 * Holds the shape of src/: which folder may import which, who may touch the kernels, how long a file may be, and
 * the few constructs that the style leaves out. Reads the sources as text, with TypeScript's own scanner of imports.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, test } from 'vitest';

const SOURCE = fileURLToPath(new URL('../src', import.meta.url));

/** From the bottom up: a folder imports only from itself and from those before it. */
const FOLDERS = [
  'core',
  'tokenizer',
  'grammar',
  'plan',
  'simulate',
  'model',
  'runtime',
  'link',
  'worker',
  'cluster',
  'engine',
  'server',
  'cli',
  'web',
];
/** The page runs in a browser: of all other folders it may know only what needs no Node. */
const FOR_BROWSERS = ['core/timeline.js', 'cli/format.js'];
const MAX_LINES = 400;

type Source = { readonly path: string; readonly text: string };

/** Every import of a file that the layers do not allow, as "file → import". */
function forbiddenImports({ path, text }: Source): string[] {
  const folder = path.split('/')[0] as string;
  const allowed = FOLDERS.slice(0, FOLDERS.indexOf(folder) + 1);
  const isAllowed = (specifier: string): boolean => {
    if (specifier === 'onnxruntime-node' || specifier.startsWith('onnxruntime-')) return folder === 'runtime';
    if (!specifier.startsWith('.')) return true;
    const target = join(path, '..', specifier).split(sep);
    if (folder === 'web' && target[0] !== 'web') return isForBrowsers(target);
    return allowed.includes(target[0] as string);
  };
  const { importedFiles } = ts.preProcessFile(text, true, true);
  return importedFiles
    .filter(({ fileName }) => !isAllowed(fileName))
    .map(({ fileName }) => `${path} → ${fileName}`);
}

/** Files outside src/ that the page is bundled with are texts. */
function isForBrowsers(target: readonly string[]): boolean {
  return FOR_BROWSERS.includes(target.join('/')) || target[0] === '..';
}

/** Constructs the style leaves out, as "file: construct". */
function forbiddenSyntax({ path, text }: Source): string[] {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isExportAssignment(node)) found.push('export default');
    if (ts.isEnumDeclaration(node)) found.push('enum');
    if (ts.isModuleDeclaration(node)) found.push('namespace');
    if (ts.isParameter(node) && ts.isParameterPropertyDeclaration(node, node.parent))
      found.push('parameter property');
    const modifiers = ts.canHaveModifiers(node) ? ts.getModifiers(node) : undefined;
    if (modifiers?.some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword)) found.push('export default');
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found.map((what) => `${path}: ${what}`);
}

/** All but declarations, which describe modules that are not ours. */
function sources(): Source[] {
  const names = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' });
  return names
    .filter((name) => /(?<!\.d)\.tsx?$/.test(name))
    .map((name) => ({
      path: relative('.', name).split(sep).join('/'),
      text: readFileSync(join(SOURCE, name), 'utf8'),
    }));
}

/** Tests see more than the code beside them: they may build what they test from any folder. */
const isProduct = ({ path }: Source): boolean => !/\.(test|fixture|test-support)\.ts$/.test(path);
const isLayered = ({ path }: Source): boolean => path.includes('/');

test('every folder of src/ has its place among the layers', () => {
  const folders = readdirSync(SOURCE, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(folders.map(({ name }) => name).filter((name) => !FOLDERS.includes(name))).toEqual([]);
});

test('folders import only from folders above them, and only runtime/ from the kernels', () => {
  expect(sources().filter(isProduct).filter(isLayered).flatMap(forbiddenImports)).toEqual([]);
});

test('a backward import is found, however it is written', () => {
  const cases: [path: string, text: string, isForbidden: boolean][] = [
    ['link/frame.ts', `import { Engine } from '../engine/engine.js';`, true],
    ['link/frame.ts', `import type { Engine } from '../engine/engine.js';`, true],
    ['link/frame.ts', `export * from '../worker/protocol.js';`, true],
    ['link/frame.ts', `const engine = await import('../engine/engine.js');`, true],
    ['model/onnx/blocks.ts', `import { KvCache } from '../../runtime/kv-cache.js';`, true],
    ['core/errors.ts', `import { x } from '../elsewhere/x.js';`, true],
    ['engine/engine.ts', `import { Tensor } from 'onnxruntime-node';`, true],
    ['runtime/kernels.ts', `import { Tensor } from 'onnxruntime-node';`, false],
    ['model/onnx/blocks.ts', `import { KvrError } from '../../core/errors.js';`, false],
    ['web/chain/lanes.ts', `import type { RankTimeline } from '../../core/timeline.js';`, false],
    ['web/chain/lanes.ts', `import { Engine } from '../../engine/engine.js';`, true],
    ['cli/serve.ts', `import { Page } from '../web/page/page.js';`, true],
    ['link/frame.ts', `import { z } from 'zod'; import { x } from './frame-decoder.js';`, false],
  ];
  for (const [path, text, isForbidden] of cases) {
    expect({ path, text, found: forbiddenImports({ path, text }).length }).toEqual({
      path,
      text,
      found: isForbidden ? 1 : 0,
    });
  }
});

test('no file is longer than 400 lines', () => {
  const long = sources().filter(({ text }) => text.split('\n').length > MAX_LINES);
  expect(long.map(({ path }) => path)).toEqual([]);
});

test('no default export, enum, namespace or parameter property', () => {
  expect(sources().flatMap(forbiddenSyntax)).toEqual([]);
});

test('each of these constructs is found in a made-up file', () => {
  const found = (text: string): string[] => forbiddenSyntax({ path: 'x.ts', text });
  expect(found('export default 1;')).toEqual(['x.ts: export default']);
  expect(found('export default function f() {}')).toEqual(['x.ts: export default']);
  expect(found('enum A { B }')).toEqual(['x.ts: enum']);
  expect(found('namespace A { export const b = 1; }')).toEqual(['x.ts: namespace']);
  expect(found('class A { constructor(readonly b: number) {} }')).toEqual(['x.ts: parameter property']);
  expect(found('// export default, enum\nexport const a = "namespace";')).toEqual([]);
});
