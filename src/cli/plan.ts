/**
 * `kvr plan`: how a context would be cut, what every rank would take and what limits it; for the workers at hand, or
 * for more of them over a described link. Also builds KVR-P's table (--table) and searches over real runs (--measure).
 */
import { Option } from 'commander';
import { z } from 'zod';
import { KvrError } from '../core/errors.js';
import { MAX_RANKS } from '../core/partition.js';
import type { Engine } from '../engine/engine.js';
import { type Forecast, forecast, replicate } from '../engine/forecast.js';
import type { EngineOptions } from '../engine/options.js';
import { tableOf } from '../engine/plan-table.js';
import type { Command } from './command.js';
import { runContext, type RunContext, threadsOf, withEngine } from './engine-run.js';
import {
  type ChainFlags,
  engineOptions,
  machineFlags,
  type ModelFlags,
  modelFlag,
  numberFlag,
  type OutputFlags,
  outputFlags,
  parsePartition,
  parseWorkers,
} from './flags/index.js';
import { describeBounds, parseNumber } from './numbers.js';
import { DEFAULT_WHAT_IF_LATENCY_MS, forecastReport, type PlanLabel } from './plan-report.js';
import { runSearch, type SearchFlags } from './plan-search.js';
import { parseDuration, parseRate, parseTokens } from '../core/quantities.js';
import type { Shell } from './shell.js';

export type PlanFlags = ModelFlags & OutputFlags & SearchFlags & OwnFlags;
type OwnFlags = {
  readonly context?: number;
  readonly partition?: NonNullable<ChainFlags['partition']>;
  /** Bytes a second. */
  readonly link?: number;
  /** Milliseconds. */
  readonly latency?: number;
  readonly fresh?: true;
};

const workersSchema = z.number().int().min(1).max(MAX_RANKS);
const repeatsSchema = z.number().int().min(1).max(1000);
const candidatesSchema = z.number().int().min(1).max(10_000);
const LEFT_OUT = ['workers', 'calibrate'];

export const plan: Command<PlanFlags> = {
  name: 'plan',
  summary: 'how a context would be cut over workers, and what that would take',
  flags: () => [
    modelFlag(),
    new Option('-c, --context <TOKENS>', 'length of the prompt, as in 4096 or 16k').argParser((text) =>
      parseTokens('--context', text),
    ),
    new Option(
      '-w, --workers <N|ADDRESSES>',
      `workers to plan for (${describeBounds(workersSchema)}; 1 unless given), or running ones as HOST:PORT,HOST:PORT`,
    ).argParser(parsePlanWorkers),
    ...machineFlags().filter((option) => !LEFT_OUT.includes(option.attributeName())),
    new Option(
      '--partition <CUT>',
      'auto plans and may leave workers out; e even, s searched, p from the table, or sizes, for all workers; auto unless given',
    ).argParser(parsePartition),
    new Option(
      '--link <SPEED>',
      'what if: --workers equal workers, each as one on this machine, over links of 10Gbit, 200Mbit, 12GB/s, …',
    ).argParser((text) => parseRate('--link', text)),
    new Option('--latency <TIME>', 'latency of those links; 50us unless given').argParser((text) =>
      parseDuration('--latency', text),
    ),
    new Option(
      '--table <LENGTHS>',
      'build the table of partition p for these lengths, as in 512,1k,2k,4k',
    ).argParser(parseLengths),
    new Option(
      '--measure',
      'search by real runs, for --context or the lengths of --table; goes into the table',
    ),
    numberFlag(
      '--repeats <N>',
      'with --measure: runs of a candidate, whose median counts; 3 unless given',
      repeatsSchema,
    ),
    numberFlag('--candidates <N>', 'with --measure: candidates at most; 24 unless given', candidatesSchema),
    new Option('--fresh', 'measure workers and links again although figures of them are kept'),
    ...outputFlags(),
  ],
  epilogue: `All times are predicted, from a short measurement of the workers and links that is kept in the cache folder; with
--measure they are medians of real runs. With --link only one worker runs, and is measured; the rest is arithmetic.

--json prints { "label", "model", "contextTokens", "dtype", "kvDtype", "threads", "workers", "partition", "predictedTtftMs",
"singleTtftMs", "gain", "ranks": [ { "rank", "worker", "slice", "predictedMs", "computeMs", "attentionMs", "waitMs",
"sendMs", "limit" } ], "dropped", "planningMs" }; with --table or --measure { "label", "model", "dtype", "kvDtype", "threads",
"table", "entries": [ { "contextTokens", "workers", "partition", "ttftMs" } ] }.

Examples:
  kvr plan --model quote --workers 2 --context 4k
  kvr plan --model synthetic:llama-7b,layers=4 --workers 8 --link 10Gbit --latency 50us --context 16k
  kvr plan --model quote --workers 2 --table 512,1k,2k,4k`,
  run: runPlan,
};

async function runPlan(flags: PlanFlags, _argument: string | undefined, shell: Shell): Promise<void> {
  checkFlags(flags);
  const context = runContext(shell, flags);
  const options: EngineOptions = {
    ...engineOptions(engineFlags(flags)),
    ...(flags.fresh && { calibrate: 'fresh' }),
  };
  await withEngine(options, context, async (engine) => {
    checkContext(flags, engine);
    if (flags.table || flags.measure) return runSearch(engine, flags, context);
    return showForecast(engine, flags, context);
  });
}

