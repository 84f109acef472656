/**
 * A server under mixed load for a long time: short and long prompts, whole answers and streams, schemas, requests that are refused,
 * and clients that leave. Memory and open descriptors of the server and its workers must not grow. Linux.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { seededRandom } from '../../src/core/random.js';
import { ServedChild } from '../hostile/served.js';
import type { Benchmark, BenchContext, Report } from '../runner/benchmark.js';
import { countFlag, modelFlag, seedFlag, workersFlag } from '../runner/flags.js';
import { anonymousBytes, childrenOf, descriptors } from '../runner/process-memory.js';
import { columnsOf, tableOf } from '../runner/table.js';

type Flags = {
  readonly model: string;
  readonly workers: number;
  readonly minutes: number;
  readonly clients: number;
  readonly seed: number;
};
type Row = {
  readonly process: string;
  readonly minute: number;
  readonly bytes: number;
  readonly descriptors: number;
};
type Outcomes = { right: number; wrong: number; refused: number; left: number; failed: number };

/** When memory is read, as shares of the time: minutes 5, 15 and 30 of 30. */
const MARKS = [1 / 6, 1 / 2, 1];
/** Clients pause before it is read, so that it is compared at rest: longer than servers and workers take to give back. */
const REST_MS = 15_000;
const MOST_GROWN = 1.05;
const PROMPT_WORDS = [5, 50, 400, 2_000];
/** A client that leaves does so within this. */
const LONGEST_STAY_MS = 1_000;
const LEAVING_SHARE = 0.2;

export const mixedLoad: Benchmark<Flags> = {
  name: 'mixed-load',
  summary: 'memory and descriptors of a server and its workers under mixed load',
  details: `Clients ask without pause, but for ${REST_MS / 1000} s before each reading, after a sixth, a half and all of the time. Answers are known: the
same question always has the same one. Goals missed: another answer, memory more than 5 % over the first reading, more descriptors.`,
  flags: () => [
    modelFlag('quote'),
    workersFlag(2),
    countFlag('--minutes <N>', 'of load', 30),
    countFlag('--clients <N>', 'that ask at once', 6),
    seedFlag(),
  ],
  run: runMixedLoad,
};

async function runMixedLoad(flags: Flags, { note }: BenchContext): Promise<Report> {
  const served = await ServedChild.start(flags.model, ['--workers', String(flags.workers)]);
  const outcomes: Outcomes = { right: 0, wrong: 0, refused: 0, left: 0, failed: 0 };
  const rows: Row[] = [];
  try {
    const ask = asker(served.url, flags.seed, outcomes);
    for (const [at, mark] of MARKS.entries()) {
      const minutes = flags.minutes * (mark - (MARKS[at - 1] ?? 0));
      await loadFor(60_000 * minutes, flags.clients, ask);
      await delay(REST_MS);
      rows.push(...readings(served.pid, flags.minutes * mark));
      note(`minute ${flags.minutes * mark}: ${JSON.stringify(outcomes)}`);
    }
  } finally {
    await served.terminate();
  }
  const title = `${flags.model}, ${flags.workers} workers, ${flags.clients} clients, anonymous memory in MB at rest`;
  return {
    tables: [tableOf({ name: 'mixed-load', title, label: 'measured' }, COLUMNS, rows)],
    notes: [JSON.stringify(outcomes)],
    missed: [...missesOf(rows), ...(outcomes.wrong > 0 ? [`${outcomes.wrong} wrong answers`] : [])],
  };
}

async function loadFor(ms: number, clients: number, ask: () => Promise<void>): Promise<void> {
  const endMs = performance.now() + ms;
  const client = async (): Promise<void> => {
    while (performance.now() < endMs) await ask();
  };
  await Promise.all(Array.from({ length: clients }, client));
}

/** @returns a function that asks one question of many kinds, or leaves it, and counts what came of it */
function asker(url: string, seed: number, outcomes: Outcomes): () => Promise<void> {
  const random = seededRandom(seed + 1);
  const known = new Map<string, string>();
  return async () => {
    const body = questionOf(random);
    const stayMs = random() < LEAVING_SHARE ? random() * LONGEST_STAY_MS : undefined;
    const signal = stayMs === undefined ? {} : { signal: AbortSignal.timeout(Math.ceil(stayMs)) };
    try {
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(`${url}/v1/completions`, { method: 'POST', headers, body, ...signal });
      const text = textOf(await answer.text());
      if (answer.status !== 200) outcomes[answer.status < 500 ? 'refused' : 'failed']++;
      else outcomes[text === (known.get(body) ?? text) ? 'right' : 'wrong']++;
      if (answer.status === 200) known.set(body, text);
    } catch {
      outcomes[stayMs === undefined ? 'failed' : 'left']++;
    }
  };
}

/** A body of one of some fifty kinds; one in ten asks for what is refused. */
function questionOf(random: () => number): string {
  const words = PROMPT_WORDS[Math.floor(random() * PROMPT_WORDS.length)] ?? 1;
  const kind = Math.floor(random() * 3);
  const prompt = Array.from({ length: words }, (_, at) => `word${(at * (kind + 7)) % 91}`).join(' ');
  const schema = { type: 'json_object' };
  return JSON.stringify({
    ...{ prompt, max_tokens: 4 + 12 * kind, temperature: 0, stream: random() < 0.5 },
    ...(kind === 2 && random() < 0.5 ? { response_format: schema } : {}),
    ...(random() < 0.1 ? { unknown_parameter: 1 } : {}),
  });
}

/** The texts of an answer, or of the events of a stream; ids and times differ between equal answers. */
function textOf(body: string): string {
  return [...body.matchAll(/"text":("(?:[^"\\]|\\.)*")/g)]
    .map(([, text]) => JSON.parse(text ?? '""') as string)
    .join('');
}

function readings(server: number, minute: number): Row[] {
  const processes = [server, ...childrenOf(server)];
  return processes.map((pid, at) => ({
    ...{ process: at === 0 ? 'server' : `worker ${at - 1}`, minute },
    ...{ bytes: anonymousBytes(pid), descriptors: descriptors(pid) },
  }));
}

function missesOf(rows: readonly Row[]): string[] {
  return rows.flatMap(({ process, minute, bytes, descriptors: open }) => {
    const first = rows.find((row) => row.process === process);
    if (!first) return [];
    const ratio = bytes / first.bytes;
    return [
      ...(ratio > MOST_GROWN
        ? [`${process} has ${ratio.toFixed(2)} times its memory at minute ${minute}`]
        : []),
      ...(open > first.descriptors
        ? [`${process} has ${open} descriptors, and had ${first.descriptors}`]
        : []),
    ];
  });
}

const { figure, words } = columnsOf<Row>();
const COLUMNS = [
  words('process', ({ process }) => process),
  figure('minute', ({ minute }) => minute, 1),
  figure('MB', ({ bytes }) => bytes / 1e6),
  figure('descriptors', ({ descriptors: open }) => open),
];
