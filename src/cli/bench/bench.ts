/**
 * `kvr bench`: strategies side by side on this machine, measured or emulated; a table, a document, a page.
 */
import { writeFile } from 'node:fs/promises';
import { KvrError } from '../../core/errors.js';
import { KV_DTYPES } from '../../core/shape.js';
import {
  BENCH_STRATEGIES,
  type BenchEngine,
  type BenchOptions,
  type BenchReport,
  machineFacts,
  runEmulatedBench,
  runMeasuredBench,
} from '../../evaluation/bench/index.js';
import { decidedDtype, openWithProgress } from '../../engine/load/load.js';
import { DEFAULT_CHUNK_TOKENS } from '../../engine/options/options.js';
import { type BenchDocument, benchDocument, commandLine } from './document/bench-document.js';
import { type BenchFlags, benchFlags, checkBenchFlags } from './bench-flags.js';
import { benchPage } from './page/page.js';
import { pageScript } from './page/script-file.js';
import { benchMarkdown } from './document/bench-table.js';
import type { Command } from '../run/command.js';
import { usableCacheFolder } from '../run/cache-check.js';
import { choiceWriter, runContext } from '../run/engine-run.js';
import { notEmpty } from '../flags/index.js';
import { oneLine } from '../terminal/format.js';
import type { Shell } from '../terminal/shell.js';

const DEFAULTS = { strategies: [...BENCH_STRATEGIES], context: [512], workers: [2], repeats: 3, seed: 0 };
const BYTES_PER_MB = 1e6;

const EPILOGUE = `Strategies: single (one worker), tsp-dense (the paper's baseline), tsp (the same without the masked half), kvr-e (even
slices), kvr-s (searched), kvr-p (looked up; the table is built where there is none), kvr (planned; may use fewer workers).
Every engine is loaded once. All rows are run in turn, again for each repeat; prompts are the same token ids for all.
Rows with one worker are measured too where --workers has 1. × columns say how many times as fast as that baseline.

Without --json a Markdown table goes to stdout. --json prints { "cells": [ { "strategy", "workers", "threads", "contextTokens",
"dtype", "kvDtype", "label", "ttftMs": { "median", "min", "max" }, "runsMs", "predictedTtftMs", "partition", "attentionShare",
"firstToken", "speedupOverSingle", "speedupOverTsp", "speedupOverTspDense", "speedupOverBestTsp" } ], "model",
"machine", "repeats", "seed", "firstTokens", "notes", "command" }, with "link" in cells that were emulated.
label is "measured", or "emulated" where links and overlap were modelled.

Examples:
  kvr bench --model synthetic:tinyllama-1.1b,layers=8 --context 512,2k --workers 1,2 --threads 1
  kvr bench --model ./my-checkpoint --strategies single,tsp,kvr --context 4k --report bench.html
  kvr bench --model synthetic:llama-7b,layers=2 --context 4k,8k --emulate workers=8,link=10Gbit,latency=50us`;

export const bench: Command<BenchFlags> = {
  name: 'bench',
  summary: 'set strategies side by side, measured here or emulated for more workers',
  flags: benchFlags,
  epilogue: EPILOGUE,
  run: runBench,
};

async function runBench(flags: BenchFlags, _argument: string | undefined, shell: Shell): Promise<void> {
  await checkBenchFlags(flags);
  const context = runContext(shell, flags);
  const { progress } = context;
  const notes: string[] = [];
  const asked = benchOptions(flags, {
    signal: shell.signal,
    onProgress: (what, fraction) => progress.update(what, fraction),
    onNote: (note) => notes.push(note),
  });
  const options = await withDecidedDtype(asked, flags, choiceWriter(context));
  const report = await run(flags, options).finally(() => progress.clear());
  const { repeats, seed } = options;
  const { dtype } = options.engine;
  const command = repeatCommand({ ...flags, ...(dtype !== undefined && { dtype }) });
  const facts = { machine: machineFacts(), repeats, seed, notes, command };
  const document = benchDocument(report, facts);
  if (flags.report !== undefined) await writePage(flags.report, document, report);
  shell.stdout.write(flags.json ? `${JSON.stringify(document)}\n` : benchMarkdown(document, report.cells));
  if (flags.report !== undefined && !flags.quiet) shell.stderr.write(`kvr: wrote ${oneLine(flags.report)}\n`);
}

