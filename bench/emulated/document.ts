/**
 * The page of emulated figures: how they came about, and a table a model. Pure.
 */
import { emulatedTables } from './emulated-table.js';
import type { Piece } from './pieces.js';

export function document(pieces: readonly Piece[], latencyMs: number): string {
  const tables = emulatedTables(pieces).flatMap(({ title, lines }) => ['', `## ${title}`, '', ...lines]);
  return `${[...intro(pieces, latencyMs), ...tables].join('\n')}\n`;
}

function intro(pieces: readonly Piece[], latencyMs: number): string[] {
  const { cpu, cores, node, onnxruntime } = pieces[0]?.machine ?? {};
  return [
    '# More workers than cores, emulated',
    '',
    'Every figure on this page is emulated: the slices of all ranks really ran, one rank at a time, every kernel call timed; what links',
    'would take and what would overlap was then worked out on those times. Outputs were held to those of the uncut prompt.',
    '',
    '    npm run bench -- emulated --document docs/emulated.md',
    '',
    `${cpu}, ${cores} cores, all of them for the rank that runs; node ${node}, onnxruntime ${onnxruntime}. Links have ${latencyMs} ms of latency.`,
    'The layers that were run are all there are: nothing is extrapolated to a whole model. Two layers make one whole layer (first Q,K,V,',
    'attention, output projection, MLP) and the next one’s K,V; the last layer is run for its final row, as always.',
    '',
    'TTFT in s, medians of the rounds. TSP-dense computes all scores and masks, TSP skips the masked half; both cut evenly. KVR is',
    'the planned cut. Attention: its share of the compute of one worker that skips the masked half. Goals, over TSP-dense at the longest',
    'context: 1.4 at 4 workers, 1.6 at 8.',
  ];
}
