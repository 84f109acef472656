/**
 * Faults without end over running workers, while clients ask for answers that are known: nothing may be wrong, nothing may hang, and
 * after each fault the whole chain answers again.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { seededRandom } from '../../src/core/random.js';
import type { Dtype } from '../../src/core/shape.js';
import { Engine } from '../../src/index.js';
import { benchPrompt } from '../../src/evaluation/prompts/bench-prompt.js';
import type { Benchmark, BenchContext, Report } from '../runner/benchmark.js';
import {
  countFlag,
  dtypeFlag,
  listFlag,
  modelFlag,
  parseWord,
  seedFlag,
  workersFlag,
} from '../runner/flags.js';
import { reportOf, type Row, rowOf } from './chaos-table.js';
import { diskObstacle, SmallDisk } from '../../test/support/small-disk.js';
import { FAULTS, type FaultName, LOCAL_FAULTS, localFault, type Strike, tcpFault } from './faults.js';
import { askOnce, type KnownRequest, knownRequests, noOutcomes, startClients } from './load.js';
import { TcpWorker } from './tcp-workers.js';
import { workerSettings } from './worker-settings.js';

export type Flags = {
  readonly model: string;
  readonly dtype: Dtype;
  readonly workers: number;
  readonly minutes: number;
  readonly clients: number;
  readonly requests: number;
  readonly over: readonly ('local' | 'tcp')[];
  readonly faults: readonly FaultName[];
  readonly seed: number;
};

/** Between two kills of the part that does not wait for recovery. */
const KILL_EVERY_MS = 2_000;
const PROMPT_TOKENS = [20, 60, 200, 400];
const NEW_TOKENS = [4, 24];
/** Of the default model's compiled files and more. */
const DISK_MB = 1536;
/** How often a member's state is looked at. */
const LOOK_MS = 5;

export const chaos: Benchmark<Flags> = {
  name: 'chaos',
  summary: 'workers and links that fail while known answers are asked for',
  details: `First --requests requests over local workers of which one is killed every ${KILL_EVERY_MS / 1000} s, then each fault in turn for --minutes
in all, over local workers and over TCP: it strikes, is over, and the time from then until the whole chain has answered is taken.
Missed: an answer that is wrong or hangs, a request that fails, a chain that takes more than 5 s to answer after the fault is over. Hit are
the right answers that lost a worker or a link on the way; how long they stood still for it comes beside them. Fill: the disk with the cache, a small one that is mounted as root, has no room left, and a worker
is killed.`,
  flags: () => [
    modelFlag('synthetic:tinyllama-1.1b,layers=2,vocab=500'),
    dtypeFlag('f32'),
    workersFlag(3),
    countFlag('--minutes <N>', 'for the faults in turn', 4),
    countFlag('--clients <N>', 'that ask at once', 6),
    countFlag('--requests <N>', 'while a worker is killed every 2 s', 300),
    listFlag('--over <LIST>', 'local,tcp', ['local', 'tcp'] as const, (flag, text) =>
      parseWord(flag, text, ['local', 'tcp'] as const),
    ),
    listFlag('--faults <LIST>', FAULTS.join(), FAULTS, (flag, text) => parseWord(flag, text, FAULTS)),
    seedFlag(),
  ],
  run: runChaos,
};

async function runChaos(flags: Flags, context: BenchContext): Promise<Report> {
  const rows: Row[] = [];
  if (flags.over.includes('local')) rows.push(...(await overLocal(flags, context)));
  if (flags.over.includes('tcp')) rows.push(...(await overTcp(flags, context)));
  return reportOf(flags, rows);
}

async function overLocal(flags: Flags, context: BenchContext): Promise<Row[]> {
  const disk = flags.faults.includes('fill') ? smallDisk(context) : undefined;
  try {
    const { model, dtype, workers } = flags;
    const cache = disk ? { cacheDir: disk.path } : {};
    const engine = await Engine.load({ model, dtype, workers, threads: 1, calibrate: false, ...cache });
    try {
      const known = await askedOf(engine, flags);
      const rows = [await killsInARow(engine, known, flags, context)];
      const faults = flags.faults.filter((name) => LOCAL_FAULTS.includes(name) && (name !== 'fill' || disk));
      const strikeOf = (name: FaultName, random: () => number): Strike =>
        localFault(name, engine, random, disk);
      return [...rows, ...(await inTurn('local', engine, known, { ...flags, faults }, strikeOf, context))];
    } finally {
      await engine.close();
    }
  } finally {
    disk?.unmount();
  }
}

/** @returns undefined, after a line, where none can be mounted */
function smallDisk({ note }: BenchContext): SmallDisk | undefined {
  const obstacle = diskObstacle();
  if (obstacle === undefined) return SmallDisk.mount(DISK_MB);
  note(`no disk is filled: ${obstacle}`);
  return undefined;
}

