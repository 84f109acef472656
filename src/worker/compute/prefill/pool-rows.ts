/**
 * The end of a prompt that becomes one row instead of a token: its last row, or the sum of all its rows.
 */
import type { StateRows } from '../../../runtime/backend/rows.js';
import { attend, attendLast, type Chunk, type Run } from './prompt-run.js';
import { type PooledRows, RowSum } from './row-sum.js';
import { type Pause, pauseBetween } from './turns.js';

/** The prompt's last row after the last layer and the final norm. @param rows as of lastRow() */
export async function pooledLastRow(run: Run, rows: StateRows): Promise<PooledRows> {
  const { model } = run.bench;
  const attended = await attendLast(run, rows, run.request.contextTokens);
  const call = (): Promise<Float32Array> => model.normed(rows, attended);
  const sum = new RowSum(model.shape.hidden);
  sum.add(await run.request.recorder.time('head', model.shape.layers - 1, call));
  return sum.pooled;
}

/** Takes all rows of the slice through the last layer's attention and the final norm, in parts, and adds them up. */
export async function* poolSlice(
  run: Run,
  chunks: readonly Chunk[],
): AsyncGenerator<Pause, PooledRows, void> {
  const { bench, request, held } = run;
  const layer = bench.model.shape.layers - 1;
  const sum = new RowSum(bench.model.shape.hidden);
  for (const { start, rows } of chunks) {
    for (let row = 0, end = 0; row < rows.count; row = end) {
      yield pauseBetween(layer);
      end = Math.min(rows.count, row + bench.rowsAtOnce());
      const part = { start: start + row, rows: rows.part(row, end) };
      const attended = held.hold(await attend(run, layer, part));
      sum.add(await request.recorder.time('head', layer, () => bench.model.normed(part.rows, attended)));
      held.release(attended);
    }
  }
  return sum.pooled;
}
