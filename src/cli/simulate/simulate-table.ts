/**
 * Simulated rows for people: the described cluster, and a table. Pure.
 */
import type { ClusterProfile, Policy } from '../../simulate/index.js';
import { formatBytes, formatCount, formatMs, formatShare, wrap } from '../terminal/format.js';
import { latencyWords, linkWords } from '../plan/plan-report.js';
import { deviceWords, tableLines } from './table-lines.js';
import type { SimulationPlan, SimulationRow } from './simulate-rows.js';

const MAX_SIZES = 8;

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

function clusterWords({ device, link, noise }: ClusterProfile): string {
  const noisy = noise ? `, ${formatShare(noise.share)} of the layers ${noise.slowdown} times slower` : '';
  return `Workers of ${deviceWords(device)}; links of ${linkWords(link.bytesPerS)} and ${latencyWords(link.latencyMs)}${noisy}`;
}

function policyWords({ relay, diagonal, prunesLastLayer }: Policy): string {
  const own = diagonal === 'half' ? 'skipping the masked half' : 'computing the masked half too';
  return `${relay} relays, ${own}, last layer ${prunesLastLayer ? 'for the final token only' : 'in full'}`;
}

function sizes(partition: readonly number[] | null): string {
  if (partition === null) return 'by layers';
  if (partition.length <= MAX_SIZES) return partition.join();
  return `${partition.slice(0, 3).join()},…,${partition.at(-1)}`;
}

function factor(value: number | null): string {
  return value === null ? '–' : value.toFixed(2);
}
