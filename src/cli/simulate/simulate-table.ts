/**
 * Simulated rows for people: what was described, a table, and for the paper's cases how far off they are. Pure.
 */
import type { ClusterProfile, DeviceProfile, PaperRow, Policy } from '../../simulate/index.js';
import { NOISE_SEEDS, PAPER_NOISE } from '../../simulate/index.js';
import { formatBytes, formatCount, formatMs, formatShare, wrap } from '../terminal/format.js';
import { latencyWords, linkWords } from '../plan/plan-report.js';
import type { SimulationPlan, SimulationRow } from './simulate-rows.js';

const MAX_SIZES = 8;
/** A published figure and ours are told with so many digits. */
const RATIO_DIGITS = 3;

export function simulationTable(
  plan: SimulationPlan,
  rows: readonly SimulationRow[],
  columns: number,
): string {
  const title = `Time to first token of ${plan.modelName} (simulated). ${clusterWords(plan.cluster)}; ${policyWords(plan.policy)}.`;
  const head = [
    'context',
    'strategy',
    'workers',
    'TTFT',
    '× single',
    '× TSP-dense',
    '× TSP',
    'attention',
    'traffic',
    'partition',
  ];
  const cells = rows.map((row) => [
    formatCount(row.contextTokens),
    row.strategy,
    formatCount(row.workers),
    formatMs(row.simulated),
    factor(row.speedupOverSingle),
    factor(row.speedupOverTspDense),
    factor(row.speedupOverTsp),
    formatShare(row.attentionShare),
    formatBytes(Math.round(row.trafficBytes)),
    sizes(row.partition),
  ]);
  return `${wrap(title, columns)}\n\n${tableLines(head, cells, [1, 9]).join('\n')}\n`;
}

/** @returns cases, published and simulated, then the residuals and the profile they were made on */
export function paperTable(rows: readonly PaperRow[], device: DeviceProfile, columns: number): string {
  const head = ['published', 'simulated', 'difference', 'case'];
  const cells = rows.map((row) => [
    row.published === null ? '–' : ratio(row.published),
    ratio(row.simulated),
    row.difference === null ? '–' : percent(row.difference),
    row.note === undefined ? row.case : `${row.case} ${marker(rows, row)}`,
  ]);
  const notes = notesOf(rows).map((note, index) => wrap(`[${index + 1}] ${note}`, columns));
  return [
    wrap(
      "The paper's cases beside the simulator's: ratios of times to the first token, over the paper's TSP (dense).",
      columns,
    ),
    '',
    ...tableLines(head, cells, [3]),
    '',
    ...notes,
    '',
    wrap(residualWords(rows), columns),
    wrap(
      `Profile of all rows: ${deviceWords(device)}. Noise: ${formatShare(PAPER_NOISE.share)} of a link's layers ${PAPER_NOISE.slowdown} times as long, mean of ${NOISE_SEEDS} draws.`,
      columns,
    ),
    '',
  ].join('\n');
}

export type Residuals = {
  readonly rows: number;
  /** Means and largest of |simulated/published − 1| over rows with a published figure. */
  readonly meanDifference: number;
  readonly largestDifference: number;
  readonly within10Percent: number;
};

export function residualsOf(rows: readonly PaperRow[]): Residuals {
  const differences = rows.flatMap(({ difference }) => (difference === null ? [] : [Math.abs(difference)]));
  return {
    rows: differences.length,
    meanDifference: differences.reduce((sum, one) => sum + one, 0) / Math.max(1, differences.length),
    largestDifference: Math.max(0, ...differences),
    within10Percent: differences.filter((one) => one <= 0.1).length,
  };
}

function residualWords(rows: readonly PaperRow[]): string {
  const { rows: count, meanDifference, largestDifference, within10Percent } = residualsOf(rows);
  return `Of ${count} published figures ${within10Percent} are met within 10 %; differences are ${(100 * meanDifference).toFixed(1)} % on average and ${(100 * largestDifference).toFixed(1)} % at most.`;
}

function clusterWords({ device, link, noise }: ClusterProfile): string {
  const noisy = noise ? `, ${formatShare(noise.share)} of the layers ${noise.slowdown} times slower` : '';
  return `Workers of ${deviceWords(device)}; links of ${linkWords(link.bytesPerS)} and ${latencyWords(link.latencyMs)}${noisy}`;
}

function deviceWords(device: DeviceProfile): string {
  const { matmulFlopsPerS, attentionFlopsPerS, memoryBytesPerS, scoreBytes, layerOverheadMs, elementBytes } =
    device;
  return `${flops(matmulFlopsPerS)} in products, ${flops(attentionFlopsPerS)} and ${scoreBytes} bytes a score in attention, ${formatBytes(memoryBytesPerS)}/s of memory, ${layerOverheadMs} ms a layer, ${8 * elementBytes} bits an element`;
}

function policyWords({ relay, diagonal, prunesLastLayer }: Policy): string {
  const own = diagonal === 'half' ? 'skipping the masked half' : 'computing the masked half too';
  return `${relay} relays, ${own}, last layer ${prunesLastLayer ? 'for the final token only' : 'in full'}`;
}

function flops(rate: number): string {
  return rate >= 1e12 ? `${rate / 1e12} TFLOP/s` : `${rate / 1e9} GFLOP/s`;
}

function marker(rows: readonly PaperRow[], { note = '' }: PaperRow): string {
  return `[${notesOf(rows).indexOf(note) + 1}]`;
}

/** Each once, though several rows may share it. */
function notesOf(rows: readonly PaperRow[]): string[] {
  return [...new Set(rows.flatMap(({ note }) => (note === undefined ? [] : [note])))];
}

function sizes(partition: readonly number[] | null): string {
  if (partition === null) return 'by layers';
  if (partition.length <= MAX_SIZES) return partition.join();
  return `${partition.slice(0, 3).join()},…,${partition.at(-1)}`;
}

function factor(value: number | null): string {
  return value === null ? '–' : value.toFixed(2);
}

function ratio(value: number): string {
  return value.toFixed(RATIO_DIGITS);
}

function percent(value: number): string {
  return `${value >= 0 ? '+' : '−'}${(100 * Math.abs(value)).toFixed(1)} %`;
}

/** @param left columns of words; the others are numbers */
function tableLines(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  left: readonly number[],
): string[] {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return left.includes(column) ? cell.padEnd(width) : cell.padStart(width);
      })
      .join('  ')
      .trimEnd(),
  );
}