function run(flags: BenchFlags, options: BenchOptions): Promise<BenchReport> {
  if (flags.emulate) return runEmulatedBench({ ...options, clusters: flags.emulate });
  const { workers = DEFAULTS.workers, singleThreads } = flags;
  return runMeasuredBench({ ...options, workers, ...(singleThreads && { singleThreads }) });
}

/** One element type for all engines of a bench: what fits the most workers of its own. Running ones have theirs. */
async function withDecidedDtype(
  options: BenchOptions,
  flags: BenchFlags,
  onChoice: (words: string) => void,
): Promise<BenchOptions> {
  const { model, dtype, kvDtype = KV_DTYPES[0], cacheDir, threads } = options.engine;
  const { chunkTokens = DEFAULT_CHUNK_TOKENS } = options.engine;
  const counts = flags.emulate ? [1] : (flags.workers ?? DEFAULTS.workers);
  const local = counts.filter((each) => typeof each === 'number');
  if (dtype !== 'auto' || local.length === 0) return options;
  const cache = await usableCacheFolder(cacheDir);
  const checkpoint = await openWithProgress(model, cache, options);
  try {
    const settings = { dtype, kvDtype, chunkTokens, threads, workers: Math.max(...local) };
    const decided = await decidedDtype(checkpoint, settings, cache, { onChoice });
    return { ...options, engine: { ...options.engine, dtype: decided } };
  } finally {
    await checkpoint.close();
  }
}

type Hooks = Required<Pick<BenchOptions, 'signal' | 'onProgress' | 'onNote'>>;

function benchOptions(flags: BenchFlags, hooks: Hooks): BenchOptions {
  const { strategies, context, repeats, seed } = flags;
  return {
    engine: benchEngine(flags),
    strategies: strategies ?? DEFAULTS.strategies,
    contexts: context ?? DEFAULTS.context,
    repeats: repeats ?? DEFAULTS.repeats,
    seed: seed ?? DEFAULTS.seed,
    ...hooks,
  };
}

function benchEngine(flags: BenchFlags): BenchEngine {
  const { model, threads, dtype, kvDtype, cacheDir, chunkTokens, kvMemory } = flags;
  return {
    model: notEmpty('--model', model),
    ...(threads !== undefined && { threads }),
    ...(dtype !== undefined && { dtype }),
    ...(kvDtype !== undefined && { kvDtype }),
    ...(cacheDir !== undefined && { cacheDir }),
    ...(chunkTokens !== undefined && { chunkTokens }),
    ...(kvMemory !== undefined && { kvMemoryBytes: kvMemory * BYTES_PER_MB }),
  };
}

/** The bench as a command line that makes it again; where the page and the cache are does not belong to it. */
function repeatCommand(flags: BenchFlags): string {
  const { model, threads, dtype, kvDtype, chunkTokens, kvMemory, singleThreads, emulate } = flags;
  const given = { ...DEFAULTS, ...flags };
  const clusters = (emulate ?? []).flatMap(({ workers, link }) => [
    '--emulate',
    `workers=${workers},link=${(8 * link.bytesPerS) / 1e9}Gbit,latency=${link.latencyMs}ms`,
  ]);
  const optional = {
    threads,
    'single-threads': singleThreads,
    dtype,
    'kv-dtype': kvDtype,
    'chunk-tokens': chunkTokens,
    'kv-memory': kvMemory,
  };
  return commandLine([
    ...['kvr', 'bench', '--model', model],
    ...['--strategies', given.strategies.join(), '--context', given.context.join()],
    ...(emulate ? clusters : ['--workers', given.workers.join()]),
    ...Object.entries(optional).flatMap(([name, value]) =>
      value === undefined ? [] : [`--${name}`, String(value)],
    ),
    ...['--repeats', String(given.repeats), '--seed', String(given.seed)],
  ]);
}

async function writePage(file: string, document: BenchDocument, { cells }: BenchReport): Promise<void> {
  const page = benchPage(document, cells, await pageScript());
  try {
    await writeFile(file, page);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new KvrError(
      'INTERNAL',
      `the report can not be written (${reason}); choose another --report`,
      {},
      error,
    );
  }
}
