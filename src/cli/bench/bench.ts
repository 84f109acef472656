/**
 * `kvr bench`: strategies side by side on this machine, measured or emulated; a table, a document, a page.
 */
import { writeFile } from 'node:fs/promises';
import { KvrError } from '../../core/errors.js';
import {
  type BenchOptions,
  type BenchReport,
  machineFacts,
  runEmulatedBench,
  runMeasuredBench,
} from '../../evaluation/bench/index.js';
import { checkBenchFlags } from './bench-checks.js';
import { repeatCommand } from './bench-command.js';
import { type BenchFlags, benchFlags } from './bench-flags.js';
import { benchOptions, DEFAULTS, withDecidedDtype } from './bench-options.js';
import { type BenchDocument, benchDocument } from './document/bench-document.js';
import { benchPage } from './page/page.js';
import { pageScript } from './page/script-file.js';
import { benchMarkdown } from './document/bench-table.js';
import type { Command } from '../run/command.js';
import { choiceWriter, runContext } from '../run/engine-run.js';
import { oneLine } from '../terminal/format.js';
import type { Shell } from '../terminal/shell.js';

const EPILOGUE = `Strategies: single (one worker), tsp-dense (the paper's baseline), tsp (the same without the masked half), kvr-e (even
slices), kvr-s (searched), kvr-p (looked up; the table is built where there is none), kvr (planned; may use fewer workers).
Every engine is loaded once. All rows run in turn, once for each repeat, on the same token ids. --workers 1,2 also measures
one worker. The × columns say how many times as fast as that baseline a row is.

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
