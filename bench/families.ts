/**
 * Models of every family at odd sizes, drawn at random: in f32 the ids and logits of a plain pass that reads none of the files,
 * for slices of 1, 2, 3 and 5 workers, and in the other element types the same numbers to the last digit for all of them.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Dtype, DTYPES } from '../src/core/shape.js';
import { DRAWN_FAMILIES } from '../test/reference/families/index.js';
import { LOGIT_TOLERANCE } from '../test/support/certain-answer.js';
import { checkDrawnModel, type CutResult } from '../test/support/drawn-model-check.js';
import type { Benchmark, BenchContext, Report } from './runner/benchmark.js';
import { countFlag, dtypesFlag, listFlag, parseWord, seedFlag } from './runner/flags.js';
import { columnsOf, tableOf } from './runner/table.js';

type Flags = {
  readonly count: number;
  readonly dtype: readonly Dtype[];
  readonly family: readonly string[];
  readonly seed: number;
};
type Row = {
  readonly family: string;
  readonly dtype: Dtype;
  readonly models: number;
  /** Largest difference of a logit from the plain pass. */
  readonly gap: number;
  /** Cuts with other ids or too large a gap; in other types than f32, with other numbers than the uncut prompt. */
  readonly wrong: readonly string[];
};

const PROMPT_TOKENS = 41;
/** Of 1, 2, 3 and 5 workers, even and lopsided. */
const CUTS = [[41], [20, 21], [1, 40], [40, 1], [14, 14, 13], [3, 37, 1], [9, 8, 8, 8, 8], [1, 1, 30, 2, 7]];
const ALL = Object.keys(DRAWN_FAMILIES);

export const families: Benchmark<Flags> = {
  name: 'families',
  summary: 'whether models of every family at odd sizes answer as a plain pass does',
  details: `A logit that is ${LOGIT_TOLERANCE} or more off in f32, other ids, and numbers that depend on the cut are goals missed.`,
  flags: () => [
    countFlag('--count <N>', 'models of each family', 5),
    dtypesFlag(DTYPES),
    listFlag('--family <LIST>', 'families', ALL, (flag, text) => parseWord(flag, text, ALL), 'all'),
    seedFlag(),
  ],
  run: runFamilies,
};

async function runFamilies({ count, dtype, family, seed }: Flags, { note }: BenchContext): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), 'kvr-families-'));
  const rows: Row[] = [];
  try {
    for (const each of family) {
      note(each);
      for (const type of dtype)
        rows.push(await rowOf(each, type, { folder, seeds: [...Array(count).keys()].map((n) => seed + n) }));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return report(rows);
}

async function rowOf(
  family: string,
  dtype: Dtype,
  { folder, seeds }: { readonly folder: string; readonly seeds: readonly number[] },
): Promise<Row> {
  const wrong: string[] = [];
  let gap = 0;
  for (const seed of seeds) {
    const check = { family, seed, folder, promptTokens: PROMPT_TOKENS, cuts: CUTS, dtype };
    const results = await checkDrawnModel(check);
    gap = Math.max(gap, ...results.map((each) => each.gap));
    const faults = results.filter((each) => (dtype === 'f32' ? isOff(each) : differs(each, results[0])));
    wrong.push(...faults.map(({ cut }) => `${family} in ${dtype}, seed ${seed}, slices of ${cut.join()}`));
  }
  return { family, dtype, models: seeds.length, gap, wrong };
}

function isOff({ gap, ids, expectedIds }: CutResult): boolean {
  return !(gap < LOGIT_TOLERANCE) || ids.join() !== expectedIds.join();
}

/** Ids are told as far as they are certain in f32, which is enough where all logits are the same. */
function differs(result: CutResult, whole: CutResult | undefined): boolean {
  const isSame = whole?.logits.every((logit, id) => Object.is(logit, result.logits[id]));
  return isSame !== true || result.ids.join() !== whole?.ids.join();
}

const { figure, words } = columnsOf<Row>();
const COLUMNS = [
  words('family', ({ family }) => family),
  words('weights', ({ dtype }) => dtype),
  figure('models', ({ models }) => models),
  words('largest difference of a logit', ({ gap }) => gap.toExponential(1)),
  figure('cuts that are wrong', ({ wrong }) => wrong.length),
];

function report(rows: readonly Row[]): Report {
  const title = `Drawn models of ${PROMPT_TOKENS} prompt tokens, ${CUTS.length} cuts each`;
  return {
    tables: [tableOf({ name: 'families', title, label: 'measured' }, COLUMNS, rows)],
    missed: rows.flatMap(({ wrong }) => wrong),
  };
}
