/**
 * How long a plan takes: the exact balance that every request gets, number of workers chosen included, for 8 workers
 * and 16k tokens and for 128 workers and 1M. Runs no model, costs are made up:
 *   npm run bench:planning
 * Prints the first plan of each row (for the top one nothing is compiled yet), and the median and the longest of nine
 * once the engine has compiled what it runs. Ends with status 1 where a median is over its limit.
 */
import { LLAMA_7B } from '../src/core/published-shapes.js';
import { medianRange } from '../src/core/statistics.js';
import { KV_FRAME_BYTES } from '../src/link/frame.js';
import { planPartition, type PlanRequest, type WorkerCost } from '../src/plan/index.js';

type Case = { readonly workers: number; readonly contextTokens: number; readonly limitMs: number };

const CASES: readonly Case[] = [
  { workers: 8, contextTokens: 16_384, limitMs: 20 },
  { workers: 128, contextTokens: 1_048_576, limitMs: 2000 },
];
const LINKS_GBIT = [10, 1];
/** Until node has compiled the planner in earnest; many-worker plans do more work each and need one. */
const WARM_UP_WORKERS = 200;
const NEXT_PLANS = 9;

let failures = 0;
console.log(`plans for ${LLAMA_7B.layers} layers, node ${process.versions.node}, in ms (measured)\n`);
console.log('| workers | tokens | costs | link | used | first | median | longest | limit |');
console.log('|--:|--:|---|---|--:|--:|--:|--:|--:|');
for (const each of CASES) {
  for (const gbit of LINKS_GBIT) for (const spread of [0, 0.5]) report(each, gbit, spread);
}
process.exitCode = failures === 0 ? 0 : 1;

function report({ workers, contextTokens, limitMs }: Case, gbit: number, spread: number): void {
  const request = requestFor(workers, contextTokens, gbit, spread);
  const firstMs = timeMs(request);
  for (let done = 0; done < WARM_UP_WORKERS; done += workers) planPartition(request);
  const nextMs = Array.from({ length: NEXT_PLANS }, () => timeMs(request));
  const { median: medianMs, max: longestMs } = medianRange(nextMs);
  if (medianMs > limitMs) failures += 1;
  const figures = [firstMs, medianMs, longestMs].map((ms) => ms.toFixed(1));
  const used = planPartition(request).ranks.length;
  const costs = spread === 0 ? 'equal' : 'unequal';
  console.log(
    `| ${workers} | ${contextTokens} | ${costs} | ${gbit} Gbit/s | ${used} | ${figures.join(' | ')} | ${limitMs} |`,
  );
}

function timeMs(request: PlanRequest): number {
  const startMs = performance.now();
  planPartition(request);
  return performance.now() - startMs;
}

/** @param spread the slowest worker takes 1 + spread times as long as the fastest */
function requestFor(workers: number, contextTokens: number, gbit: number, spread: number): PlanRequest {
  const costs = Array.from({ length: workers }, (_, index) => costOf(1 + (spread * ((index * 7) % 8)) / 7));
  const link = { latencyMs: 0.05, bytesPerS: (gbit * 1e9) / 8, frameBytes: KV_FRAME_BYTES };
  return { contextTokens, shape: LLAMA_7B, workers: costs, links: costs.slice(1).map(() => link) };
}

/** About a CPU core's. */
function costOf(slowness: number): WorkerCost {
  const block = [
    { tokens: 1, ms: 20 * slowness },
    { tokens: 32, ms: 60 * slowness },
    { tokens: 512, ms: 900 * slowness },
  ];
  const attention = { fixedMs: 0.2, tokenMs: 0.01, prefixTokenMs: 0.002, pairMs: 2e-4 * slowness };
  return {
    block,
    firstBlockShare: 0.25,
    attention,
    callMs: 1,
    embedTokenMs: 0.001,
    headMs: 50 * slowness,
    chunkTokens: 512,
    scale: 1,
    attentionScale: 1,
  };
}
