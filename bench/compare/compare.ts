/**
 * First tokens of this checkout beside those of another one, as both are built: the same model, prompts and settings, runs in
 * turn, so that the ratio holds even where the machine's speed drifts.
 */
import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Option } from 'commander';
import { choiceFlag } from '../../src/cli/flags/index.js';
import { KvrError } from '../../src/core/errors.js';
import type { Dtype } from '../../src/core/shape.js';
import { benchPrompt } from '../../src/evaluation/prompts/bench-prompt.js';
import type { Benchmark, BenchContext, Report } from '../runner/benchmark.js';
import { ChildProgram } from '../runner/child-messages.js';
import {
  contextsFlag,
  dtypesFlag,
  modelFlag,
  repeatsFlag,
  seedFlag,
  threadsFlag,
  workersFlag,
} from '../runner/flags.js';
import { ROOT } from '../runner/places.js';
import { runInTurn } from '../runner/rounds.js';
import { compareRow, type CompareRow, compareTable } from './compare-table.js';
import type { SideAnswer, SideReady, SideRun, SideSetup } from './messages.js';

type Flags = {
  readonly base: string;
  readonly model: string;
  readonly dtype: readonly Dtype[];
  readonly context: readonly number[];
  readonly workers: number;
  readonly threads: number;
  readonly partition: SideRun['partition'];
  readonly rounds: number;
  readonly seed: number;
  readonly cacheDir?: string;
};

type Side = { readonly child: ChildProgram; readonly vocabulary: number };

const PROGRAM = fileURLToPath(new URL('./side-process.js', import.meta.url));
/** Threads of the side that ran last spin a while before they sleep. */
const SETTLE_MS = 300;

export const compare: Benchmark<Flags> = {
  name: 'compare',
  summary: 'time to the first token of this checkout and of another one, in turn',
  details: `Each side is a process that loads the engine of its own dist once for each dtype and then waits; only the side that is timed
works. Each side has a cache folder of its own. × is the median of the base over that of this checkout: above 1, this one is faster.

Example:
  npm run bench -- compare --base ../main --dtype w8a8,q4 --context 2048 --workers 2 --threads 1 --rounds 7`,
  flags: () => [
    new Option('--base <DIR>', 'the other checkout, built: DIR/dist').makeOptionMandatory(),
    modelFlag('synthetic:tinyllama-1.1b,layers=8,vocab=4096'),
    dtypesFlag(['w8a8']),
    contextsFlag([2048]),
    workersFlag(2),
    threadsFlag(1),
    choiceFlag('--partition <CUT>', "e is even, the same work for both; auto is each side's own plan", [
      'e',
      'auto',
    ]).default('e'),
    repeatsFlag(5, '--rounds <N>'),
    seedFlag(),
    new Option(
      '--cache-dir <DIR>',
      'keep compiled models in DIR/this and DIR/base; a temporary folder unless given',
    ),
  ],
  run: runCompare,
};

async function runCompare(flags: Flags, context: BenchContext): Promise<Report> {
  await checkBuilt(flags.base);
  const cache = flags.cacheDir ?? (await mkdtemp(join(tmpdir(), 'kvr-compare-')));
  const rows: CompareRow[] = [];
  try {
    for (const dtype of flags.dtype) rows.push(...(await compareDtype(flags, dtype, cache, context)));
  } finally {
    if (flags.cacheDir === undefined) await rm(cache, { recursive: true, force: true });
  }
  const differing = rows.filter(({ isSame }) => !isSame);
  const notes = differing.map(
    ({ dtype, contextTokens }) =>
      `${dtype} at ${contextTokens} tokens: the first tokens of the sides differ.`,
  );
  return { tables: [compareTable(flags, rows)], notes };
}

/** @throws BAD_INPUT */
async function checkBuilt(base: string): Promise<void> {
  try {
    await access(entryOf(base));
  } catch (error) {
    const message = `--base ${base} has no dist/index.js; give a checkout of this package, built there with npm run build`;
    throw new KvrError('BAD_INPUT', message, {}, error);
  }
}

function entryOf(checkout: string): string {
  return resolve(checkout, 'dist', 'index.js');
}

async function compareDtype(
  flags: Flags,
  dtype: Dtype,
  cache: string,
  { note }: BenchContext,
): Promise<CompareRow[]> {
  const sides: Side[] = [];
  try {
    for (const [name, checkout] of [
      ['this', ROOT],
      ['base', flags.base],
    ] as const) {
      note(`${dtype}: loading ${name}`);
      sides.push(await openSide(name, checkout, flags, dtype, join(cache, name)));
    }
    const rows: CompareRow[] = [];
    for (const contextTokens of flags.context) {
      const [ours = [], theirs = []] = await runInTurn(sides, flags.rounds, (side, round) =>
        timeRun(side, contextTokens, round, flags),
      );
      const row = compareRow(dtype, contextTokens, ours, theirs);
      note(`${dtype}, ${contextTokens} tokens: ${row.ratio.toFixed(3)} times as fast as the base`);
      rows.push(row);
    }
    return rows;
  } finally {
    for (const { child } of sides) await child.close();
  }
}

async function openSide(
  name: string,
  checkout: string,
  { model, workers, threads, partition }: Flags,
  dtype: Dtype,
  cacheDir: string,
): Promise<Side> {
  const options = { model, dtype, workers, threads, cacheDir, calibrate: partition === 'auto' };
  const setup: SideSetup = { entry: entryOf(checkout), options };
  const { child, ready } = await ChildProgram.start<SideReady>(PROGRAM, `the process of ${name}`, setup);
  return { child, vocabulary: ready.vocabulary };
}

/** Both sides get the same ids, other ones in every round. */
async function timeRun(
  { child, vocabulary }: Side,
  contextTokens: number,
  round: number,
  { seed, partition }: Flags,
): Promise<SideAnswer> {
  const question: SideRun = { promptIds: benchPrompt(contextTokens, vocabulary, seed + round), partition };
  const answer = await child.ask<SideAnswer>(question);
  await sleep(SETTLE_MS);
  return answer;
}
