/**
 * Flips bits of a warm cache, one place at a time, and asks the same question after each: the answer must be the right one,
 * after a line about the damage or where it does not matter, or an error. Never another text.
 */
import { mkdtemp, open, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { asKvrError } from '../src/core/errors.js';
import { seededRandom } from '../src/core/random.js';
import type { Dtype } from '../src/core/shape.js';
import { Engine, type EngineOptions } from '../src/index.js';
import type { Benchmark, BenchContext, Report } from './runner/benchmark.js';
import { countFlag, dtypesFlag, modelFlag, seedFlag } from './runner/flags.js';
import { columnsOf, tableOf } from './runner/table.js';

type Flags = {
  readonly model: string;
  readonly dtype: readonly Dtype[];
  readonly flips: number;
  readonly seed: number;
};

/** How much is changed at once: what a failing disk or a program that writes astray leaves. */
const DAMAGES = { bit: 1, byte: 1, page: 4096 } as const;
type Damage = keyof typeof DAMAGES;

const OUTCOMES = ['mended', 'unharmed', 'refused', 'wrong'] as const;
type Outcome = (typeof OUTCOMES)[number];
type Row = { readonly place: string } & Record<Outcome, number>;
type Random = () => number;

const PROMPT = 'Once upon a time there was a king who had';
const ANSWER_TOKENS = 24;

export const cacheDamage: Benchmark<Flags> = {
  name: 'cache-damage',
  summary: 'flips bits of a warm cache; no answer may change',
  details: `Mended: the right answer, after a line about the damage. Unharmed: the right answer, since nothing hangs on what was changed.
Refused: an error. Wrong: another answer, of which one is a goal missed. Half of the flips choose among files, half among bytes; a flip is
one bit, one byte or 4,096 bytes of zeros. The cache is a new one, which is removed in the end.`,
  flags: () => [
    modelFlag('quote'),
    dtypesFlag(['w8a8', 'q8', 'f32']),
    countFlag('--flips <N>', 'places that are damaged, one after the other', 300),
    seedFlag(),
  ],
  run: runCacheDamage,
};

async function runCacheDamage(flags: Flags, { note }: BenchContext): Promise<Report> {
  const cacheDir = await mkdtemp(join(tmpdir(), 'kvr-cache-damage-'));
  const random = seededRandom(flags.seed);
  const rows = new Map<string, Row>();
  const missed: string[] = [];
  try {
    const right = new Map<Dtype, string>();
    for (const dtype of flags.dtype) right.set(dtype, (await ask(flags.model, dtype, cacheDir)).text);
    for (let flip = 1; flip <= flags.flips; flip++) {
      const { path, words } = await damageSomething(cacheDir, random);
      // A file of one form of the model matters to no other.
      const dtype = flags.dtype.find((each) => path.includes(`-${each}-v`)) ?? pick(flags.dtype, random);
      const outcome = await outcomeOf(flags.model, dtype, cacheDir, right.get(dtype));
      note(`${flip} of ${flags.flips}, ${dtype}: ${words}: ${outcome}`);
      count(rows, placeOf(path), outcome);
      if (outcome === 'wrong') missed.push(`${dtype}, ${words}: another answer`);
    }
  } finally {
    await rm(cacheDir, { recursive: true, force: true });
  }
  const sorted = [...rows.values()].sort((a, b) => a.place.localeCompare(b.place));
  const title = `Answers of ${flags.model} after ${flags.flips} flips, by the file that was hit`;
  return { tables: [tableOf({ name: 'flips', title, label: 'measured' }, COLUMNS, sorted)], missed };
}

async function ask(
  model: string,
  dtype: Dtype,
  cacheDir: string,
): Promise<{ text: string; warnings: number }> {
  let warnings = 0;
  const options: EngineOptions = { model, dtype, cacheDir, threads: 1, onWarning: () => void warnings++ };
  const engine = await Engine.load(options);
  try {
    const { text } = await engine.complete({ prompt: PROMPT, maxTokens: ANSWER_TOKENS });
    return { text, warnings };
  } finally {
    await engine.close();
  }
}

async function outcomeOf(
  model: string,
  dtype: Dtype,
  cacheDir: string,
  right: string | undefined,
): Promise<Outcome> {
  try {
    const { text, warnings } = await ask(model, dtype, cacheDir);
    if (text !== right) return 'wrong';
    return warnings > 0 ? 'mended' : 'unharmed';
  } catch (error) {
    process.stderr.write(`${asKvrError(error).message}\n`);
    return 'refused';
  }
}

/** @returns the file, and what was done to it */
async function damageSomething(cacheDir: string, random: Random): Promise<{ path: string; words: string }> {
  for (;;) {
    const { path, bytes } = await chooseFile(cacheDir, random);
    const damage = pick(Object.keys(DAMAGES) as Damage[], random);
    const position = Math.floor(random() * bytes);
    const isChanged = await change(path, position, damage, random);
    const words = `a ${damage} of ${relative(cacheDir, path)} at ${position}`;
    if (isChanged) return { path, words };
  }
}

async function chooseFile(cacheDir: string, random: Random): Promise<{ path: string; bytes: number }> {
  const entries = await readdir(cacheDir, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
  const sizes = await Promise.all(
    paths.sort().map(async (path) => ({ path, bytes: (await stat(path)).size })),
  );
  const files = sizes.filter(({ bytes }) => bytes > 0);
  if (random() < 0.5) return pick(files, random);
  let left = random() * files.reduce((sum, { bytes }) => sum + bytes, 0);
  return files.find(({ bytes }) => (left -= bytes) < 0) ?? pick(files, random);
}

/** @returns false where the bytes were like that before */
async function change(path: string, position: number, damage: Damage, random: Random): Promise<boolean> {
  const file = await open(path, 'r+');
  try {
    const before = Buffer.alloc(DAMAGES[damage]);
    const { bytesRead } = await file.read(before, 0, before.length, position);
    const after = Buffer.alloc(bytesRead);
    const [first = 0] = before;
    if (damage === 'bit') after[0] = first ^ (1 << Math.floor(random() * 8));
    if (damage === 'byte') after[0] = Math.floor(random() * 256);
    await file.write(after, 0, bytesRead, position);
    return after.compare(before, 0, bytesRead) !== 0;
  } finally {
    await file.close();
  }
}

function pick<T>(all: readonly T[], random: Random): T {
  return all[Math.floor(random() * all.length)] as T;
}

/** 'compiled: block', 'calibration': files of a kind are counted together. */
function placeOf(path: string): string {
  const [name = '', folder = ''] = path.split(sep).reverse();
  const kind = name.replace(/[-\d]+/g, '').replace(/^[0-9a-f]{8,}/, '');
  return /-v\d+-ort/.test(folder) ? `compiled: ${kind}` : /^quote/.test(folder) ? `quote: ${kind}` : folder;
}

function count(rows: Map<string, Row>, place: string, outcome: Outcome): void {
  const row = rows.get(place) ?? { place, mended: 0, unharmed: 0, refused: 0, wrong: 0 };
  rows.set(place, { ...row, [outcome]: row[outcome] + 1 });
}

const { figure, words } = columnsOf<Row>();
const COLUMNS = [
  words('file', ({ place }) => place),
  ...OUTCOMES.map((outcome) => figure(outcome, (row) => row[outcome])),
];
