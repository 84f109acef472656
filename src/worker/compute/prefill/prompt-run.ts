/**
 * One request's way through the prompt phase on one rank: what it works with, and what its last row becomes.
 */
import type { Clock } from '../../../core/clock.js';
import type { Slice } from '../../../core/partition.js';
import { strategyOf } from '../../../core/strategy.js';
import type { BackendModel } from '../../../runtime/backend/backend.js';
import type { AttendedRows, CacheRows, StateRows } from '../../../runtime/backend/rows.js';
import type { ActiveRequest } from '../requests/active-request.js';
import type { HeldRows } from '../requests/held-rows.js';
import type { PromptKernel } from '../requests/pace.js';
import type { Exchange } from './exchange.js';
import type { PooledRows } from './row-sum.js';
import type { ScoredRows } from '../../threads/thread-messages.js';
import type { Pause } from './turns.js';

/** What the loop needs of the worker beside the request. */
export type PrefillContext = {
  readonly model: BackendModel;
  readonly clock: Clock;
  readonly chunkTokens: number;
  readonly reportProgress: (request: number, layer: number) => void;
  readonly reportScores: (request: number, scored: ScoredRows) => void;
  /** Rows that may go through a kernel in one call now. */
  readonly rowsAtOnce: () => number;
  /** Reads the front of a request's rows from disk, where some may be there. */
  readonly restore?: ((request: ActiveRequest) => AsyncGenerator<Pause, void, void>) | undefined;
  readonly noteCall: (kernel: PromptKernel, rows: number, ms: number) => void;
};

/** One request's way through the loop. */
export type Run = {
  readonly bench: PrefillContext;
  readonly request: ActiveRequest;
  readonly exchange: Exchange;
  readonly held: HeldRows;
  /** Of the last layer, where the cache takes them late: the prefix may come after them. */
  readonly lastRows: RowsFrom[];
};

/** Keys and values of rows from `start` on. */
export type RowsFrom = { readonly start: number; readonly rows: CacheRows };

/** A run of a slice's rows, as the last block left them. */
export type Chunk = Slice & { rows: StateRows };
/** Rows of a chunk that go through the kernels in one call. */
export type Part = { readonly start: number; readonly rows: StateRows };

/** What the prompt phase leaves: logits or a pooled row on the last rank, and on all ranks their pooled rows where all count. */
export type PromptEnd = {
  /** After the prompt, [vocabulary]. */
  readonly logits?: Float32Array;
  readonly pooled?: PooledRows;
};

export function attend({ bench, request }: Run, layer: number, { start, rows }: Part): Promise<AttendedRows> {
  const { model } = bench;
  const { cache, contextTokens, job, recorder } = request;
  const at = { cache, layer, start };
  const call = (): Promise<AttendedRows> =>
    strategyOf(job.spec.strategy).masking === 'dense'
      ? model.attendDense(rows, at, contextTokens)
      : model.attendSlice(rows, at);
  return timed(bench, 'attention', rows.count, () => recorder.time('attention', layer, call, start));
}

/** The pace learns from calls of the prompt phase what a row costs. */
export async function timed<T>(
  { clock, noteCall }: PrefillContext,
  kernel: PromptKernel,
  rows: number,
  act: () => Promise<T>,
): Promise<T> {
  const startMs = clock();
  const result = await act();
  noteCall(kernel, rows, clock() - startMs);
  return result;
}

/** Puts the last layer's rows that have waited for the prefix into the cache. */
export async function writeLastRows({ bench, request, lastRows }: Run): Promise<void> {
  const layer = bench.model.shape.layers - 1;
  for (const { start, rows } of lastRows) await request.cache.write(layer, start, rows);
}

/**
 * Attention, MLP and head of the last of so many tokens → [vocabulary].
 * @param rows of the last layer's block, which keeps the last row; the keys and values of all are in the cache
 */
export async function lastRow(run: Run, rows: StateRows, tokens: number): Promise<Float32Array> {
  const { model } = run.bench;
  const attended = await attendLast(run, rows, tokens);
  return run.request.recorder.time('head', model.shape.layers - 1, () => model.logits(rows, attended));
}

export async function attendLast(run: Run, rows: StateRows, tokens: number): Promise<AttendedRows> {
  const { model } = run.bench;
  const { cache, recorder } = run.request;
  const layer = model.shape.layers - 1;
  const call = (): Promise<AttendedRows> => model.attendRow(rows, { cache, layer }, tokens);
  return run.held.hold(await recorder.time('attention', layer, call));
}
