/**
 * Strategies side by side on more workers than there are cores: one worker runs the slices of all of them, one at a
 * time, timed; emulation/ puts the times together for the described links. Outputs stay exact, and are held to it.
 */
import { partitionSizes } from '../../core/partition.js';
import type { Masking, StrategyName } from '../../core/strategy.js';
import { predictTtftMs } from '../../plan/index.js';
import { chunksOf } from '../../core/chunks/chunks.js';
import type { Engine } from '../../engine/engine.js';
import type { GenerateRequest } from '../../engine/options/request.js';
import { type CellRun, summarise } from './cells.js';
import { type EmulatedCell, emulatedCells } from './emulated-cells.js';
import { checkTimelineLength, type ChunkedRun, readRunTimes } from '../emulation/chunk-times.js';
import { emulateChain, type EmulatedChain, emulateGather, type Emulation } from '../emulation/emulate.js';
import { FirstTokens } from './first-tokens.js';
import {
  type BenchOptions,
  type BenchReport,
  checkContexts,
  type EmulatedCluster,
  loadEngine,
  plural,
  promptFor,
} from './options.js';
import { type BenchStrategyName, benchStrategyOf } from './strategies.js';
import { timedRun, warmUp } from './timed-run.js';

/** `engine.threads` are what each emulated worker has; all cores unless given. */
export type EmulatedBenchOptions = BenchOptions & { readonly clusters: readonly EmulatedCluster[] };

/** Chunks that are run once for all cells whose slices end where they do. */
type Measurement = ChunkedRun & { readonly masking: Masking; readonly cells: EmulatedCell[] };

/** What the one worker is asked for to compute attention with that masking. */
const ON_ONE_WORKER: Readonly<Record<Masking, StrategyName>> = { causal: 'single', dense: 'tsp-dense' };

/** @throws as Engine.load and Engine.generate, INTERNAL where a prompt in slices is answered differently */
export async function runEmulatedBench(options: EmulatedBenchOptions): Promise<BenchReport> {
  await checkContexts(options);
  const engine = await loadEngine(options, 1);
  try {
    const cells = emulatedCells(options, engine);
    const measurements = measurementsOf(options, engine, cells);
    for (const measurement of measurements) await warmUp(engine, requestOf(options, engine, measurement));
    await growHeap(options, engine, measurements);
    const firstTokens = await runRounds(options, engine, measurements);
    const { model, settings } = engine;
    return { model, cells: summarise(cells, 'emulated', settings), firstTokens: firstTokens.all };
  } finally {
    await engine.close();
  }
}

/** @throws BAD_INPUT where a run's timeline would be too long to be taken apart */
function measurementsOf(
  { contexts }: EmulatedBenchOptions,
  { model, settings }: Engine,
  cells: readonly EmulatedCell[],
): Measurement[] {
  const { layers } = model.shape;
  const { chunkTokens } = settings;
  const found = new Map<string, Measurement>();
  const add = (
    contextTokens: number,
    chunkEnds: readonly number[],
    masking: Masking,
    cell?: EmulatedCell,
  ): void => {
    // Slices that end where chunks do anyway change nothing: the run is the same.
    const chunks = chunksOf({ start: 0, end: contextTokens }, chunkTokens, chunkEnds);
    const key = `${contextTokens} ${masking} ${chunks.map(({ end }) => end).join()}`;
    const measurement = found.get(key) ?? {
      contextTokens,
      layers,
      chunkTokens,
      chunkEnds,
      masking,
      cells: [],
    };
    checkTimelineLength(measurement);
    if (cell) measurement.cells.push(cell);
    found.set(key, measurement);
  };
  // The whole prompt first, whether it is a cell or not: its answer is what all others are held to.
  for (const contextTokens of contexts) add(contextTokens, [], 'causal');
  for (const cell of cells) {
    const chunkEnds = cell.partition.slice(1).map(({ start }) => start);
    add(cell.key.contextTokens, chunkEnds, benchStrategyOf(cell.key.strategy).masking, cell);
  }
  return [...found.values()].sort(
    (a, b) => contexts.indexOf(a.contextTokens) - contexts.indexOf(b.contextTokens),
  );
}

