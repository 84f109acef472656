/**
 * How long a plan takes: the exact balance that every request gets, number of workers chosen included, for 8 workers and 16k
 * tokens and for 128 workers and 1M. Runs no model; the costs are made up, the times of planning are measured.
 */
import { medianRange } from '../src/core/statistics.js';
import { KV_FRAME_BYTES } from '../src/link/frame.js';
import { planPartition, type PlanRequest, type WorkerCost } from '../src/plan/index.js';
import { LLAMA_7B } from '../src/core/published-shapes.js';
import type { Benchmark, BenchContext, Report } from './runner/benchmark.js';
import { countFlag } from './runner/flags.js';
import { columnsOf, tableOf } from './runner/table.js';

type Flags = { readonly repeats: number };
type Case = { readonly workers: number; readonly contextTokens: number; readonly limitMs: number };
type Row = Case & {
  readonly costs: 'equal' | 'unequal';
  readonly linkGbit: number;
  readonly usedWorkers: number;
  readonly firstMs: number;
  readonly medianMs: number;
  readonly longestMs: number;
};

const CASES: readonly Case[] = [
  { workers: 8, contextTokens: 16_384, limitMs: 20 },
  { workers: 128, contextTokens: 1_048_576, limitMs: 2000 },
];
const LINKS_GBIT = [10, 1];
/** Until node has compiled the planner in earnest; many-worker plans do more work each and need one. */
const WARM_UP_WORKERS = 200;

export const planning: Benchmark<Flags> = {
  name: 'planning',
  summary: 'how long the plan of one request takes',
  details: `First: the first plan of its row (of the top row with nothing compiled yet); median and longest: of those after it, in a warm
process. A median over its limit is a goal missed.`,
  flags: () => [countFlag('--repeats <N>', 'plans of each row that are timed after the first', 9)],
  run: runPlanning,
};

async function runPlanning({ repeats }: Flags, { note }: BenchContext): Promise<Report> {
  const rows = CASES.flatMap((each) =>
    LINKS_GBIT.flatMap((gbit) =>
      [0, 0.5].map((spread) => {
        note(`${each.workers} workers, ${gbit} Gbit/s`);
        return rowOf(each, gbit, spread, repeats);
      }),
    ),
  );
  const title = `Plans for ${LLAMA_7B.layers} layers, in ms`;
  const missed = rows
    .filter(({ medianMs, limitMs }) => medianMs > limitMs)
    .map(
      (row) =>
        `${row.workers} workers, ${row.costs}, ${row.linkGbit} Gbit/s: ${row.medianMs.toFixed(1)} ms, at most ${row.limitMs}`,
    );
  return { tables: [tableOf({ name: 'plans', title, label: 'measured' }, COLUMNS, rows)], missed };
}

const { figure, words } = columnsOf<Row>();
const COLUMNS = [
  figure('workers', ({ workers }) => workers),
  figure('tokens', ({ contextTokens }) => contextTokens),
  words('costs', ({ costs }) => costs),
  words('link', ({ linkGbit }) => `${linkGbit} Gbit/s`),
  figure('used', ({ usedWorkers }) => usedWorkers),
  figure('first', ({ firstMs }) => firstMs, 1),
  figure('median', ({ medianMs }) => medianMs, 1),
  figure('longest', ({ longestMs }) => longestMs, 1),
  figure('limit', ({ limitMs }) => limitMs),
];

function rowOf(each: Case, linkGbit: number, spread: number, repeats: number): Row {
  const request = requestFor(each, linkGbit, spread);
  const firstMs = timeMs(request);
  for (let done = 0; done < WARM_UP_WORKERS; done += each.workers) planPartition(request);
  const { median, max } = medianRange(Array.from({ length: repeats }, () => timeMs(request)));
  const costs = spread === 0 ? 'equal' : 'unequal';
  const usedWorkers = planPartition(request).ranks.length;
  return { ...each, costs, linkGbit, usedWorkers, firstMs, medianMs: median, longestMs: max };
}

function timeMs(request: PlanRequest): number {
  const startMs = performance.now();
  planPartition(request);
  return performance.now() - startMs;
}

/** @param spread the slowest worker takes 1 + spread times as long as the fastest */
function requestFor({ workers, contextTokens }: Case, gbit: number, spread: number): PlanRequest {
  const costs = Array.from({ length: workers }, (_, index) => costOf(1 + (spread * ((index * 7) % 8)) / 7));
  const link = { latencyMs: 0.05, bytesPerS: (gbit * 1e9) / 8, frameBytes: KV_FRAME_BYTES };
  return { contextTokens, shape: LLAMA_7B, workers: costs, links: costs.slice(1).map(() => link) };
}

/** About a CPU core's. */
function costOf(slowness: number): WorkerCost {
  return {
    block: [
      { tokens: 1, ms: 20 * slowness },
      { tokens: 32, ms: 60 * slowness },
      { tokens: 512, ms: 900 * slowness },
    ],
    firstBlockShare: 0.25,
    attention: { fixedMs: 0.2, tokenMs: 0.01, prefixTokenMs: 0.002, pairMs: 2e-4 * slowness },
    callMs: 1,
    embedTokenMs: 0.001,
    headMs: 50 * slowness,
    chunkTokens: 512,
    scale: 1,
    attentionScale: 1,
  };
}
