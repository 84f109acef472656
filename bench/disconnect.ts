/**
 * A client that leaves in mid-prefill, measured through the HTTP server: from the moment its connection is cut until each rank
 * has put the request down, beside the time that one layer takes.
 */
import { once } from 'node:events';
import { request } from 'node:http';
import type { Dtype } from '../src/core/shape.js';
import { type MedianRange, medianRange } from '../src/core/statistics.js';
import { benchPrompt } from '../src/evaluation/prompts/bench-prompt.js';
import { Engine } from '../src/index.js';
import { liveServer } from '../test/support/live-server.js';
import type { Benchmark, BenchContext, Report } from './runner/benchmark.js';
import { layerMsByRank, ranksDropped } from './runner/cancelled-ranks.js';
import {
  contextFlag,
  dtypeFlag,
  modelFlag,
  repeatsFlag,
  seedFlag,
  threadsFlag,
  workersFlag,
} from './runner/flags.js';
import { columnsOf, tableOf } from './runner/table.js';

type Flags = {
  readonly model: string;
  readonly dtype: Dtype;
  readonly workers: number;
  readonly threads: number;
  readonly context: number;
  readonly repeats: number;
  readonly seed: number;
};
type Row = {
  readonly layerMsByRank: readonly number[];
  /** From the cut of the connection until a rank is idle; of all ranks and repeats. */
  readonly idleMs: MedianRange;
  readonly timesMs: readonly number[];
};

/** The connection is cut once so much of the prompt is read. */
const CUT_AT = 0.2;

export const disconnect: Benchmark<Flags> = {
  name: 'disconnect',
  summary: 'how soon workers drop the prompt of an HTTP client that has gone',
  details:
    'The connection is cut when a fifth of the prompt is read. Ranks look for a cancel between two layers.',
  flags: () => [
    modelFlag('synthetic:tinyllama-1.1b,layers=4,vocab=4000'),
    dtypeFlag('f32'),
    workersFlag(2),
    threadsFlag(1),
    contextFlag(4096),
    repeatsFlag(5),
    seedFlag(),
  ],
  run: runDisconnect,
};

async function runDisconnect(flags: Flags, { note }: BenchContext): Promise<Report> {
  const { model, dtype, workers, threads, context, repeats, seed } = flags;
  const engine = await Engine.load({ model, dtype, workers, threads, prefixCacheBytes: 0 });
  try {
    const live = await liveServer(engine);
    const ids = (round: number): number[] =>
      benchPrompt(context, engine.model.shape.vocabulary, seed + round);
    try {
      const layerMs = await layerMsByRank(engine, ids(0));
      const timesMs: number[] = [];
      for (let round = 1; round <= repeats; round++) {
        note(`round ${round} of ${repeats}`);
        timesMs.push(...(await leaveInPrefill(engine, live.url, ids(round))));
      }
      return report(flags, { layerMsByRank: layerMs, idleMs: medianRange(timesMs), timesMs });
    } finally {
      await live.server.close();
    }
  } finally {
    await engine.close();
  }
}

/** @returns milliseconds from the cut of the connection until each rank has dropped the request */
async function leaveInPrefill(engine: Engine, url: string, prompt: readonly number[]): Promise<number[]> {
  const ended = ranksDropped(engine);
  const headers = { 'content-type': 'application/json', 'x-kvr-progress': 'event' };
  const client = request(`${url}/v1/completions`, { method: 'POST', headers });
  client.on('error', () => undefined).end(JSON.stringify({ prompt, max_tokens: 1, stream: true }));
  const [response] = (await once(client, 'response')) as [AsyncIterable<Buffer>];
  for await (const piece of response) {
    const fraction = Number(/"fraction":([\d.]+)/.exec(piece.toString())?.[1] ?? 0);
    if (fraction > CUT_AT) break;
  }
  const cutMs = performance.now();
  client.destroy();
  return (await ended).map((ms) => ms - cutMs);
}

const { figure, words } = columnsOf<Row>();
const COLUMNS = [
  words('one layer ms, by rank', (row) => row.layerMsByRank.map((ms) => ms.toFixed(0)).join(' ')),
  figure('idle after ms, median', ({ idleMs }) => idleMs.median),
  figure('most', ({ idleMs }) => idleMs.max),
];

function report({ model, dtype, workers, threads, context }: Flags, row: Row): Report {
  const title = `${model}, ${dtype}, ${workers} × ${threads}, ${context} tokens`;
  return { tables: [tableOf({ name: 'disconnect', title, label: 'measured' }, COLUMNS, [row])] };
}
