/**
 * Strangers at a worker's port while an engine works with it: what they cost its requests, and what they leave behind.
 */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { endWorkerProcess, type WorkerProcess } from '../../src/cluster/worker-process.js';
import { type MedianRange, medianRange } from '../../src/core/statistics.js';
import { benchPrompt } from '../../src/evaluation/prompts/bench-prompt.js';
import { Engine } from '../../src/index.js';
import { parseAddress } from '../../src/link/address.js';
import type { Benchmark, BenchContext, Report } from '../runner/benchmark.js';
import { ChildProgram } from '../runner/child-messages.js';
import { contextFlag, countFlag, modelFlag, seedFlag } from '../runner/flags.js';
import { startListeningWorker } from '../runner/listening-worker.js';
import { residentBytes } from '../runner/process-memory.js';
import { runInTurn } from '../runner/rounds.js';
import { columnsOf, percentWords, tableOf } from '../runner/table.js';
import type { CrowdAnswer, CrowdRun, CrowdSetup } from './crowd.js';

type Flags = {
  readonly model: string;
  readonly context: number;
  readonly count: number;
  readonly rate: number;
  readonly requests: number;
  readonly seed: number;
};
type Row = {
  readonly strangers: number;
  readonly quietMs: MedianRange;
  readonly loudMs: MedianRange;
  readonly slower: number;
  readonly grownBytes: number;
  readonly descriptorsBefore: number;
  readonly descriptorsAfter: number;
};

const ROUNDS = 10;
const SAMPLE_MS = 50;
/** After the last stranger: their hellos' silence has ended by then. */
const SETTLE_MS = 23_000;
const MOST_SLOWER = 0.1;
const MOST_GROWN_BYTES = 200e6;
const CROWD = fileURLToPath(new URL('./crowd.js', import.meta.url));

export const strangers: Benchmark<Flags> = {
  name: 'strangers',
  summary: 'what strangers at its port do to a worker that works for an engine',
  details: `Ten kinds of strangers come at an even pace: silent, garbage, half a frame, huge sizes, a hello and then silence or floods
of probes, early rows, vocabularies or connects, and bytes that drip. Rounds with them and without take turns. Requests more
than 10 % slower, 200 MB more memory, and descriptors that stay open are goals missed.`,
  flags: () => [
    modelFlag('synthetic:tinyllama-1.1b,layers=4,vocab=4000'),
    contextFlag(256),
    countFlag('--count <N>', 'strangers', 2000),
    countFlag('--rate <N>', 'strangers a second', 50),
    countFlag('--requests <N>', 'requests of the engine in a round', 10),
    seedFlag(),
  ],
  run: runStrangers,
};

async function runStrangers(flags: Flags, context: BenchContext): Promise<Report> {
  const { model, seed } = flags;
  const worker = await startListeningWorker(model, 'w8a8', 'worker');
  try {
    const setup: CrowdSetup = { port: (parseAddress(worker.address) as { port: number }).port, seed };
    const { child } = await ChildProgram.start(CROWD, 'strangers', setup);
    const engine = await Engine.load({ model, workers: [worker.address], calibrate: false, dtype: 'w8a8' });
    try {
      return report(flags, await measure(flags, worker, engine, child, context));
    } finally {
      await engine.close();
      await child.close();
    }
  } finally {
    await endWorkerProcess(worker);
  }
}

async function measure(
  { context, count, rate, requests, seed }: Flags,
  { process: { pid = 0 } }: WorkerProcess,
  engine: Engine,
  crowd: ChildProgram,
  { note }: BenchContext,
): Promise<Row> {
  const each = Math.ceil(count / (ROUNDS + 1));
  const memory = new Peak(pid);
  let before = { bytes: 0, descriptors: 0 };
  const ask = async (): Promise<number[]> => {
    const timesMs: number[] = [];
    for (let at = 0; at < requests; at++) {
      const startMs = performance.now();
      const promptIds = benchPrompt(context, engine.model.shape.vocabulary, seed + at);
      await engine.complete({ promptIds, maxTokens: 4 });
      timesMs.push(performance.now() - startMs);
    }
    return timesMs;
  };
  await ask();
  before = { bytes: residentBytes(pid), descriptors: descriptorsOf(pid) };
  memory.start();
  const [quiet = [], loud = []] = await runInTurn([false, true], ROUNDS, async (isLoud, round) => {
    if (!isLoud) return ask();
    const run: CrowdRun = { from: round * each, count: each, perS: rate };
    const gone = crowd.ask<CrowdAnswer>(run);
    const timesMs = await ask();
    note(`round ${round} of ${ROUNDS}, closed: ${JSON.stringify((await gone).closed)}`);
    return timesMs;
  });
  await delay(SETTLE_MS);
  const [quietMs, loudMs] = [medianRange(quiet.flat()), medianRange(loud.flat())];
  return {
    strangers: each * (ROUNDS + 1),
    ...{ quietMs, loudMs, slower: loudMs.median / quietMs.median - 1 },
    grownBytes: memory.stop() - before.bytes,
    descriptorsBefore: before.descriptors,
    descriptorsAfter: descriptorsOf(pid),
  };
}

/** The most memory that a process had. */
class Peak {
  readonly #pid: number;
  #timer: NodeJS.Timeout | undefined;
  #bytes = 0;

  constructor(pid: number) {
    this.#pid = pid;
  }

  start(): void {
    this.#timer = setInterval(
      () => (this.#bytes = Math.max(this.#bytes, residentBytes(this.#pid))),
      SAMPLE_MS,
    );
  }

  stop(): number {
    clearInterval(this.#timer);
    return this.#bytes;
  }
}

function descriptorsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

const { figure, words } = columnsOf<Row>();
const COLUMNS = [
  figure('strangers', (row) => row.strangers),
  figure('request ms, quiet', ({ quietMs }) => quietMs.median, 1),
  figure('with strangers', ({ loudMs }) => loudMs.median, 1),
  words('slower', ({ slower }) => percentWords(slower)),
  figure('slowest, quiet', ({ quietMs }) => quietMs.max),
  figure('with strangers', ({ loudMs }) => loudMs.max),
  figure('memory grown MB', ({ grownBytes }) => grownBytes / 1e6),
  figure('descriptors before', (row) => row.descriptorsBefore),
  figure('after', (row) => row.descriptorsAfter),
];

function report({ model, context, rate }: Flags, row: Row): Report {
  const title = `${model}, w8a8, one worker over TCP, ${context} tokens, ${rate} strangers a second`;
  return {
    tables: [tableOf({ name: 'strangers', title, label: 'measured' }, COLUMNS, [row])],
    missed: [
      ...(row.slower > MOST_SLOWER ? [`requests were ${percentWords(row.slower)} slower`] : []),
      ...(row.grownBytes > MOST_GROWN_BYTES ? [`memory grew by ${Math.round(row.grownBytes / 1e6)} MB`] : []),
      ...(row.descriptorsAfter > row.descriptorsBefore ? ['descriptors stayed open'] : []),
    ],
  };
}
