/**
 * Many requests of mixed lengths, one at a time and then many at once: nothing may be lost, and no answer may differ.
 */
import type { Engine, GenerateRequest, GenerationResult } from '../../src/index.js';
import { columnsOf, type Table, tableOf } from '../runner/table.js';
import type { Flags, Prompts } from './flags.js';
import { type Quantiles, quantilesOf, quantileWords } from './quantiles.js';

type Row = {
  readonly clients: number;
  readonly requests: number;
  readonly lost: number;
  /** Answers that are not those of one client alone. */
  readonly differing: number;
  readonly seconds: number;
  /** The wait in the queue included. */
  readonly ttftMs: Quantiles;
  readonly tokensPerS: number;
};
type Round = { readonly results: readonly (GenerationResult | undefined)[]; readonly ms: number };

const PROMPT_TOKENS = [16, 512] as const;
const NEW_TOKENS = [8, 32] as const;

export async function manyRequests(engine: Engine, flags: Flags, prompts: Prompts): Promise<Table> {
  const requests = Array.from({ length: flags.requests }, () => ({
    promptIds: prompts.ids(mixed(PROMPT_TOKENS, prompts)),
    maxTokens: mixed(NEW_TOKENS, prompts),
  }));
  const alone = await runAll(engine, requests, 1);
  const together = await runAll(engine, requests, flags.clients);
  const rows = [rowOf(1, alone, alone), rowOf(flags.clients, together, alone)];
  const gain = (alone.ms / together.ms).toFixed(2);
  const title = `${flags.requests} requests of mixed lengths; together they are done ${gain} times as fast`;
  return tableOf({ name: 'many', title, label: 'measured' }, COLUMNS, rows);
}

/** Evenly on a scale of factors: many short ones, a few long ones. */
function mixed([least, most]: readonly [number, number], { random }: Prompts): number {
  return Math.round(least * (most / least) ** random());
}

async function runAll(engine: Engine, requests: readonly GenerateRequest[], clients: number): Promise<Round> {
  const results: (GenerationResult | undefined)[] = requests.map(() => undefined);
  const startMs = performance.now();
  const queue = requests.entries();
  // All clients take from one queue.
  const client = async (): Promise<void> => {
    for (const [index, request] of queue) results[index] = await engine.complete(request);
  };
  await Promise.all(Array.from({ length: clients }, client));
  return { results, ms: performance.now() - startMs };
}

function rowOf(clients: number, { results, ms }: Round, alone: Round): Row {
  const done = results.filter((result) => result !== undefined);
  const tokens = done.reduce((sum, { completionTokens }) => sum + completionTokens, 0);
  const idsOf = (result: GenerationResult | undefined): string | undefined => result?.tokenIds.join();
  return {
    clients,
    requests: results.length,
    lost: results.length - done.length,
    differing: results.filter((result, index) => idsOf(result) !== idsOf(alone.results[index])).length,
    seconds: ms / 1000,
    ttftMs: quantilesOf(done.map(({ ttftMs, queueMs }) => ttftMs + queueMs)),
    tokensPerS: (1000 * tokens) / ms,
  };
}

const { figure, words } = columnsOf<Row>();
const COLUMNS = [
  figure('clients', ({ clients }) => clients),
  figure('s', ({ seconds }) => seconds, 1),
  words('TTFT ms, p50 / p95 / max', ({ ttftMs }) => quantileWords(ttftMs)),
  figure('tokens/s', ({ tokensPerS }) => tokensPerS),
  figure('lost', ({ lost }) => lost),
  figure('differing', ({ differing }) => differing),
];
