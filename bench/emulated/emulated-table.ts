/**
 * Emulated pieces as a row for every length, number of workers and link. Pure.
 */
import { columnsOf, type Table, tableOf } from '../runner/table.js';
import { medianRange } from '../../src/core/statistics.js';
import type { Piece } from './pieces.js';

type Cell = Piece['cells'][number];

export type EmulatedRow = {
  readonly contextTokens: number;
  readonly workers: number;
  readonly linkGbit: number;
  /** Of the compute of one worker that skips the masked half. */
  readonly attentionShare: number;
  /** Milliseconds to the first token; medians over the rounds. */
  readonly ttftMs: { readonly tspDense: number; readonly tsp: number; readonly kvr: number };
  readonly speedupOverTspDense: number;
  readonly speedupOverTsp: number;
  readonly partition: readonly number[];
  /** How many times as fast as dense TSP planned KVR should be; at the longest context alone. */
  readonly goal: number | undefined;
};

/** Over dense TSP, by number of workers. */
export const GOALS: ReadonlyMap<number, number> = new Map([
  [4, 1.4],
  [8, 1.6],
]);

/** 'llama-7b, 2 layers, w8a8': a model has a table of its own. */
export function modelWords({ name, layers, dtype }: Piece): string {
  return `${name}, ${layers} layers, ${dtype}`;
}

export function emulatedTables(pieces: readonly Piece[]): Table[] {
  return [...new Set(pieces.map(modelWords))].sort().map((title) => {
    const rows = [...rowsOf(pieces.filter((piece) => modelWords(piece) === title))];
    return tableOf({ name: 'emulated', title, label: 'emulated' }, COLUMNS, rows);
  });
}

export function isMissed({ goal, speedupOverTspDense }: EmulatedRow): boolean {
  return goal !== undefined && speedupOverTspDense < goal;
}

/** @param pieces of one model */
function* rowsOf(pieces: readonly Piece[]): Generator<EmulatedRow> {
  const contexts = distinct(pieces.map((piece) => piece.contextTokens));
  for (const contextTokens of contexts) {
    const cells = pieces.flatMap((piece) => (piece.contextTokens === contextTokens ? piece.cells : []));
    for (const workers of distinct(cells.map((cell) => cell.workers)).filter((count) => count > 1)) {
      for (const linkGbit of distinct(cells.flatMap(gbitOf)).reverse()) {
        const goal = contextTokens === contexts.at(-1) ? GOALS.get(workers) : undefined;
        yield rowOf({ contextTokens, workers, linkGbit, goal }, cells);
      }
    }
  }
}

function rowOf(
  key: Pick<EmulatedRow, 'contextTokens' | 'workers' | 'linkGbit' | 'goal'>,
  cells: readonly Cell[],
): EmulatedRow {
  const single = cells.filter(({ strategy }) => strategy === 'single');
  const own = cells.filter((cell) => cell.workers === key.workers && gbitOf(cell)[0] === key.linkGbit);
  const of = (strategy: string): Cell[] => own.filter((cell) => cell.strategy === strategy);
  const ms = (strategy: string): number =>
    medianRange(of(strategy).map(({ ttftMs }) => ttftMs.median)).median;
  const ttftMs = { tspDense: ms('tsp-dense'), tsp: ms('tsp'), kvr: ms('kvr') };
  return {
    ...key,
    attentionShare: medianRange(single.map((cell) => cell.attentionShare)).median,
    ttftMs,
    speedupOverTspDense: ttftMs.tspDense / ttftMs.kvr,
    speedupOverTsp: ttftMs.tsp / ttftMs.kvr,
    partition: of('kvr')[0]?.partition ?? [],
  };
}

/** None for a cell without a link. */
function gbitOf({ link }: Cell): number[] {
  return link ? [(8 * link.bytesPerS) / 1e9] : [];
}

function distinct(values: readonly number[]): number[] {
  return [...new Set(values)].sort((a, b) => a - b);
}

function goalWords(row: EmulatedRow): string {
  if (row.goal === undefined) return '';
  return isMissed(row) ? ` (goal ${row.goal} missed)` : ' (goal met)';
}

const { figure, words } = columnsOf<EmulatedRow>();
const COLUMNS = [
  words('context', ({ contextTokens }) => contextTokens.toLocaleString('en')),
  figure('workers', ({ workers }) => workers),
  words('link', ({ linkGbit }) => `${linkGbit} Gbit/s`),
  words('attention', ({ attentionShare }) => `${(100 * attentionShare).toFixed(0)} %`),
  figure('TSP-dense s', ({ ttftMs }) => ttftMs.tspDense / 1000, 2),
  figure('TSP s', ({ ttftMs }) => ttftMs.tsp / 1000, 2),
  figure('KVR s', ({ ttftMs }) => ttftMs.kvr / 1000, 2),
  words('KVR over TSP-dense', (row) => `${row.speedupOverTspDense.toFixed(2)}${goalWords(row)}`),
  figure('KVR over TSP', (row) => row.speedupOverTsp, 2),
  words('KVR cut', ({ partition }) => partition.join()),
];