/**
 * Runs the longest prompt once, untimed: memory that a process touches for the first time costs more than the kernels
 * that fill it (16k tokens, 2 layers of Llama 7B, in a virtual machine: TSP on 4 workers came out at 16.7 s, and at 5.9 s with this).
 */
async function growHeap(
  options: EmulatedBenchOptions,
  engine: Engine,
  measurements: readonly Measurement[],
): Promise<void> {
  const longest = measurements.toSorted((a, b) => b.contextTokens - a.contextTokens)[0];
  if (!longest) return;
  options.onProgress?.('warming up', 0);
  await timedRun(engine, requestOf(options, engine, longest), () => undefined);
}

async function runRounds(
  options: EmulatedBenchOptions,
  engine: Engine,
  measurements: readonly Measurement[],
): Promise<FirstTokens> {
  const firstTokens = new FirstTokens();
  const { repeats, onProgress } = options;
  for (let round = 0; round < repeats; round++) {
    // A whole prompt that is nobody's cell is run for its answer, once.
    const due = measurements.filter(({ cells }) => round === 0 || cells.length > 0);
    for (const [index, measurement] of due.entries()) {
      const what = `round ${round + 1} of ${repeats}: ${nameOf(measurement)}`;
      const firstToken = await measure(options, engine, measurement, (fraction) =>
        onProgress?.(what, (round + (index + fraction) / due.length) / repeats),
      );
      firstTokens.check(measurement.contextTokens, firstToken, nameOf(measurement));
    }
  }
  return firstTokens;
}

/** Runs the slices and adds a run to every cell that they stand for. @returns the first token */
async function measure(
  options: EmulatedBenchOptions,
  engine: Engine,
  measurement: Measurement,
  onFraction: (fraction: number) => void,
): Promise<number> {
  const { cells } = measurement;
  onFraction(0);
  const request = requestOf(options, engine, measurement);
  const { firstToken, timeline } = await timedRun(engine, request, onFraction);
  const [alone] = timeline;
  if (!alone || cells.length === 0) return firstToken;
  const times = readRunTimes(alone, measurement);
  for (const cell of cells) {
    const { partition, costs, key } = cell;
    const chain = { times, partition, links: costs.links, kvBytes: costs.kvBytes };
    cell.runs.push(cellRun(cell, emulateAs(key.strategy, chain), firstToken));
  }
  return firstToken;
}

function requestOf(
  options: EmulatedBenchOptions,
  engine: Engine,
  { contextTokens, chunkEnds, masking }: Measurement,
): GenerateRequest {
  return {
    strategy: ON_ONE_WORKER[masking],
    promptIds: promptFor(options, engine, contextTokens),
    chunkEnds: [...chunkEnds],
    ...(options.signal && { signal: options.signal }),
  };
}

function emulateAs(strategy: BenchStrategyName, chain: EmulatedChain): Emulation {
  return benchStrategyOf(strategy).topology === 'gather' ? emulateGather(chain) : emulateChain(chain);
}

function cellRun({ key, costs, partition }: EmulatedCell, emulation: Emulation, firstToken: number): CellRun {
  const { strategy } = benchStrategyOf(key.strategy).request;
  return {
    ...emulation,
    firstToken,
    partition: partitionSizes(partition),
    predictedTtftMs: predictTtftMs(costs, partition, strategy),
  };
}

function nameOf({ contextTokens, chunkEnds, masking }: Measurement): string {
  const slices = plural(chunkEnds.length + 1, 'slice');
  return `${plural(contextTokens, 'token')} in ${slices}${masking === 'dense' ? ', dense attention' : ''}`;
}
