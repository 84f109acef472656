/**
 * The programs of the package as they were built: few files to load, and addresses that lead where the modules were.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const DIST = fileURLToPath(new URL('../dist', import.meta.url));
const PROGRAMS = [
  'cli/main.js',
  'worker/main.js',
  'worker/compute-thread.js',
  'engine/preparation/preparation-thread.js',
];

/** A program's file and the parts that it loads at once or later. */
function filesOf(program: string): string[] {
  const folder = dirname(join(DIST, program));
  const parts = readdirSync(folder).filter((name) => /^part-.*\.js$/.test(name));
  return [join(DIST, program), ...parts.map((name) => join(folder, name))];
}

/** What a file imports, packages and files alike. */
function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  const found = text.matchAll(/^(?:import|export)\b[^'";]*?(?:from )?"([^"]+)";$|import\("([^"]+)"\)/gm);
  return [...found].map(([, whole, later]) => whole ?? later ?? '');
}

test.each(PROGRAMS)('%s and its parts import no module that was put into them', (program) => {
  const names = filesOf(program).flatMap(importsOf);
  const isLeft = (name: string): boolean =>
    isBuiltin(name) ||
    name.startsWith('./part-') ||
    /^(commander|pino|prom-client|@bufbuild\/protobuf|@huggingface\/hub|@nats-io\/transport-node)(\/|$)/.test(
      name,
    );
  expect(names.some((name) => name.startsWith('node:'))).toBe(true);
  expect(names.filter((name) => !isLeft(name))).toEqual([]);
});

test.each(PROGRAMS)('addresses in %s lead to where the modules are', (program) => {
  const places = filesOf(program).flatMap((file) => {
    const text = readFileSync(file, 'utf8');
    const own = [...text.matchAll(/new URL\("([^"]+)", import\.meta\.url\)\.href/g)];
    expect(text.split('import.meta.url')).toHaveLength(own.length + 1);
    return own.map(([, place = '']) => join(dirname(file), place));
  });
  expect(places.filter((place) => !existsSync(place))).toEqual([]);
  if (program !== 'engine/preparation/preparation-thread.js') expect(places).not.toEqual([]);
});

test('the licences of what was put into them go along', () => {
  const text = readFileSync(join(DIST, 'licences.txt'), 'utf8');
  for (const name of ['zod', 'hono', '@hono/node-server', '@huggingface/tokenizers'])
    expect(text).toMatch(new RegExp(`^${name}$`, 'm'));
});