async function showForecast(
  engine: Engine,
  flags: PlanFlags,
  { shell, progress }: RunContext,
): Promise<void> {
  progress.clear();
  const { context: contextTokens = 0, partition = 'auto' } = flags;
  const knowledge = knowledgeOf(engine, flags);
  const { shape } = engine.model;
  const table = partition === 'p' ? await tableOf(engine) : undefined;
  const startMs = performance.now();
  const answer = forecast({ contextTokens, shape, knowledge, partition, table });
  const planningMs = performance.now() - startMs;
  const label = labelOf(engine, flags);
  if (flags.verbose) shell.stderr.write(`kvr: planning took ${planningMs.toFixed(1)} ms\n`);
  if (flags.json) shell.stdout.write(`${JSON.stringify(document(answer, engine, label, planningMs))}\n`);
  else shell.stdout.write(forecastReport(answer, label, shell.stdout));
}

/** Measured costs of the engine's workers, or of its only one, many times over. */
function knowledgeOf(engine: Engine, { link, latency, workers }: PlanFlags) {
  const knowledge = engine.costs?.knowledge;
  const [one] = knowledge?.workers ?? [];
  if (!knowledge || !one) throw new KvrError('INTERNAL', 'the workers were not measured');
  if (link === undefined || typeof workers !== 'number') return knowledge;
  return replicate({ worker: one, kvDtype: knowledge.kvDtype }, workers, {
    bytesPerS: link,
    latencyMs: latency ?? DEFAULT_WHAT_IF_LATENCY_MS,
  });
}

function labelOf(engine: Engine, { link, latency, workers }: PlanFlags): PlanLabel {
  const names = engine.workers.map(({ handle }) => handle.id);
  const threads = threadsOf(engine);
  if (link === undefined || typeof workers !== 'number') return { threads, names };
  const latencyMs = latency ?? DEFAULT_WHAT_IF_LATENCY_MS;
  return { threads, names: [], whatIf: { workers, bytesPerS: link, latencyMs } };
}

function document(
  answer: Forecast,
  engine: Engine,
  { threads, whatIf }: PlanLabel,
  planningMs: number,
): unknown {
  const { name } = engine.model;
  const { dtype, kvDtype } = engine.settings;
  return {
    label: 'predicted',
    model: name,
    dtype,
    kvDtype,
    threads,
    ...answer,
    ...(whatIf && { whatIf }),
    planningMs,
  };
}

/** What the engine is loaded with: with --link one worker, however many are thought of. */
function engineFlags(flags: PlanFlags): ModelFlags {
  if (flags.link !== undefined) return { ...flags, workers: 1 };
  if (typeof flags.workers === 'number') return { ...flags, workers: parseWorkers(String(flags.workers)) };
  return flags;
}

/** @throws BAD_INPUT for flags that do not go together */
function checkFlags(flags: PlanFlags): void {
  const { link, latency, workers, table, measure, context, partition } = flags;
  const searches = table !== undefined || measure === true;
  const rules: readonly (readonly [isBroken: boolean, message: string])[] = [
    [
      link === undefined && latency !== undefined,
      '--latency is for --link; give a speed too, as in --link 10Gbit',
    ],
    [
      link !== undefined && typeof workers !== 'number',
      '--link describes workers that are not there; give their number, as in --workers 8',
    ],
    [link !== undefined && searches, '--table and --measure are for workers that run; leave --link out'],
    [
      link !== undefined && partition === 'p',
      'partition p is looked up for workers that run; leave --link out, or give another partition',
    ],
    [
      searches && partition !== undefined,
      '--table and --measure search the partition; leave --partition out',
    ],
    [
      table !== undefined && context !== undefined,
      '--table has its own lengths; leave --context out, or give it without --table',
    ],
    [table === undefined && context === undefined, 'no context is given; give --context, as in --context 4k'],
    [
      !measure && (flags.repeats ?? flags.candidates) !== undefined,
      '--repeats and --candidates are for --measure; give it too, or leave them out',
    ],
  ];
  const broken = rules.find(([isBroken]) => isBroken);
  if (broken) throw new KvrError('BAD_INPUT', broken[1]);
}

/** @throws PROMPT_TOO_LONG where the model takes fewer tokens than asked for, and one new one where they really run */
function checkContext({ context, table, measure }: PlanFlags, { model }: Engine): void {
  const most = measure ? model.shape.contextTokens - 1 : model.shape.contextTokens;
  const tooLong = [...(table ?? []), context ?? 0].find((tokens) => tokens > most);
  if (tooLong === undefined) return;
  throw new KvrError(
    'PROMPT_TOO_LONG',
    `a context of ${tooLong} tokens is more than the model takes; give at most ${most}`,
  );
}

function parsePlanWorkers(text: string): number | string[] {
  return text.includes(':') ? parseWorkers(text) : parseNumber('--workers', text, workersSchema);
}

function parseLengths(text: string): number[] {
  const lengths = text.split(',').map((each) => parseTokens('--table', each));
  return [...new Set(lengths)].sort((a, b) => a - b);
}