async function overTcp(flags: Flags, context: BenchContext): Promise<Row[]> {
  const settings = await workerSettings(flags);
  const workers = await Promise.all(Array.from({ length: flags.workers }, () => TcpWorker.start(settings)));
  try {
    const addresses = workers.map(({ link }) => link.address);
    const { model, dtype } = flags;
    const engine = await Engine.load({ model, dtype, workers: addresses, calibrate: false });
    try {
      const known = await askedOf(engine, flags);
      const strikeOf = (name: FaultName, random: () => number): Strike => {
        // Of two workers only the one that was dialled has their link behind its proxy.
        const struck = name === 'cut' ? workers.filter(({ link }) => link.connections.length > 1) : workers;
        return tcpFault(name, struck[Math.floor(random() * struck.length)] as TcpWorker, random);
      };
      const faults = flags.faults.filter((name) => name !== 'fill');
      return await inTurn('tcp', engine, known, { ...flags, faults }, strikeOf, context);
    } finally {
      await engine.close();
    }
  } finally {
    await Promise.all(workers.map((worker) => worker.close()));
  }
}

function askedOf(engine: Engine, { seed }: Flags): Promise<KnownRequest[]> {
  const { vocabulary } = engine.model.shape;
  const requests = PROMPT_TOKENS.flatMap((tokens) =>
    NEW_TOKENS.map((maxTokens) => ({ promptIds: benchPrompt(tokens, vocabulary, seed + tokens), maxTokens })),
  );
  return knownRequests(engine, requests);
}

/** A worker is killed every two seconds, whether the one before is back or not. */
async function killsInARow(
  engine: Engine,
  known: readonly KnownRequest[],
  { clients, requests, seed }: Flags,
  { note }: BenchContext,
): Promise<Row> {
  const outcomes = noOutcomes();
  const random = seededRandom(seed);
  const strike = localFault('kill', engine, random);
  const load = startClients(engine, known, { clients, requests }, outcomes);
  const ended = new AbortController();
  void load.done.then(() => ended.abort());
  let strikes = 0;
  while (!ended.signal.aborted) {
    await pause(KILL_EVERY_MS, undefined, { signal: ended.signal }).catch(() => undefined);
    if (ended.signal.aborted) break;
    await strike();
    strikes++;
  }
  const { right, wrong, hung, hit, other, recoveryMs } = outcomes;
  note(
    `${strikes} kills: ${right} right, ${recoveryMs.length} of them hit, ${wrong} wrong, ${hung} hung, ${hit} failed on a struck worker, ${other} otherwise`,
  );
  return rowOf('local', `kill every ${KILL_EVERY_MS / 1000} s`, {
    strikes,
    outcomes,
    untold: 0,
    wholeMs: [],
  });
}

/** Every fault in turn, until the time is over, each at least once. */
async function inTurn(
  over: 'local' | 'tcp',
  engine: Engine,
  known: readonly KnownRequest[],
  { faults, minutes, clients, seed }: Flags,
  strikeOf: (name: FaultName, random: () => number) => Strike,
  { note }: BenchContext,
): Promise<Row[]> {
  const random = seededRandom(seed + 1);
  const results = new Map(
    faults.map((name) => [name, { strikes: 0, outcomes: noOutcomes(), untold: 0, wholeMs: [] as number[] }]),
  );
  const endMs = performance.now() + minutes * 60_000;
  for (let round = 0; round === 0 || performance.now() < endMs; round++) {
    for (const [name, result] of results) {
      const load = startClients(engine, known, { clients }, result.outcomes);
      const seen = watchStates(engine);
      await strikeOf(name, random)();
      const wholeMs = performance.now();
      await wholeAnswer(engine, known);
      result.wholeMs.push(performance.now() - wholeMs);
      result.strikes++;
      if (!seen.stop().has('missing')) result.untold++;
      await load.stop();
      note(`${over} ${name}: ${Math.round(result.wholeMs.at(-1) ?? 0)} ms`);
    }
  }
  return [...results].map(([name, result]) => rowOf(over, name, result));
}

/** Until a request over all workers has been answered. */
async function wholeAnswer(engine: Engine, known: readonly KnownRequest[]): Promise<void> {
  const [{ request, ids }] = known as [KnownRequest];
  const whole = { ids, request: { ...request, partition: 'e' as const, workers: engine.members.length } };
  while (!(await askOnce(engine, whole, noOutcomes()))) await pause(LOOK_MS);
}

/** What /readyz would have told meanwhile. */
function watchStates(engine: Engine): { readonly stop: () => Set<'whole' | 'missing'> } {
  const seen = new Set<'whole' | 'missing'>();
  const look = (): void => {
    seen.add(engine.members.every(({ status }) => status === 'usable') ? 'whole' : 'missing');
  };
  const timer = setInterval(look, LOOK_MS);
  return {
    stop: () => {
      clearInterval(timer);
      return seen;
    },
  };
}
