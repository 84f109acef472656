import { expect, test } from 'vitest';
import { KvrError } from '../../src/core/errors.js';
import { BENCHMARKS } from '../registry.js';
import type { Benchmark, Report } from './benchmark.js';
import { contextsFlag, dtypesFlag, repeatsFlag } from './flags.js';
import { runProgram } from './program.js';
import { columnsOf, tableOf } from './table.js';

type Flags = { readonly context: number[]; readonly dtype: string[]; readonly repeats: number };
type Row = { readonly tokens: number; readonly ms: number };

const { figure } = columnsOf<Row>();
const COLUMNS = [figure('tokens', ({ tokens }) => tokens), figure('ms', ({ ms }) => ms, 1)];

/** A benchmark without a model: as many milliseconds as repeats. */
function standIn(report: Partial<Report> = {}): Benchmark<Flags> {
  return {
    name: 'made-up',
    summary: 'nothing at all',
    details: 'Details.',
    flags: () => [contextsFlag([512]), dtypesFlag(['q8']), repeatsFlag(3)],
    run: async ({ context, repeats }, { note }) => {
      note('at work');
      const rows = context.map((tokens) => ({ tokens, ms: repeats }));
      const head = { name: 'times', title: 'Times', label: 'simulated' } as const;
      return { tables: [tableOf(head, COLUMNS, rows)], ...report };
    },
  };
}

async function run(words: string, benchmark: Benchmark<Flags> = standIn()) {
  const out = { stdout: '', stderr: '' };
  const status = await runProgram(words === '' ? [] : words.split(' '), [benchmark], {
    stdout: (text) => void (out.stdout += text),
    stderr: (text) => void (out.stderr += text),
  });
  return { status, ...out };
}

test('without a name the benchmarks are listed, one line each', async () => {
  const { status, stdout } = await run('');
  expect(status).toBe(0);
  expect(stdout).toMatch(/^ {2}made-up +nothing at all$/m);
});

test('--help shows flags with their defaults', async () => {
  const { status, stdout } = await run('made-up --help');
  expect(status).toBe(0);
  expect(stdout).toMatch(/--repeats <N> .*\(default: 3\)/s);
  expect(stdout).toMatch(/--dtype <LIST> .*\(default: q8\)/s);
  expect(stdout).toContain('Details.');
});

test('people get labelled tables, and progress apart from them', async () => {
  const { status, stdout, stderr } = await run('made-up --context 1k,64 --repeats 7');
  expect(status).toBe(0);
  expect(stderr).toBe('bench made-up: at work\n');
  expect(stdout).toContain('npm run bench -- made-up --context 1k,64 --repeats 7\n');
  expect(stdout).toContain('Times (simulated)\n\n| tokens |');
  expect(stdout).toContain('|   1024 | 7.0 |');
});

test('--json prints one document with every row, its label and all options', async () => {
  const { stdout } = await run('made-up --json');
  expect(JSON.parse(stdout)).toMatchObject({
    benchmark: 'made-up',
    command: 'npm run bench -- made-up',
    options: { context: [512], dtype: ['q8'], repeats: 3 },
    tables: [{ name: 'times', label: 'simulated', rows: [{ tokens: 512, ms: 3 }] }],
    notes: [],
    missed: [],
  });
});

test('a missed goal is told, and the exit status is 1', async () => {
  const { status, stdout, stderr } = await run('made-up', standIn({ missed: ['too slow'] }));
  expect(status).toBe(1);
  expect(stdout).toContain('Goal missed: too slow');
  expect(stderr).toContain('bench made-up: goal missed: too slow');
});

test.each([
  ['nope', /^bench: there is no benchmark "nope"; give one of made-up$/],
  ['made-up --frob 1', /^bench: unknown option '--frob'; see npm run bench -- NAME --help$/],
  ['made-up more', /^bench: too many arguments for 'made-up'.*; see npm run bench -- NAME --help$/],
  ['made-up --repeats 0', /^bench: --repeats 0 is out of range; give a whole number from 1 to 1000$/],
  ['made-up --dtype q8,q5', /^bench: --dtype q5 is unknown; give some of f32,q8,q4,w8a8$/],
  ['made-up --context x', /^bench: --context x is not understood; give .*512 or 16k$/],
])('wrong usage is one line and exit status 2: %s', async (words, line) => {
  const { status, stdout, stderr } = await run(words);
  expect(status).toBe(2);
  expect(stdout).toBe('');
  expect(stderr.trimEnd()).toMatch(line);
});

test('a failure that is not the user’s shows where it happened', async () => {
  const failing = { ...standIn(), run: () => Promise.reject(new Error('broken')) };
  const { status, stderr } = await run('made-up', failing);
  expect(status).toBe(1);
  expect(stderr).toMatch(/^bench: Error: broken\n +at /);
  const refused = { ...standIn(), run: () => Promise.reject(new KvrError('WORKER_DIED', 'a worker ended')) };
  expect(await run('made-up', refused)).toMatchObject({ status: 1, stderr: 'bench: a worker ended\n' });
});

test('every benchmark has a name of its own, a short summary, and flags that have a default or say what holds without', () => {
  const names = BENCHMARKS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const { name, summary, flags } of BENCHMARKS) {
    expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(summary.length).toBeLessThan(90);
    for (const option of flags()) {
      const isOptional = option.mandatory || option.defaultValue !== undefined;
      if (!isOptional) expect(`${name} ${option.description}`).toMatch(/unless given|, as docs/);
    }
  }
});
