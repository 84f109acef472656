/**
 * The answer so far of a request whose earlier chain was lost, on the last rank, once the prompt's rows are there. Rows of an answer
 * attend one by one, as in a decode step, and not as a prompt's: added up in the same order they come out the same to the last
 * digit, so the answer goes on with the tokens that it would have had. Through the blocks they go together, so the weights are
 * read once for many of them.
 */
import type { Slice } from '../../../core/partition.js';
import type { AttendedRows, StateRows } from '../../../runtime/backend/rows.js';
import { lastRow, type Run, timed } from './prompt-run.js';
import { type Pause, pauseBetween } from './turns.js';

/** Enough for the matrix kernels; attention takes them one by one, and nothing interrupts it. */
const ANSWER_ROWS = 64;

/** @returns the logits after the answer so far, [vocabulary] */
export async function* answerRows(run: Run): AsyncGenerator<Pause, Float32Array, void> {
  const { bench, request } = run;
  const { contextTokens } = request;
  const tokens = contextTokens + request.job.answer.length;
  for (let start = contextTokens; ;) {
    const end = Math.min(tokens, start + ANSWER_ROWS, start + bench.rowsAtOnce());
    const rows = yield* throughLayers(run, { start, end });
    if (end === tokens) return lastRow(run, rows, tokens);
    run.held.release(rows);
    start = end;
  }
}

/** Fills the cache with the rows' keys and values of all layers. @returns what the last block keeps */
async function* throughLayers(run: Run, slice: Slice): AsyncGenerator<Pause, StateRows, void> {
  const { bench, held } = run;
  const last = bench.model.shape.layers - 1;
  let rows = held.hold(await embedAnswer(run, slice));
  for (let layer = 0, attended: AttendedRows | undefined; ; layer++) {
    yield pauseBetween(layer);
    const output = held.hold(await runBlock(run, layer, rows, attended));
    held.release(rows);
    held.release(attended);
    rows = output;
    if (layer === last) break;
    attended = held.hold(await attendEach(run, layer, rows, slice));
  }
  await writeLast(run, rows, slice);
  return rows;
}

function embedAnswer({ bench, request }: Run, { start, end }: Slice): Promise<StateRows> {
  const { contextTokens, job, recorder } = request;
  const ids = job.answer.subarray(start - contextTokens, end - contextTokens);
  const at = { positions: start, promptTokens: contextTokens };
  return recorder.time('embed', 0, () => bench.model.embed(ids, at), start);
}

function runBlock(
  { bench, request }: Run,
  layer: number,
  rows: StateRows,
  attended: AttendedRows | undefined,
): Promise<StateRows> {
  const call = (): Promise<StateRows> =>
    bench.model.block(layer, rows, { ...(attended && { attended }), keeps: 'last' });
  return timed(bench, 'block', rows.count, () => request.recorder.time('block', layer, call));
}

/** One after the other in one cache: each row's keys and values are written there before it attends, and none after its own. */
function attendEach(
  { bench, request }: Run,
  layer: number,
  rows: StateRows,
  { start, end }: Slice,
): Promise<AttendedRows> {
  const { cache, recorder } = request;
  const sequences = Array.from({ length: end - start }, (_, row) => ({ cache, position: start + row }));
  const call = (): Promise<AttendedRows> => bench.model.attendEach(rows, layer, sequences);
  return timed(bench, 'attention', rows.count, () => recorder.time('attention', layer, call));
}

/** Of the last layer later rows see the keys and values alone. */
async function writeLast(
  { bench: { model }, request }: Run,
  rows: StateRows,
  { start }: Slice,
): Promise<void> {
  const { cache, job } = request;
  const kept = await model.takeKv(rows, job.spec.kvDtype);
  try {
    await cache.write(model.shape.layers - 1, start, kept);
  } finally {
    kept.release();
  }
}
