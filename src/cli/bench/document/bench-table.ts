/**
 * A bench for people: a Markdown table that can be pasted, with what its figures depend on above it. Pure.
 */
import type { BenchCell } from '../../../evaluation/bench/index.js';
import type { BenchDocument } from './bench-document.js';
import { formatBytes, formatCount, formatMs, formatPlural, formatShare } from '../../terminal/format.js';

type Column = {
  readonly title: string;
  readonly isNumber: boolean;
  readonly of: (cell: BenchCell) => string;
};

const text = (title: string, of: Column['of']): Column => ({ title, isNumber: false, of });
const number = (title: string, of: Column['of']): Column => ({ title, isNumber: true, of });

export const COLUMNS: readonly Column[] = [
  number('context', ({ contextTokens }) => formatCount(contextTokens)),
  text('strategy', ({ strategy }) => strategy),
  text('workers', workersWords),
  text('label', ({ label }) => label),
  number('TTFT', ({ ttftMs }) => formatMs(ttftMs.median)),
  text('min – max', ({ ttftMs }) => `${formatMs(ttftMs.min)} – ${formatMs(ttftMs.max)}`),
  number('predicted', ({ predictedTtftMs }) => (predictedTtftMs === null ? '–' : formatMs(predictedTtftMs))),
  number('× single', ({ speedupOverSingle }) => formatFactor(speedupOverSingle)),
  number('× TSP-dense', ({ speedupOverTspDense }) => formatFactor(speedupOverTspDense)),
  number('× TSP', ({ speedupOverTsp }) => formatFactor(speedupOverTsp)),
  number('attention', ({ attentionShare }) => formatShare(attentionShare)),
  text('partition', ({ partition }) => partition.join(',')),
];

/** Only where links were modelled. */
const LINK_COLUMN: Column = text('link', linkWords);

/** '4 × 1 thread', or '3 of 4 × 1 thread' where the plan left one out. */
export function workersWords({ workers, partition, threads }: BenchCell): string {
  const used = partition.length === workers ? `${workers}` : `${partition.length} of ${workers}`;
  return `${used} × ${formatPlural(threads, 'thread')}`;
}

/** '10 Gbit/s, 0.05 ms'. */
export function linkWords({ link }: BenchCell): string {
  if (!link) return '–';
  const gigabits = (8 * link.bytesPerS) / 1e9;
  const rate = gigabits >= 1 ? `${round(gigabits)} Gbit/s` : `${round(1000 * gigabits)} Mbit/s`;
  return `${rate}, ${round(link.latencyMs)} ms`;
}

export function columnsFor(cells: readonly BenchCell[]): readonly Column[] {
  const hasLinks = cells.some(({ link }) => link !== undefined);
  return hasLinks ? [...COLUMNS.slice(0, 3), LINK_COLUMN, ...COLUMNS.slice(3)] : COLUMNS;
}

/** The whole text, ending with a line end. */
export function benchMarkdown(document: BenchDocument, cells: readonly BenchCell[]): string {
  const table = markdownTable(columnsFor(cells), cells);
  return `${[...factLines(document).map((line) => `${line}\n`), ...table].join('\n')}\n`;
}

/** Each a sentence or two, without Markdown. */
export function factLines({ model, machine, repeats, firstTokens, notes, command }: BenchDocument): string[] {
  const { cpu, cores, memoryBytes, node, onnxruntime } = machine;
  return [
    `Time to first token of ${model.name} (${formatCount(model.layers)} layers, ${formatCount(model.parameters)} parameters), ${repeats === 1 ? 'one run each' : `medians of ${repeats} runs`}.`,
    `${cpu}, ${formatPlural(cores, 'core')}, ${formatBytes(memoryBytes)}; node ${node}, onnxruntime ${onnxruntime}.`,
    `All runs of a context gave the same first token: ${firstTokens.map(({ contextTokens, firstToken }) => `${firstToken} at ${formatCount(contextTokens)}`).join(', ')}.`,
    ...notes.map((note) => `Note: ${note}.`),
    `Made by: ${command}`,
  ];
}

function markdownTable(columns: readonly Column[], cells: readonly BenchCell[]): string[] {
  const rows = [columns.map(({ title }) => title), ...cells.map((cell) => columns.map(({ of }) => of(cell)))];
  const widths = columns.map((_, index) => Math.max(...rows.map((row) => (row[index] ?? '').length)));
  const line = (row: readonly string[]): string => {
    const padded = row.map((entry, index) =>
      columns[index]?.isNumber ? entry.padStart(widths[index] ?? 0) : entry.padEnd(widths[index] ?? 0),
    );
    return `| ${padded.join(' | ')} |`;
  };
  const rule = columns.map(({ isNumber }, index) => {
    const dashes = '-'.repeat(Math.max(2, (widths[index] ?? 2) - (isNumber ? 1 : 0)));
    return isNumber ? `${dashes}:` : dashes;
  });
  const [head = [], ...body] = rows;
  return [line(head), line(rule), ...body.map(line)];
}

function formatFactor(factor: number | null): string {
  return factor === null ? '–' : factor.toFixed(2);
}

function round(value: number): string {
  return String(Number(value.toPrecision(4)));
}
