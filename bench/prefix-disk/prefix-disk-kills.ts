/**
 * Kills the worker that writes prefixes to disk, at any moment, again and again, and asks on: an answer that goes on from what is on disk
 * must be the answer without a cache, and what a kill left behind must never keep a worker from starting.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { asKvrError } from '../../src/core/errors.js';
import { seededRandom } from '../../src/core/random.js';
import { type Dtype, kvBytesPerToken } from '../../src/core/shape.js';
import { Engine } from '../../src/index.js';
import { BLOCK_TOKENS } from '../../src/prefix-store/block-hashes.js';
import type { Benchmark, BenchContext, Report } from '../runner/benchmark.js';
import { countFlag, dtypesFlag, modelFlag, seedFlag } from '../runner/flags.js';
import { columnsOf, tableOf } from '../runner/table.js';
import { killWriters, type WriterKills } from './writer-kills.js';

type Flags = {
  readonly model: string;
  readonly dtype: readonly Dtype[];
  readonly count: number;
  readonly writerKills: number;
  readonly seed: number;
};

/** Texts that are asked again and again: more than fit the bound, so that blocks are written and removed all the time. */
const TEXTS = 12;
const TEXT_BLOCKS = 4;
const SHARE_THAT_FITS = 0.5;
const ANSWER_TOKENS = 4;
/** After an answer its blocks are written within about so many milliseconds (measured); the kill comes somewhere in it. */
const WRITE_MS = 150;

type Row = {
  readonly dtype: Dtype;
  kills: number;
  answers: number;
  /** Of them, those that went on from the disk. */
  fromDisk: number;
  wrong: number;
  failed: number;
  warnings: number;
};
type Text = { readonly ids: number[]; readonly expected: readonly number[] };

export const prefixDiskKills: Benchmark<Flags> = {
  name: 'prefix-disk-kills',
  summary: 'kills the writer of the prefix cache on disk; no answer may change',
  details: `Asks one of ${TEXTS} texts, of which half fit the folder, waits up to ${WRITE_MS} ms, kills the worker with SIGKILL, and goes on with the
one that is started in its place. Wrong: other tokens than without a cache. Failed: no answer. Warnings: blocks found damaged, or a cache
that was turned off. One of any of these is a goal missed. Processes that only write are killed more often: what they leave must open, and each
block in it must be missing or whole.`,
  flags: () => [
    modelFlag('quote'),
    dtypesFlag(['f32', 'w8a8']),
    countFlag('--count <N>', 'kills of workers, for each element type', 100),
    countFlag('--writer-kills <N>', 'kills of processes that do nothing but write', 500),
    seedFlag(),
  ],
  run: runKills,
};

async function runKills(flags: Flags, { note }: BenchContext): Promise<Report> {
  const rows: Row[] = [];
  for (const dtype of flags.dtype) rows.push(await killsOf(flags, dtype, note));
  const missed = rows.flatMap(({ dtype, wrong, failed, warnings }) =>
    wrong + failed + warnings === 0
      ? []
      : [`${dtype}: ${wrong} wrong answers, ${failed} failed, ${warnings} warnings`],
  );
  const writers = await killWriters(flags.writerKills, flags.seed, ({ kills, blocksRead }) => {
    if (kills % 500 === 0) note(`${kills} writers killed, ${blocksRead} blocks read behind them`);
  });
  if (writers.wrong + writers.damaged + writers.warnings > 0)
    missed.push('what a killed writer left was not whole, or did not open');
  const title = `Answers of ${flags.model} while the writer of its prefix cache is killed`;
  const writersTitle = 'What processes that only write leave when they are killed';
  return {
    tables: [
      tableOf({ name: 'kills', title, label: 'measured' }, COLUMNS, rows),
      tableOf({ name: 'writers', title: writersTitle, label: 'measured' }, WRITER_COLUMNS, [writers]),
    ],
    missed,
  };
}

async function killsOf(
  { model, count, seed }: Flags,
  dtype: Dtype,
  note: BenchContext['note'],
): Promise<Row> {
  const folder = await mkdtemp(join(tmpdir(), 'kvr-prefix-kills-'));
  const row: Row = { dtype, kills: 0, answers: 0, fromDisk: 0, wrong: 0, failed: 0, warnings: 0 };
  const random = seededRandom(seed);
  const onWarning = (words: string): void => {
    row.warnings++;
    note(words);
  };
  let engine: Engine | undefined;
  try {
    const base = { model, dtype, threads: 1, calibrate: false } as const;
    const texts = await answeredTexts(base, random);
    engine = await Engine.load({ ...base, ...(await diskOf(base, folder)), onWarning });
    for (; row.kills < count; row.kills++) {
      await askOne(engine, texts[Math.floor(random() * TEXTS)] as Text, row);
      await delay(random() * WRITE_MS);
      const [worker] = engine.workers;
      if (worker) process.kill(worker.ready.pid, 'SIGKILL');
      if (row.kills % 50 === 49) note(`${dtype}: ${row.kills + 1} kills, ${row.fromDisk} answers from disk`);
    }
  } finally {
    await engine?.close();
    await rm(folder, { recursive: true, force: true });
  }
  return row;
}

/** Texts and their answers without any cache. */
async function answeredTexts(
  base: { model: string; dtype: Dtype; threads: number; calibrate: false },
  random: () => number,
): Promise<Text[]> {
  const engine = await Engine.load(base);
  try {
    const texts: Text[] = [];
    for (let text = 0; text < TEXTS; text++) {
      const tokens = TEXT_BLOCKS * BLOCK_TOKENS + Math.floor(random() * BLOCK_TOKENS);
      const { vocabulary } = engine.model.shape;
      const ids = Array.from({ length: tokens }, () => Math.floor(random() * Math.min(256, vocabulary)));
      const { tokenIds } = await engine.complete({ promptIds: ids, maxTokens: ANSWER_TOKENS });
      texts.push({ ids, expected: tokenIds });
    }
    return texts;
  } finally {
    await engine.close();
  }
}

async function diskOf(base: Parameters<typeof Engine.load>[0], folder: string) {
  const engine = await Engine.load(base);
  const tokenBytes = kvBytesPerToken(engine.model.shape, 'f32');
  await engine.close();
  const allBytes = tokenBytes * TEXTS * TEXT_BLOCKS * BLOCK_TOKENS;
  return { prefixCacheDir: folder, prefixDiskBytes: Math.floor(allBytes * SHARE_THAT_FITS) };
}

async function askOne(engine: Engine, { ids, expected }: Text, row: Row): Promise<void> {
  try {
    const { tokenIds, timeline } = await engine.complete({ promptIds: ids, maxTokens: ANSWER_TOKENS });
    row.answers++;
    if ((timeline[0]?.storedTokens ?? 0) > 0) row.fromDisk++;
    if (tokenIds.join() !== expected.join()) row.wrong++;
  } catch (error) {
    row.failed++;
    process.stderr.write(`${asKvrError(error).message}\n`);
  }
}

const { figure, words } = columnsOf<Row>();
const COLUMNS = [
  words('dtype', ({ dtype }) => dtype),
  ...(['kills', 'answers', 'fromDisk', 'wrong', 'failed', 'warnings'] as const).map((name) =>
    figure(name, (row) => row[name]),
  ),
];

const { figure: count } = columnsOf<WriterKills>();
const WRITER_COLUMNS = (['kills', 'blocksRead', 'wrong', 'damaged', 'warnings'] as const).map((name) =>
  count(name, (row) => row[name]),
);
