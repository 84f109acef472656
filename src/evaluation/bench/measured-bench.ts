/**
 * Strategies side by side on real workers: every engine is loaded once, all cells run in turn, round after round, so
 * that a machine that gets slower or faster does so for all of them. Called by the bench command and by programs.
 */
import type { Engine } from '../../engine/engine.js';
import type { GenerateRequest } from '../../engine/options/request.js';
import { type CellKey, type CellRun, summarise } from './cells.js';
import { FirstTokens } from './first-tokens.js';
import { ensureTable } from './lookup-table.js';
import {
  type BenchOptions,
  type BenchReport,
  checkContexts,
  loadEngine,
  plural,
  promptFor,
} from './options.js';
import { type BenchStrategyName, benchStrategyOf, isAlone } from './strategies.js';
import { timedRun, warmUp } from './timed-run.js';

export type MeasuredBenchOptions = BenchOptions & {
  /** Numbers of local workers, an engine each, or the addresses of one chain of workers that run already. */
  readonly workers: readonly number[] | readonly string[];
  /** Threads of the one worker of `single`, a cell each; as the others' unless given. Local workers only. */
  readonly singleThreads?: readonly number[];
};

/** What one engine is loaded for. */
type Lane = {
  readonly workers: number | readonly string[];
  readonly threads: number | undefined;
  readonly strategies: readonly BenchStrategyName[];
};

type OpenCell = { readonly key: CellKey; readonly engine: Engine; readonly runs: CellRun[] };

/** @throws as Engine.load and Engine.generate, INTERNAL where two runs of a context answer differently */
export async function runMeasuredBench(options: MeasuredBenchOptions): Promise<BenchReport> {
  await checkContexts(options);
  const engines: Engine[] = [];
  try {
    const cells: OpenCell[] = [];
    for (const lane of lanesOf(options)) {
      const engine = await loadEngine(options, lane.workers, lane.threads);
      engines.push(engine);
      cells.push(...(await openCells(options, lane, engine)));
    }
    cells.sort((a, b) => order(options, a.key) - order(options, b.key));
    const firstTokens = await runRounds(options, cells);
    const { model, settings } = engines[0] as Engine;
    return {
      model,
      cells: summarise(cells, 'measured', settings),
      firstTokens: firstTokens.all,
    };
  } finally {
    await Promise.all(engines.map((engine) => engine.close()));
  }
}

/** Engines and their strategies: one a number of workers; `single` takes the first with one worker, or one of its own. */
export function lanesOf(options: MeasuredBenchOptions): Lane[] {
  const { strategies, workers } = options;
  const { threads } = options.engine;
  const [alone, chains] = [strategies.filter(isAlone), strategies.filter((name) => !isAlone(name))];
  if (isAddresses(workers)) return [{ workers, threads: undefined, strategies }];
  const singles = alone.length > 0 ? (options.singleThreads ?? [threads]) : [];
  const lanes = singles.map((own): Lane => ({ workers: 1, threads: own, strategies: alone }));
  for (const count of chains.length > 0 ? workers : []) {
    const same = lanes.findIndex((lane) => count === 1 && lane.threads === threads);
    if (same >= 0) lanes[same] = { ...(lanes[same] as Lane), strategies: [...alone, ...chains] };
    else lanes.push({ workers: count, threads, strategies: chains });
  }
  return lanes;
}

function isAddresses(workers: readonly number[] | readonly string[]): workers is readonly string[] {
  return typeof workers[0] === 'string';
}

/** Makes an engine's cells and warms up what they use. */
async function openCells(options: MeasuredBenchOptions, lane: Lane, engine: Engine): Promise<OpenCell[]> {
  const { contexts, onNote, onProgress } = options;
  const threads = engine.workers[0]?.ready.threads ?? 1;
  if (lane.strategies.some((name) => benchStrategyOf(name).request.partition === 'p')) {
    for (const tokens of await ensureTable(engine, contexts))
      onNote?.(
        `kvr-p: built a table of partitions around ${plural(tokens, 'token')} for ${plural(engine.workers.length, 'worker')} over the cost model`,
      );
  }
  for (const [index, strategy] of lane.strategies.entries()) {
    onProgress?.('warming up', index / lane.strategies.length);
    await warmUp(engine, requestOf(options, engine, strategy, contexts[0] ?? 1));
  }
  return contexts.flatMap((contextTokens) =>
    lane.strategies.map((strategy) => {
      const workers = isAlone(strategy) ? 1 : engine.workers.length;
      return { key: { strategy, workers, threads, contextTokens }, engine, runs: [] };
    }),
  );
}

async function runRounds(options: MeasuredBenchOptions, cells: readonly OpenCell[]): Promise<FirstTokens> {
  const firstTokens = new FirstTokens();
  const total = options.repeats * cells.length;
  for (let round = 0; round < options.repeats; round++) {
    for (const [index, cell] of cells.entries()) {
      const what = `round ${round + 1} of ${options.repeats}: ${nameOf(cell.key)}`;
      const onFraction = (fraction: number): void =>
        options.onProgress?.(what, (round * cells.length + index + fraction) / total);
      onFraction(0);
      const run = await runCell(options, cell, onFraction);
      firstTokens.check(cell.key.contextTokens, run.firstToken, nameOf(cell.key));
      cell.runs.push(run);
    }
  }
  return firstTokens;
}

async function runCell(
  options: MeasuredBenchOptions,
  { key, engine }: OpenCell,
  onFraction: (fraction: number) => void,
): Promise<CellRun> {
  const request = requestOf(options, engine, key.strategy, key.contextTokens);
  const { ttftMs, predictedTtftMs, partition, timeline, firstToken } = await timedRun(
    engine,
    request,
    onFraction,
  );
  return { ttftMs, predictedTtftMs, partition, timeline, firstToken };
}

function requestOf(
  options: MeasuredBenchOptions,
  engine: Engine,
  strategy: BenchStrategyName,
  contextTokens: number,
): GenerateRequest {
  const promptIds = promptFor(options, engine, contextTokens);
  return {
    ...benchStrategyOf(strategy).request,
    promptIds,
    ...(options.signal && { signal: options.signal }),
  };
}

/** 'kvr-e, 2 workers × 1 thread, 512 tokens'. */
function nameOf({ strategy, workers, threads, contextTokens }: CellKey): string {
  return `${strategy}, ${plural(workers, 'worker')} × ${plural(threads, 'thread')}, ${plural(contextTokens, 'token')}`;
}

/** By context, then workers, then strategy, as asked for. */
function order({ contexts, strategies }: BenchOptions, key: CellKey): number {
  const context = contexts.indexOf(key.contextTokens) * 1e9;
  return context + (isAlone(key.strategy) ? 0 : key.workers * 1e3 + 1 + strategies.indexOf(key.strategy));
}
