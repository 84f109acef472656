import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { COMMANDS } from './commands.js';
import { runProgram } from './program.js';

const SOURCE = fileURLToPath(new URL('..', import.meta.url));

describe.each(COMMANDS)('$name', ({ argument, load }) => {
  test('the list shows the argument that the command takes', async () => {
    expect((await load()).argument?.().name()).toBe(argument?.slice(1, -1));
  });
});

test('the list of commands has one line for each, with its argument', async () => {
  let printed = '';
  const output = {
    write: (text: string) => void (printed += text),
    isTerminal: false,
    columns: 80,
    hasColours: false,
  };
  const shell = {
    input: process.stdin,
    stdout: output,
    stderr: output,
    signal: new AbortController().signal,
  };
  expect(await runProgram(['--help'], shell, () => undefined)).toBe(0);
  const shown = [...printed.matchAll(/^ {2}(\w+) \[options\] ?([[<]\w+[\]>])?/gm)].map(
    ([, name, argument]) => [name, argument],
  );
  expect(shown).toEqual(COMMANDS.map(({ name, argument }) => [name, argument]));
});

/** What a file loads before it does anything, and all that this loads: files by their path in src/, packages by name. */
function loadedBy(path: string, loaded = new Set<string>()): ReadonlySet<string> {
  if (loaded.has(path)) return loaded;
  loaded.add(path);
  const file = ts.createSourceFile(path, readFileSync(join(SOURCE, path), 'utf8'), ts.ScriptTarget.Latest);
  for (const statement of file.statements) {
    const name = loadedName(statement);
    if (name?.startsWith('.'))
      loadedBy(relative('.', join(dirname(path), name)).replace(/\.js$/, '.ts'), loaded);
    else if (name !== undefined) loaded.add(name);
  }
  return loaded;
}

/** An import of types alone loads nothing. */
function loadedName(statement: ts.Statement): string | undefined {
  if (!ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement)) return undefined;
  const isTypes = ts.isImportDeclaration(statement)
    ? statement.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword
    : statement.isTypeOnly;
  const from = statement.moduleSpecifier;
  return !isTypes && from && ts.isStringLiteral(from) ? from.text : undefined;
}

test('a command line loads nothing of the engine or of a library but the parser before its command is known', () => {
  const loaded = [...loadedBy('cli/main.ts')];
  expect(loaded).toContain('cli/commands.ts');
  expect(
    loaded.filter(
      (name) => !/^(node:\w+$|commander$|cli\/[\w-]+\.ts$|cli\/terminal\/|core\/errors\.ts$)/.test(name),
    ),
  ).toEqual([]);
  expect([...loadedBy('cli/terminal/numbers.ts')]).toContain('zod');
});
