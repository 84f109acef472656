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
  'prefix-store',
  'worker',
  'cluster',
  'engine',
  'evaluation',
  'server',
  'cli',
  'web',
];
/** The page runs in a browser: of all other folders it may know only what needs no Node, and no more than that. */
const FOR_BROWSERS = [
  'core/documents/live-event.js',
  'core/documents/machine-list.js',
  'core/documents/plan-document.js',
  'core/documents/request-record.js',
  'core/documents/server-info.js',
  'core/errors.js',
  'core/schema/fields.js',
  'core/partition.js',
  'core/timeline.js',
  'cli/terminal/format.js',
];
const FOR_BROWSERS_PACKAGES = ['zod/mini'];
const MAX_LINES = 400;
const MAX_FILES_PER_FOLDER = 20;

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
/** Without one of these words there is none of it; to look at every node of every file takes seconds. */
const SUSPECT_WORDS = /\b(default|enum|namespace|module|constructor)\b/;

function forbiddenSyntax({ path, text }: Source): string[] {
  if (!SUSPECT_WORDS.test(text)) return [];
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

/** What a file that the page may import imports beside others of its kind, as "file → import". */
function nodeImports({ path, text }: Source): string[] {
  const { importedFiles } = ts.preProcessFile(text, true, true);
  const isForPage = (name: string): boolean =>
    name.startsWith('.')
      ? isForBrowsers(join(path, '..', name).split(sep))
      : FOR_BROWSERS_PACKAGES.includes(name);
  return importedFiles
    .filter(({ fileName }) => !isForPage(fileName))
    .map(({ fileName }) => `${path} → ${fileName}`);
}

test('what the page may import needs no Node, and nothing that does', () => {
  const shared = sources().filter(({ path }) => FOR_BROWSERS.includes(path.replace(/\.ts$/, '.js')));
  expect(shared).toHaveLength(FOR_BROWSERS.length);
  expect(shared.flatMap(nodeImports)).toEqual([]);
  expect(nodeImports({ path: 'core/timeline.ts', text: `import 'node:fs'; import './shape.js';` })).toEqual([
    'core/timeline.ts → node:fs',
    'core/timeline.ts → ./shape.js',
  ]);
});

test('a backward import is found, however it is written', () => {
  const cases: [path: string, text: string, isForbidden: boolean][] = [
    ['link/frame.ts', `import { Engine } from '../engine/engine.js';`, true],
    ['link/frame.ts', `import type { Engine } from '../engine/engine.js';`, true],
    ['link/frame.ts', `export * from '../worker/protocol/index.js';`, true],
    ['link/frame.ts', `const engine = await import('../engine/engine.js');`, true],
    ['model/graph/blocks.ts', `import { KvCache } from '../../runtime/cpu/cache/kv-cache.js';`, true],
    ['core/errors.ts', `import { x } from '../elsewhere/x.js';`, true],
    ['engine/engine.ts', `import { Tensor } from 'onnxruntime-node';`, true],
    ['runtime/sessions/kernels.ts', `import { Tensor } from 'onnxruntime-node';`, false],
    ['model/graph/blocks.ts', `import { KvrError } from '../../core/errors.js';`, false],
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

/** The arrows between product files, or between the folders that they lie in, by where they begin. */
function arrows(files: readonly Source[], placeOf: (path: string) => string): Map<string, Set<string>> {
  const known = new Set(files.map(({ path }) => path));
  const found = new Map<string, Set<string>>();
  for (const { path, text } of files) {
    const from = placeOf(path);
    const targets = found.get(from) ?? new Set<string>();
    found.set(from, targets);
    for (const { fileName } of ts.preProcessFile(text, true, true).importedFiles) {
      const stem = join(path, '..', fileName)
        .split(sep)
        .join('/')
        .replace(/\.jsx?$/, '');
      const target = [`${stem}.ts`, `${stem}.tsx`].find((each) => known.has(each));
      if (fileName.startsWith('.') && target && placeOf(target) !== from) targets.add(placeOf(target));
    }
  }
  return found;
}

/** One circle of arrows as the places along it; undefined where there is none. */
function circleIn(graph: ReadonlyMap<string, ReadonlySet<string>>): string[] | undefined {
  const done = new Set<string>();
  const visit = (place: string, path: readonly string[]): string[] | undefined => {
    if (path.includes(place)) return [...path.slice(path.indexOf(place)), place];
    if (done.has(place)) return undefined;
    for (const target of graph.get(place) ?? []) {
      const circle = visit(target, [...path, place]);
      if (circle) return circle;
    }
    done.add(place);
    return undefined;
  };
  for (const place of graph.keys()) {
    const circle = visit(place, []);
    if (circle) return circle;
  }
  return undefined;
}

const folderOf = (path: string): string => path.split('/').slice(0, -1).join('/');

test('no files and no folders import each other in a circle', () => {
  const product = sources().filter(isProduct);
  expect(circleIn(arrows(product, (path) => path))).toBeUndefined();
  expect(circleIn(arrows(product, folderOf))).toBeUndefined();
});

test('a circle of files, and one of folders, is found in made-up files', () => {
  const files: Source[] = [
    { path: 'a/one.ts', text: `import type { Two } from '../b/two.js';` },
    { path: 'b/two.ts', text: `export * from './three.js';` },
    { path: 'b/three.ts', text: `const four = await import('../a/four.js');` },
    { path: 'a/four.ts', text: '' },
  ];
  expect(circleIn(arrows(files, (path) => path))).toBeUndefined();
  expect(circleIn(arrows(files, folderOf))).toEqual(['a', 'b', 'a']);
  const closed = [...files.slice(0, 3), { path: 'a/four.ts', text: `import { One } from './one.js';` }];
  expect(circleIn(arrows(closed, (path) => path))).toHaveLength(5);
});

test('no folder has more than 20 files directly in it', () => {
  const counts = new Map<string, number>();
  for (const entry of readdirSync(SOURCE, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) counts.set(entry.parentPath, (counts.get(entry.parentPath) ?? 0) + 1);
  }
  const broad = [...counts].filter(([, files]) => files > MAX_FILES_PER_FOLDER);
  expect(broad.map(([folder]) => relative(SOURCE, folder))).toEqual([]);
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
