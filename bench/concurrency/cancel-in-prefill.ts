/**
 * From a cancel in mid-prefill until each rank has put the request down.
 */
import { type Engine, KvrError } from '../../src/index.js';
import { layerMsByRank, ranksDropped } from '../runner/cancelled-ranks.js';
import { columnsOf, type Table, tableOf } from '../runner/table.js';
import type { Flags, Prompts } from './flags.js';
import { type Quantiles, quantilesOf, quantileWords } from './quantiles.js';

type Row = {
  readonly layerMsByRank: readonly number[];
  readonly idleMs: Quantiles;
  readonly timesMs: readonly number[];
};

const CANCELS = 5;
/** The request is cancelled once so much of the prompt is read. */
const CANCEL_AT = 0.3;

export async function cancelInPrefill(engine: Engine, { context }: Flags, prompts: Prompts): Promise<Table> {
  const layerMs = await layerMsByRank(engine, prompts.ids(context));
  const timesMs: number[] = [];
  for (let cancel = 0; cancel < CANCELS; cancel++)
    timesMs.push(...(await cancelOne(engine, prompts.ids(context))));
  const title = `A prompt of ${context} tokens, cancelled ${CANCELS} times in mid-prefill`;
  const rows = [{ layerMsByRank: layerMs, idleMs: quantilesOf(timesMs), timesMs }];
  return tableOf({ name: 'cancel', title, label: 'measured' }, COLUMNS, rows);
}

/** @returns milliseconds until each rank was idle; none where the prompt was read before the cancel */
async function cancelOne(engine: Engine, promptIds: number[]): Promise<number[]> {
  const stop = new AbortController();
  const ended = ranksDropped(engine);
  let stoppedMs = 0;
  try {
    const request = { promptIds, maxTokens: 1, partition: 'e', signal: stop.signal } as const;
    for await (const event of engine.generate(request)) {
      if (event.type !== 'prefill' || event.fraction < CANCEL_AT || stop.signal.aborted) continue;
      stoppedMs = performance.now();
      stop.abort();
    }
    return [];
  } catch (error) {
    if (!(error instanceof KvrError) || error.code !== 'CANCELLED') throw error;
    return (await ended).map((ms) => ms - stoppedMs);
  }
}

const { words } = columnsOf<Row>();
const COLUMNS = [
  words('one layer ms, by rank', (row) => row.layerMsByRank.map((ms) => ms.toFixed(0)).join(' ')),
  words('idle after ms, p50 / p95 / max', ({ idleMs }) => quantileWords(idleMs)),
];
