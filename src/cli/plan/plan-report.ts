/**
 * A forecast for people: the cut, a line a rank, what it gains, and who was left out. Everything in it is predicted.
 */
import {
  DEFAULT_WHAT_IF_LATENCY_MS,
  type Forecast,
  type ForecastRank,
} from '../../engine/partition/forecast.js';
import { cut, formatBytes, formatCount, formatMs, formatPlural, wrap } from '../terminal/format.js';
import { paintFor } from '../terminal/paint.js';
import { chainWords } from '../run/report.js';
import type { Output } from '../terminal/shell.js';

export { DEFAULT_WHAT_IF_LATENCY_MS };

/** Which workers a forecast is for: running ones by name, or equal ones that need not exist. */
export type PlanLabel = {
  /** Of each worker. */
  readonly threads: number;
  readonly names: readonly string[];
  readonly whatIf?: { readonly workers: number; readonly bytesPerS: number; readonly latencyMs: number };
};

/** Lines no wider than the output. */
export function forecastReport(answer: Forecast, label: PlanLabel, output: Output): string {
  const paint = paintFor(output.hasColours);
  const { columns } = output;
  const [heading = '', ...rows] = rankTable(answer, label).map((line) => cut(line, columns));
  const lines = [
    wrap(titleOf(answer, label), columns),
    '',
    paint('dim', heading),
    ...rows,
    '',
    wrap(gainWords(answer), columns),
    ...orderLines(answer).map((line) => wrap(line, columns)),
    ...droppedLines(answer, label).map((line) => wrap(line, columns)),
  ];
  return `${lines.join('\n')}\n`;
}

function titleOf({ contextTokens, workers, partition }: Forecast, { threads, whatIf }: PlanLabel): string {
  const sizes = `${formatCount(contextTokens)} tokens as ${partition.join(',')}`;
  if (!whatIf) return `${sizes} over ${chainWords(workers, threads)} (predicted)`;
  const link = `${linkWords(whatIf.bytesPerS)} and ${latencyWords(whatIf.latencyMs)}`;
  const of = workers === whatIf.workers ? '' : `${workers} of `;
  return `${sizes} over ${of}${formatPlural(whatIf.workers, 'equal worker')} × ${formatPlural(threads, 'thread')} (predicted for links of ${link}, from one worker measured here)`;
}

/** '10 Gbit/s'. */
export function linkWords(bytesPerS: number): string {
  const bits = 8 * bytesPerS;
  return bits >= 1e12 ? `${formatBytes(bytesPerS)}/s` : `${formatBytes(bits).replace(/B$/, 'bit')}/s`;
}

/** '50 us', '5 ms'. */
export function latencyWords(latencyMs: number): string {
  return latencyMs < 1
    ? `${Number((1000 * latencyMs).toPrecision(3))} us`
    : `${Number(latencyMs.toPrecision(3))} ms`;
}

const HEADING = ['rank', 'worker', 'tokens', 'compute', 'attention', 'wait', 'ends', 'limit'];
/** Worker and limit. */
const LEFT: readonly number[] = [1, 7];
/** A table stays inside 80 cells with it. */
const MAX_NAME_CHARS = 22;

/** Columns as wide as what stands in them: numbers to the right, names to the left. */
function rankTable({ ranks }: Forecast, { names }: PlanLabel): string[] {
  const rows = [HEADING, ...ranks.map((rank) => rankCells(rank, names))];
  const widths = HEADING.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const pad = (cell: string, column: number): string => {
    const width = widths[column] ?? 0;
    return LEFT.includes(column) ? cell.padEnd(width) : cell.padStart(width);
  };
  return rows.map((row) => row.map(pad).join('  ').trimEnd());
}

function rankCells(one: ForecastRank, names: readonly string[]): string[] {
  const { rank, worker, slice, computeMs, attentionMs, waitMs, predictedMs, limit } = one;
  const times = [computeMs, attentionMs, waitMs, predictedMs].map(formatMs);
  const tokens = formatCount(slice[1] - slice[0]);
  return [String(rank), cut(workerName(worker, names), MAX_NAME_CHARS), tokens, ...times, limit];
}

/** Of a worker that need not exist, its number. */
export function workerName(worker: number, names: readonly string[]): string {
  return names[worker] ?? `worker ${worker}`;
}

function gainWords({ predictedTtftMs, singleTtftMs, gain, workers }: Forecast): string {
  const first = `first token after ${formatMs(predictedTtftMs)}`;
  if (workers === 1) return `${first}, on one worker alone`;
  const words =
    gain >= 1 ? `${gain.toFixed(2)} times as fast` : `not faster (${gain.toFixed(2)} times as fast)`;
  return `${first}; one worker alone ${formatMs(singleTtftMs)}: ${words}`;
}

/** A chain of one needs no word. */
function orderLines({ orderReason, decodeTokenMs, workers }: Forecast): string[] {
  if (orderReason === undefined || workers === 1) return [];
  const decode = decodeTokenMs === undefined ? '' : `; one further token ${formatMs(decodeTokenMs)}`;
  return [`order: ${orderReason}${decode}`];
}

function droppedLines({ dropped }: Forecast, { names }: PlanLabel): string[] {
  return dropped.map(({ worker, reason }) => `left out: ${workerName(worker, names)}: ${reason}`);
}
