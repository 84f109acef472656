/**
 * Sends a real server requests that mean harm, one after the other, and looks at what they cost everybody else: how long
 * each takes, how long /healthz waits meanwhile, what memory the server takes and gives back.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Benchmark, BenchContext, Report } from '../runner/benchmark.js';
import { ChildProgram } from '../runner/child-messages.js';
import { countFlag, modelFlag, seedFlag } from '../runner/flags.js';
import { columnsOf, tableOf } from '../runner/table.js';
import { hostileCases } from './cases.js';
import type { HostileCase } from './requests.js';
import { ServedChild } from './served.js';

type Flags = { readonly model: string; readonly count: number; readonly seed: number };
type Row = {
  readonly name: string;
  readonly status: number;
  readonly ms: number;
  readonly healthMs: number;
  readonly loopMs: number;
  readonly grownMb: number;
};

const MOST_MS = 2_000;
const MOST_MB = 200;
const MOST_HEALTH_MS = 100;
const MOST_KEPT = 0.05;
/** How often memory is read while a request is under way, and how long it has to go back in the end. */
const LOOK_MS = 10;
const SETTLE_MS = 20_000;
/** Of the slowest, which the table shows. */
const SHOWN = 25;
const WARM_UPS = 14;
const POLLER = fileURLToPath(new URL('./health-poller.js', import.meta.url));

export const hostileRequests: Benchmark<Flags> = {
  name: 'hostile-requests',
  summary: 'schemas and prompts that mean harm, against a real server',
  details: `Goals: each refused or done within ${MOST_MS} ms and ${MOST_MB} MB, the event loop never held for ${MOST_HEALTH_MS} ms, memory back within 5 %.
/healthz is asked by another process all the time; its longest wait is shown beside, since it also grows with the machine's load.`,
  flags: () => [
    modelFlag('quote'),
    countFlag('--count <N>', 'requests; the known ones first', 1014),
    seedFlag(),
  ],
  run: runHostile,
};

async function runHostile({ model, count, seed }: Flags, { note }: BenchContext): Promise<Report> {
  const served = await ServedChild.start(model);
  const { child: poller } = await ChildProgram.start(POLLER, 'the poller', { url: served.url });
  const rows: Row[] = [];
  try {
    const cases = hostileCases(count, seed);
    // Each of the known ones once, so that both threads and their heaps are there before memory is read.
    for (const one of cases.slice(0, WARM_UPS)) await send(one, served, poller);
    await settled(served);
    const beforeMb = served.residentBytes / 1e6;
    for (const one of cases) {
      rows.push(await send(one, served, poller));
      if (rows.length % 50 === 0) note(`${rows.length} of ${count}`);
    }
    const afterMb = await settled(served, 1.05 * beforeMb);
    await poller.close();
    const endMs = await served.terminate();
    return report(rows, { beforeMb, afterMb, endMs });
  } catch (error) {
    await poller.close();
    await served.terminate();
    throw error;
  }
}

async function send(
  { name, path, body }: HostileCase,
  served: ServedChild,
  poller: ChildProgram,
): Promise<Row> {
  await Promise.all([served.loopMs(), poller.ask({})]);
  const before = served.residentBytes;
  let most = before;
  const look = setInterval(() => (most = Math.max(most, served.residentBytes)), LOOK_MS);
  const startMs = performance.now();
  const status = await statusOf(`${served.url}${path}`, body);
  const ms = performance.now() - startMs;
  clearInterval(look);
  const [loopMs, { longestMs: healthMs }] = await Promise.all([
    served.loopMs(),
    poller.ask<{ longestMs: number }>({}),
  ]);
  return { name, status, ms, healthMs, loopMs, grownMb: (most - before) / 1e6 };
}

/** @returns 0 where the connection was cut, as it may be while a body that is too much is still sent */
async function statusOf(url: string, body: string): Promise<number> {
  try {
    const answer = await fetch(url, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json' },
    });
    await answer.arrayBuffer();
    return answer.status;
  } catch {
    return 0;
  }
}

/** @returns megabytes, once they have fallen to `enoughMb` or no longer can be waited for */
async function settled(served: ServedChild, enoughMb = 0): Promise<number> {
  let least = Infinity;
  for (let waitedMs = 0; waitedMs < (enoughMb > 0 ? SETTLE_MS : 2_000) && least > enoughMb; waitedMs += 500) {
    await served.loopMs(true);
    await delay(500);
    least = Math.min(least, served.residentBytes / 1e6);
  }
  return least;
}

const { figure, words } = columnsOf<Row>();
const COLUMNS = [
  words('request', ({ name }) => name),
  figure('status', ({ status }) => status),
  figure('ms', ({ ms }) => ms),
  figure('event loop held ms', ({ loopMs }) => loopMs),
  figure('/healthz ms', ({ healthMs }) => healthMs),
  figure('MB more', ({ grownMb }) => grownMb),
];

type Whole = { readonly beforeMb: number; readonly afterMb: number; readonly endMs: number };

function report(rows: readonly Row[], { beforeMb, afterMb, endMs }: Whole): Report {
  const slowest = [...rows].sort((a, b) => b.ms - a.ms).slice(0, SHOWN);
  const most = (of: (row: Row) => number): string => Math.max(...rows.map(of)).toFixed(0);
  const over = (what: string, limit: number, of: (row: Row) => number): string[] => {
    const count = rows.filter((row) => of(row) > limit).length;
    return count === 0 ? [] : [`${count} of ${rows.length} requests: ${what} above ${limit}`];
  };
  return {
    tables: [
      tableOf(
        { name: 'hostile', title: `The slowest of ${rows.length} hostile requests`, label: 'measured' },
        COLUMNS,
        slowest,
      ),
    ],
    notes: [
      `At most: ${most(({ ms }) => ms)} ms a request, ${most(({ grownMb }) => grownMb)} MB more, event loop held ${most(({ loopMs }) => loopMs)} ms, /healthz ${most(({ healthMs }) => healthMs)} ms.`,
      `Memory ${beforeMb.toFixed(0)} MB before, ${afterMb.toFixed(0)} MB after. SIGTERM to end: ${endMs.toFixed(0)} ms.`,
    ],
    missed: [
      ...over('ms', MOST_MS, ({ ms }) => ms),
      ...over('MB', MOST_MB, ({ grownMb }) => grownMb),
      ...over('ms of the event loop', MOST_HEALTH_MS, ({ loopMs }) => loopMs),
      ...(afterMb > (1 + MOST_KEPT) * beforeMb
        ? [`memory went from ${beforeMb.toFixed(0)} to ${afterMb.toFixed(0)} MB`]
        : []),
    ],
  };
}
