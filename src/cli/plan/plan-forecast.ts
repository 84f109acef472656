/**
 * `kvr plan` without a search: one forecast, for the workers that run or, with --link, for a number of equal workers
 * that need not exist.
 */
import { areStartedHere } from '../../cluster/worker-source.js';
import { KvrError } from '../../core/errors.js';
import type { Engine } from '../../engine/engine.js';
import { type Forecast, forecast, replicate } from '../../engine/partition/forecast.js';
import { tableOf } from '../../evaluation/tables/plan-table.js';
import { type RunContext, threadsOf } from '../run/engine-run.js';
import type { PlanFlags } from './plan-flags.js';
import { DEFAULT_WHAT_IF_LATENCY_MS, forecastReport, type PlanLabel, workerName } from './plan-report.js';
import { defined } from '../flags/index.js';
import { shown } from '../terminal/numbers.js';

export async function showForecast(
  engine: Engine,
  flags: PlanFlags,
  { shell, progress }: RunContext,
): Promise<void> {
  progress.clear();
  const { context: contextTokens = 0, partition = 'auto' } = flags;
  const whatIf = whatIfOf(flags);
  const knowledge = knowledgeOf(engine, whatIf);
  const { shape } = engine.model;
  const table = partition === 'p' ? await tableOf(engine) : undefined;
  const startMs = performance.now();
  const wishes = wishesOf(flags, labelOf(engine, whatIf), knowledge.workers.length);
  const answer = forecast({ contextTokens, shape, knowledge, partition, table, wishes });
  const planningMs = performance.now() - startMs;
  const label = labelOf(engine, whatIf);
  if (flags.verbose) shell.stderr.write(`kvr: planning took ${planningMs.toFixed(1)} ms\n`);
  if (flags.json) shell.stdout.write(`${JSON.stringify(document(answer, engine, label, planningMs))}\n`);
  else shell.stdout.write(forecastReport(answer, label, shell.stdout));
}

/** @throws BAD_INPUT for a worker that is not there */
function wishesOf(
  { prefer, decodeOn, maxTokens: answerTokens }: PlanFlags,
  { names }: PlanLabel,
  count: number,
) {
  const wishes = defined({ prefer, answerTokens });
  if (decodeOn === undefined) return wishes;
  const known = Array.from({ length: count }, (_, worker) => workerName(worker, names));
  const place = known.findIndex((name) => name === decodeOn || name === `worker ${decodeOn}`);
  if (place >= 0) return { ...wishes, decodeOn: place };
  const words = `--decode-on ${shown(decodeOn)} is no worker of this plan; give one of ${known.slice(0, MAX_NAMES).join(', ')}`;
  throw new KvrError('BAD_INPUT', words);
}

/** Of workers in a message. */
const MAX_NAMES = 8;

/** The workers and links that --link describes; undefined without it. */
function whatIfOf({ link, latency, workers }: PlanFlags): PlanLabel['whatIf'] {
  if (link === undefined || workers === undefined || !areStartedHere(workers)) return undefined;
  return { workers, bytesPerS: link, latencyMs: latency ?? DEFAULT_WHAT_IF_LATENCY_MS };
}

/** Measured costs of the engine's workers; for a what-if, those of its only worker repeated. */
function knowledgeOf(engine: Engine, whatIf: PlanLabel['whatIf']) {
  const knowledge = engine.costs?.knowledge;
  const [worker] = knowledge?.workers ?? [];
  if (!knowledge || !worker) throw new KvrError('INTERNAL', 'the workers were not measured');
  if (!whatIf) return knowledge;
  const { workers, ...link } = whatIf;
  return replicate({ worker, kvDtype: knowledge.kvDtype }, workers, link);
}

function labelOf(engine: Engine, whatIf: PlanLabel['whatIf']): PlanLabel {
  const threads = threadsOf(engine);
  if (whatIf) return { threads, names: [], whatIf };
  return { threads, names: engine.workers.map(({ handle }) => handle.id) };
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
