/**
 * The page of emulated figures: a table a model, a row for every length, number of workers and link. Pure.
 */
import type { Dtype } from '../../src/core/shape.js';
import { median } from '../../src/core/statistics.js';
import type { BenchCell, MachineFacts } from '../../src/evaluation/bench/index.js';

/** One model at one length, all strategies and clusters, one round. */
export type Piece = {
  readonly name: string;
  readonly layers: number;
  readonly contextTokens: number;
  readonly dtype: Dtype;
  readonly machine: MachineFacts;
  readonly tookMs: number;
  readonly cells: readonly Omit<BenchCell, 'timeline' | 'runsMs'>[];
};

type Cell = Piece['cells'][number];

/** The goals over dense TSP, at the longest context. */
const GOALS = new Map([
  [4, 1.4],
  [8, 1.6],
]);

export function document(pieces: readonly Piece[], latencyMs: number): string {
  const models = [...new Set(pieces.map(modelWords))].sort();
  const tables = models.map((model) =>
    tableOf(
      model,
      pieces.filter((piece) => modelWords(piece) === model),
    ),
  );
  return `${[...intro(pieces, latencyMs), ...tables.flat()].join('\n')}\n`;
}

function intro(pieces: readonly Piece[], latencyMs: number): string[] {
  const { cpu, cores, node, onnxruntime } = pieces[0]?.machine ?? {};
  return [
    '# More workers than cores, emulated',
    '',
    'Every figure on this page is emulated: the slices of all ranks really ran, one rank at a time, every kernel call timed; what links',
    'would take and what would overlap was then worked out on those times. Outputs were held to those of the uncut prompt.',
    '',
    '    npm run bench:emulated',
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

function tableOf(model: string, pieces: readonly Piece[]): string[] {
  const head = [
    'context',
    'workers',
    'link',
    'attention',
    'TSP-dense',
    'TSP',
    'KVR',
    'KVR over TSP-dense',
    'KVR over TSP',
    'KVR cut',
  ];
  const rows = [...rowsOf(pieces)].map((row) => `| ${row.join(' | ')} |`);
  return [
    '',
    `## ${model}`,
    '',
    `| ${head.join(' | ')} |`,
    `|${head.map((_, at) => (at === 2 || at === 9 ? '---|' : '--:|')).join('')}`,
    ...rows,
  ];
}

function* rowsOf(pieces: readonly Piece[]): Generator<string[]> {
  const longest = Math.max(...pieces.map(({ contextTokens }) => contextTokens));
  for (const contextTokens of distinct(pieces.map((piece) => piece.contextTokens))) {
    const cells = pieces.flatMap((piece) => (piece.contextTokens === contextTokens ? piece.cells : []));
    const share = median(
      cells.filter(({ strategy }) => strategy === 'single').map((cell) => cell.attentionShare),
      NaN,
    );
    for (const workers of distinct(cells.map((cell) => cell.workers)).filter((count) => count > 1)) {
      for (const rate of distinct(cells.map(rateOf))
        .filter((known) => known > 0)
        .reverse()) {
        const own = cells.filter((cell) => cell.workers === workers && rateOf(cell) === rate);
        yield rowOf(contextTokens, share, own, contextTokens === longest ? GOALS.get(workers) : undefined);
      }
    }
  }
}

function rowOf(
  contextTokens: number,
  share: number,
  cells: readonly Cell[],
  goal: number | undefined,
): string[] {
  const of = (strategy: string): Cell[] => cells.filter((cell) => cell.strategy === strategy);
  const ms = (strategy: string): number =>
    median(
      of(strategy).map((cell) => cell.ttftMs.median),
      NaN,
    );
  const [kvr] = of('kvr');
  const over = (strategy: string): number => ms(strategy) / ms('kvr');
  const verdict =
    goal === undefined ? '' : over('tsp-dense') >= goal ? ' (goal met)' : ` (goal ${goal} missed)`;
  return [
    contextTokens.toLocaleString('en'),
    String(kvr?.workers),
    `${(rateOf(kvr) * 8) / 1e9} Gbit/s`,
    `${(100 * share).toFixed(0)} %`,
    ...['tsp-dense', 'tsp', 'kvr'].map((strategy) => (ms(strategy) / 1000).toFixed(2)),
    `${over('tsp-dense').toFixed(2)}${verdict}`,
    over('tsp').toFixed(2),
    kvr?.partition.join() ?? '',
  ];
}

const modelWords = ({ name, layers, dtype }: Piece): string => `${name}, ${layers} layers, ${dtype}`;
const rateOf = (cell: Cell | undefined): number => cell?.link?.bytesPerS ?? 0;

function distinct(values: readonly number[]): number[] {
  return [...new Set(values)].sort((a, b) => a - b);
}
