/**
 * How near the chain comes to its kernels: time to the first token against the same worker processes' own block and attention
 * calls, of the same rows after the same prefixes, in a loop, on all workers at once.
 */
import { formatPlural } from '../src/cli/terminal/format.js';
import { chunksOf } from '../src/core/chunks/chunks.js';
import { seededRandom } from '../src/core/random.js';
import type { Dtype } from '../src/core/shape.js';
import { middleOf, medianRange } from '../src/core/statistics.js';
import { benchPrompt } from '../src/evaluation/prompts/bench-prompt.js';
import { Engine, type GenerationResult } from '../src/index.js';
import type { ProbeSample } from '../src/worker/protocol/index.js';
import type { Benchmark, BenchContext, Report } from './runner/benchmark.js';
import { contextFlag, dtypeFlag, modelFlag, repeatsFlag, seedFlag } from './runner/flags.js';
import { rankTable, rankTimes } from './runner/rank-times.js';
import { columnsOf, percentWords, tableOf } from './runner/table.js';

type Flags = {
  readonly model: string;
  readonly dtype: Dtype;
  readonly context: number;
  readonly repeats: number;
  readonly seed: number;
};
type Worker = Engine['workers'][number];
type Slice = { readonly start: number; readonly end: number };
type Call = { readonly tokens: number; readonly prefixTokens: number };
type Row = { readonly ttftMs: number; readonly limitMs: number; readonly share: number };

const PROBE_REPEATS = 3;

export const limit: Benchmark<Flags> = {
  name: 'limit',
  summary: 'how near the time to the first token comes to the kernel calls alone',
  details: `Two workers with one thread. The limit is the slowest rank's calls. It counts no embedding, no head, no first block and no copy:
only what must be computed.`,
  flags: () => [
    modelFlag('synthetic:tinyllama-1.1b,layers=8'),
    dtypeFlag('f32'),
    contextFlag(2048),
    repeatsFlag(5),
    seedFlag(),
  ],
  run: runLimit,
};

async function runLimit(flags: Flags, { note }: BenchContext): Promise<Report> {
  const { model, dtype, context, repeats, seed } = flags;
  const engine = await Engine.load({ model, dtype, workers: 2, threads: 1 });
  const results: GenerationResult[] = [];
  const limitsMs: number[] = [];
  const random = seededRandom(seed);
  try {
    const promptIds = benchPrompt(context, engine.model.shape.vocabulary, seed);
    for (let round = 0; round <= repeats; round++) {
      note(`round ${round} of ${repeats}`);
      const result = await engine.complete({ promptIds, maxTokens: 1 });
      const limitMs = await measureLimitMs(engine, result.partition, random);
      if (round === 0) continue;
      results.push(result);
      limitsMs.push(limitMs);
    }
  } finally {
    await engine.close();
  }
  return report(flags, results, medianRange(limitsMs).median);
}

/** The slowest rank's calls. */
async function measureLimitMs(
  engine: Engine,
  partition: readonly number[],
  random: () => number,
): Promise<number> {
  let start = 0;
  const ranks = partition.map((tokens, rank) => {
    const slice = { start, end: (start += tokens) };
    return rankLimitMs(engine.workers[rank] as Worker, slice, engine, Math.floor(random() * 2 ** 32));
  });
  return Math.max(...(await Promise.all(ranks)));
}

/** @param probe an id that no other probe has */
async function rankLimitMs(
  worker: Worker,
  slice: Slice,
  { model, settings }: Engine,
  probe: number,
): Promise<number> {
  const attention = chunksOf(slice, settings.chunkTokens, []).map(({ start, end }) => ({
    tokens: end - start,
    prefixTokens: start,
  }));
  const blockTokens = [...new Set(attention.map(({ tokens }) => tokens))];
  const { samples } = await worker.handle.ask(
    { type: 'probe', probe, blockTokens, attention, repeats: PROBE_REPEATS, kvDtype: settings.kvDtype },
    'probed',
  );
  const onceMs = attention.reduce(
    (sum, call) => sum + blockMs(samples, call) + attentionMs(samples, call),
    0,
  );
  return onceMs * (model.shape.layers - 1);
}

function blockMs(samples: readonly ProbeSample[], { tokens }: Call): number {
  return medianMs(samples.filter((each) => each.kind === 'block' && each.tokens === tokens));
}

function attentionMs(samples: readonly ProbeSample[], { tokens, prefixTokens }: Call): number {
  return medianMs(
    samples.filter(
      (each) => each.kind === 'attention' && each.tokens === tokens && each.prefixTokens === prefixTokens,
    ),
  );
}

function medianMs(samples: readonly ProbeSample[]): number {
  return medianRange(samples.map(({ ms }) => ms)).median;
}

const { figure, words } = columnsOf<Row>();
const COLUMNS = [
  figure('TTFT ms', ({ ttftMs }) => ttftMs),
  figure('limit ms', ({ limitMs }) => limitMs),
  words('limit / TTFT', ({ share }) => percentWords(share)),
];

function report(
  { model, dtype, context }: Flags,
  results: readonly GenerationResult[],
  limitMs: number,
): Report {
  const middle = middleOf(results, ({ ttftMs }) => ttftMs);
  const { ttftMs } = middle;
  const title = `${model}, ${dtype}, ${context} tokens, 2 × 1, medians of ${formatPlural(results.length, 'round')}`;
  const rows = [{ ttftMs, limitMs, share: limitMs / ttftMs }];
  const ranks = rankTimes(middle).map((times) => ({ ...times, run: dtype }));
  return { tables: [tableOf({ name: 'limit', title, label: 'measured' }, COLUMNS, rows), rankTable(ranks)] };
}
