/**
 * What the planner is asked and what it answered: the newest question wins, earlier ones are called off.
 */
import { effect, signal } from '@preact/signals';
import { getJson } from '../data/api.js';
import { type PlanDocument, planDocumentSchema } from '../../core/documents/plan-document.js';
import { info } from '../state/store.js';
import { contextStops, LATENCIES, LINKS, MAX_WORKERS, stopAt } from './stops.js';

/** Positions of the sliders; workers are a number. */
type Question = {
  readonly workers: number;
  readonly link: number;
  readonly latency: number;
  readonly contextTokens: number;
};

const DEFAULT_LINK = LINKS.findIndex(({ value }) => value === '10Gbit');
const DEFAULT_LATENCY = LATENCIES.findIndex(({ value }) => value === '50us');

export const question = signal<Question>({
  workers: 4,
  link: DEFAULT_LINK,
  latency: DEFAULT_LATENCY,
  contextTokens: 8192,
});
export const forecast = signal<PlanDocument | null>(null);
export const forecastFailure = signal<string | null>(null);
export const isForecasting = signal(false);
/** Predicted TTFT by number of workers, as far as it is known: index 0 is one worker. */
export const byWorkers = signal<readonly (number | null)[]>([]);

/** A slider that is dragged asks once it rests this long. */
const REST_MS = 120;
/** The curve takes a question a worker, so it waits until the reader looks. */
const CURVE_REST_MS = 500;

/** To be called once; asks again whenever the question or the model changes. */
export function followQuestion(): void {
  effect(() => {
    const asked = question.value;
    const contextTokens = info.value?.model.contextTokens;
    if (contextTokens === undefined) return undefined;
    const stops = contextStops(contextTokens);
    const nearest = stops[stopAt(stops, asked.contextTokens)]?.value ?? contextTokens;
    const abort = new AbortController();
    void ask({ ...asked, contextTokens: nearest }, abort.signal);
    return () => abort.abort();
  });
}

async function ask(asked: Question, abort: AbortSignal): Promise<void> {
  isForecasting.value = true;
  await rest(REST_MS, abort);
  if (abort.aborted) return;
  const answer = await getJson(pathOf(asked), planDocumentSchema, abort);
  if (abort.aborted) return;
  isForecasting.value = false;
  forecast.value = answer.isOk ? answer.value : null;
  forecastFailure.value = answer.isOk ? null : answer.failure.message;
  byWorkers.value = [];
  if (answer.isOk) await askCurve(asked, answer.value, abort);
}

async function askCurve(asked: Question, known: PlanDocument, abort: AbortSignal): Promise<void> {
  await rest(CURVE_REST_MS, abort);
  const times: (number | null)[] = [known.singleTtftMs];
  for (let workers = 2; workers <= MAX_WORKERS && !abort.aborted; workers++) {
    const answer =
      workers === asked.workers
        ? { isOk: true as const, value: known }
        : await getJson(pathOf({ ...asked, workers }), planDocumentSchema, abort);
    if (abort.aborted) return;
    times.push(answer.isOk ? answer.value.predictedTtftMs : null);
  }
  if (!abort.aborted) byWorkers.value = times;
}

function pathOf({ workers, link, latency, contextTokens }: Question): string {
  const query = new URLSearchParams({
    context: String(contextTokens),
    workers: String(workers),
    link: LINKS[link]?.value ?? '',
    latency: LATENCIES[latency]?.value ?? '',
  });
  return `kvr/plan?${query.toString()}`;
}

function rest(ms: number, abort: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    abort.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
  });
}
