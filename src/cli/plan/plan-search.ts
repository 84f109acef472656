/**
 * `kvr plan --table` and `--measure`: searches cuts over the cost model or over real runs, keeps them in the table of
 * partition p, and shows them.
 */
import { partitionSizes } from '../../core/partition.js';
import type { Engine } from '../../engine/engine.js';
import { type MeasuredPartition, searchByRuns } from '../../evaluation/tables/measured-search.js';
import { keepPartitions, searchTable, type TablePartition } from '../../evaluation/tables/plan-table.js';
import { type RunContext, threadsOf } from '../run/engine-run.js';
import type { OutputFlags } from '../flags/index.js';
import { cut, formatCount, formatMs, formatPlural, oneLine } from '../terminal/format.js';
import { chainWords } from '../run/report.js';

export type SearchFlags = OutputFlags & {
  readonly context?: number;
  /** Lengths, shortest first. */
  readonly table?: number[];
  readonly measure?: true;
  readonly repeats?: number;
  readonly candidates?: number;
};

const DEFAULT_REPEATS = 3;
const DEFAULT_CANDIDATES = 24;

type Found = (TablePartition | MeasuredPartition)[];

export async function runSearch(engine: Engine, flags: SearchFlags, context: RunContext): Promise<void> {
  const { shell, progress } = context;
  const found = flags.measure
    ? await searchMeasured(engine, flags, context)
    : await searchModel(engine, flags, context);
  progress.clear();
  const path = await keepPartitions(
    engine,
    found.map(({ partition }) => partition),
  );
  if (flags.json) shell.stdout.write(`${JSON.stringify(document(engine, flags, found, path))}\n`);
  else shell.stdout.write(report(engine, flags, found, path, shell.stdout.columns));
}

function searchModel(
  engine: Engine,
  { table = [] }: SearchFlags,
  { shell, progress }: RunContext,
): Promise<Found> {
  const onProgress = (what: string, fraction: number): void => progress.update(what, fraction);
  return searchTable(engine, { lengths: table, signal: shell.signal, onProgress });
}

/** One length after the other: how long it will take is said before, and what was found after. */
async function searchMeasured(
  engine: Engine,
  flags: SearchFlags,
  { shell, progress }: RunContext,
): Promise<Found> {
  const { repeats = DEFAULT_REPEATS, candidates = DEFAULT_CANDIDATES } = flags;
  const say = (text: string): void => {
    progress.clear();
    if (!flags.quiet) shell.stderr.write(`kvr: ${text}\n`);
  };
  const found: MeasuredPartition[] = [];
  for (const contextTokens of flags.table ?? [flags.context ?? 0]) {
    const one = await searchByRuns(engine, {
      contextTokens,
      repeats,
      maxCandidates: candidates,
      signal: shell.signal,
      onEstimate: (runs, ms) =>
        say(
          `${formatCount(contextTokens)} tokens: at most ${candidates} cuts × ${repeats}, ${formatPlural(runs, 'run')} in about ${formatMs(ms)}`,
        ),
      onProgress: (what, fraction) => progress.update(what, fraction),
    });
    say(
      `${formatCount(contextTokens)} tokens: ${formatPlural(one.candidates, 'cut')}, ${formatPlural(one.runs, 'run')} in ${formatMs(one.tookMs)}`,
    );
    found.push(one);
  }
  return found;
}

function labelOf({ measure }: SearchFlags): 'measured' | 'predicted' {
  return measure ? 'measured' : 'predicted';
}

function document(engine: Engine, flags: SearchFlags, found: Found, table: string): unknown {
  const { name } = engine.model;
  const { dtype, kvDtype } = engine.settings;
  const entries = found.map(({ partition, ...rest }) => ({
    ...rest,
    workers: partition.length,
    partition: partitionSizes(partition),
  }));
  return { label: labelOf(flags), model: name, dtype, kvDtype, threads: threadsOf(engine), table, entries };
}

function report(engine: Engine, flags: SearchFlags, found: Found, path: string, columns: number): string {
  const threads = threadsOf(engine);
  const lines = found.map((one) => {
    const sizes = partitionSizes(one.partition).join();
    const even = 'evenTtftMs' in one ? `, even ${formatMs(one.evenTtftMs)}` : '';
    const time = `${formatMs(one.ttftMs)} ${labelOf(flags)}${even}`;
    return `${formatCount(one.contextTokens).padStart(9)} tokens  ${chainWords(one.partition.length, threads)}  ${sizes}  ${time}`;
  });
  const shownLines = lines.map((line) => cut(line, Math.max(columns, 80)));
  // A path that is cut is of no use.
  return `${[...shownLines, `kept in ${oneLine(path)}`].join('\n')}\n`;
}
