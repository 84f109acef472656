/**
 * What `kvr inspect` tells people.
 */
import type { WorkerMemory } from '../../engine/load/memory.js';
import { cut, formatBytes, formatCount, oneLine } from '../terminal/format.js';
import { paintFor } from '../terminal/paint.js';
import type { Output } from '../terminal/shell.js';
import type { InspectFacts } from './inspect-facts.js';

/** What a checkpoint is, then a line of memory a worker; lines no wider than the output. */
export function inspectReport(facts: InspectFacts, output: Output): string {
  const paint = paintFor(output.hasColours);
  const rows: [name: string, value: string][] = [
    ['model', oneLine(facts.model)],
    ['architecture', `${facts.architecture}, ${facts.layers} layers, ${facts.hidden} wide`],
    ['attention', `${facts.heads} heads of ${facts.headDim}, ${facts.kvHeads} for keys and values`],
    ['feed-forward', `${formatCount(facts.feedForward)} wide`],
    ['parameters', formatCount(facts.parameters)],
    ...storedRows(facts),
    ['vocabulary', `${formatCount(facts.vocabulary)} tokens, ${facts.tokenizer}`],
    ['chat template', facts.hasChatTemplate ? 'yes' : 'none'],
    ['context', `${formatCount(facts.contextTokens)} tokens`],
    ['keys and values', `${formatBytes(facts.kvBytesPerToken)} a token, ${facts.kvDtype}`],
    ['digest', facts.digest.slice(0, 24)],
    [
      'compiled',
      facts.isCompiled ? `yes, ${facts.dtype}` : `no; the first run compiles it to ${facts.dtype}`,
    ],
  ];
  const lines = rows.map(
    ([name, value]) => `${paint('dim', name.padEnd(16))} ${cut(value, output.columns - 17)}`,
  );
  return `${[...lines, '', ...memoryLines(facts, output)].join('\n')}\n`;
}

/** How a file that mixes kinds stores its weights. */
function storedRows({ storedKinds }: InspectFacts): [name: string, value: string][] {
  if (!storedKinds) return [];
  return [
    ['stored as', `${kindShares(storedKinds.layers)}; embedding and head ${kindShares(storedKinds.others)}`],
  ];
}

/** The kinds by their shares, the largest first; norms and biases, below a percent, are left out. */
function kindShares(kinds: Readonly<Record<string, number>>): string {
  const total = Object.values(kinds).reduce((sum, count) => sum + count, 0);
  const shares = Object.entries(kinds)
    .map(([name, count]) => ({ name, percent: (100 * count) / total }))
    .filter(({ percent }) => percent >= 1)
    .sort((a, b) => b.percent - a.percent);
  return shares.map(({ name, percent }) => `${name} ${percent.toFixed(0)} %`).join(', ');
}

const PARTS = ['weightBytes', 'wideBytes', 'kvBytes', 'activationBytes', 'baseBytes', 'totalBytes'] as const;
const HEADINGS = ['weights', 'again', 'KV', 'activations', 'process', 'in all'];

function memoryLines(
  { memory, memoryTokens, newTokens, running }: InspectFacts,
  { columns }: Output,
): string[] {
  const cell = (text: string): string => text.padStart(12);
  const row = (part: WorkerMemory, rank: number): string =>
    `rank ${String(rank).padStart(3)}${PARTS.map((name) => cell(formatBytes(part[name]))).join('')}`;
  const times = running === 1 ? '' : `, ${formatCount(running)} such requests at once`;
  return [
    `memory a worker will need (predicted), ${formatCount(memoryTokens)} prompt tokens + ${formatCount(newTokens)} new${times}`,
    `        ${HEADINGS.map(cell).join('')}`,
    ...memory.map(row),
  ].map((line) => cut(line, columns));
}
