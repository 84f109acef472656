/**
 * More workers than cores, emulated: KVR beside TSP and dense TSP for 4 and 8 workers on 10 and 1 Gbit/s links, on the shapes of
 * Llama 7B and Falcon 7B. Kernels are run and timed one rank at a time, links and overlap are modelled.
 */
import { writeFile } from 'node:fs/promises';
import { Option } from 'commander';
import { defined } from '../../src/cli/flags/defined.js';
import type { Dtype } from '../../src/core/shape.js';
import { type EmulatedCluster, machineFacts, runEmulatedBench } from '../../src/evaluation/bench/index.js';
import { KV_FRAME_BYTES } from '../../src/link/frame.js';
import type { Benchmark, BenchContext, Report } from '../runner/benchmark.js';
import { cacheDirFlag, contextsFlag, countFlag, dtypeFlag, listFlag, seedFlag } from '../runner/flags.js';
import { document } from './document.js';
import { type EmulatedRow, emulatedTables, isMissed } from './emulated-table.js';
import { allPieces, keepPiece, keptPiece, type Piece, type PieceKey } from './pieces.js';

type Flags = {
  readonly shapes: readonly string[];
  readonly context: readonly number[];
  readonly dtype: Dtype;
  readonly layers: number;
  readonly round: number;
  readonly seed: number;
  readonly document?: string;
  readonly cacheDir?: string;
};

const WORKERS = [4, 8];
const LINKS_GBIT = [10, 1];
const LATENCY_MS = 0.05;
/** Vocabulary does not matter to a prompt phase but for the head of one row; a small one compiles sooner. */
const VOCABULARY = 4096;

export const emulated: Benchmark<Flags> = {
  name: 'emulated',
  summary: 'KVR beside TSP for 4 and 8 workers on 7B shapes, emulated',
  details: `Every shape, length and round is a piece of its own, kept under build/emulated; pieces that are there are not run again. --document
writes the page of all pieces that are kept, other shapes and rounds included. A goal is missed where planned KVR is less than 1.4 times
(4 workers) or 1.6 times (8) as fast as dense TSP at the longest context.`,
  flags: () => [
    listFlag('--shapes <LIST>', 'shapes by name', ['llama-7b', 'falcon-7b'], (_flag, text) => text),
    contextsFlag([4096, 8192, 16_384]),
    dtypeFlag('w8a8'),
    countFlag('--layers <N>', 'layers that are run', 2),
    countFlag('--round <N>', 'another number runs all pieces once more', 1),
    seedFlag(),
    new Option('--document <FILE>', 'write the page, as docs/emulated.md'),
    cacheDirFlag(),
  ],
  run: runEmulated,
};

async function runEmulated(flags: Flags, { note }: BenchContext): Promise<Report> {
  const pieces: Piece[] = [];
  for (const key of keysOf(flags)) {
    note(`${key.name}, ${key.contextTokens} tokens`);
    pieces.push((await keptPiece(key)) ?? (await runPiece(key, flags)));
  }
  if (flags.document !== undefined) {
    await writeFile(flags.document, document(await allPieces(), LATENCY_MS));
    note(`wrote ${flags.document}`);
  }
  const tables = emulatedTables(pieces);
  const missed = tables.flatMap(({ title, rows }) =>
    (rows as readonly EmulatedRow[]).filter(isMissed).map((row) => `${title}: ${missedWords(row)}`),
  );
  return { tables, missed };
}

function missedWords({ workers, linkGbit, speedupOverTspDense, goal }: EmulatedRow): string {
  return `${workers} workers, ${linkGbit} Gbit/s: ${speedupOverTspDense.toFixed(2)} times as fast as dense TSP, at least ${goal} is asked for`;
}

function keysOf({ shapes, context, dtype, layers, round }: Flags): PieceKey[] {
  return shapes.flatMap((name) =>
    context.map((contextTokens) => ({ name, contextTokens, dtype, layers, round })),
  );
}

async function runPiece(key: PieceKey, { seed, cacheDir }: Flags): Promise<Piece> {
  const { round, ...about } = key;
  const { name, layers, contextTokens, dtype } = key;
  const model = `synthetic:${name},layers=${layers},vocab=${VOCABULARY},context=${contextTokens + 1}`;
  const startMs = performance.now();
  const { cells } = await runEmulatedBench({
    engine: { model, dtype, ...defined({ cacheDir }) },
    clusters: WORKERS.flatMap((workers) => LINKS_GBIT.map((gbit) => clusterOf(workers, gbit))),
    strategies: ['single', 'tsp-dense', 'tsp', 'kvr'],
    contexts: [contextTokens],
    repeats: 1,
    seed,
  });
  const tookMs = performance.now() - startMs;
  const kept = cells.map(({ timeline, runsMs, ...cell }) => cell);
  const piece = { ...about, machine: machineFacts(), tookMs, cells: kept };
  await keepPiece(key, piece);
  return piece;
}

function clusterOf(workers: number, gbit: number): EmulatedCluster {
  const link = { bytesPerS: (gbit * 1e9) / 8, latencyMs: LATENCY_MS, frameBytes: KV_FRAME_BYTES };
  return { workers, link };
}
