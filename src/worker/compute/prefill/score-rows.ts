/**
 * What the model thinks of a prompt's own tokens: every row of the slice goes through the last layer and the head, and tells
 * the log-probability of the token behind it and of the likeliest ones.
 */
import { checkNumbers } from '../../../runtime/sampling/check-numbers.js';
import type { AttendedRows } from '../../../runtime/backend/rows.js';
import { logprobsOf } from '../../../runtime/sampling/logprobs.js';
import type { ScoredRows } from '../../threads/thread-messages.js';
import { attend, type Chunk, type Part, type Run } from './prompt-run.js';
import { type Pause, pauseBetween } from './turns.js';

/** Rows whose logits are held at once: 64 × 128,000 × 4 bytes are 33 MB. */
const PANEL_ROWS = 64;

/** @param count how many of the likeliest are told with each token. @throws BAD_CHECKPOINT where logits are no numbers */
export async function* scoreSlice(
  run: Run,
  chunks: readonly Chunk[],
  count: number,
): AsyncGenerator<Pause, void, void> {
  const { bench, held } = run;
  const layer = bench.model.shape.layers - 1;
  for (const { start, rows } of chunks) {
    for (let row = 0, end = 0; row < rows.count; row = end) {
      yield pauseBetween(layer);
      end = Math.min(rows.count, row + bench.rowsAtOnce());
      const part = { start: start + row, rows: rows.part(row, end) };
      const attended = held.hold(await attend(run, layer, part));
      yield* scorePart(run, part, attended, count);
      held.release(attended);
    }
  }
}

async function* scorePart(
  { bench: { model, reportScores }, request }: Run,
  { start, rows }: Part,
  attended: AttendedRows,
  count: number,
): AsyncGenerator<Pause, void, void> {
  const layer = model.shape.layers - 1;
  const { recorder, job } = request;
  for (let row = 0, end = 0; row < rows.count; row = end) {
    yield pauseBetween(layer);
    end = Math.min(rows.count, row + PANEL_ROWS);
    const [own, attention] = [rows.part(row, end), attended.part(row, end)];
    const logits = await recorder.time('head', layer, () => model.logits(own, attention));
    const ids = idsBehind(request, start + row, end - row);
    const scored = scoresOf(logits, ids, { vocabulary: model.shape.vocabulary, count });
    if (scored.scores.length > 0) reportScores(job.request, { start: start + row, ...scored });
  }
}

/** The tokens behind rows; one fewer where the last of them ends the prompt. */
function idsBehind({ job, rank, slice }: Run['request'], start: number, rows: number): Int32Array {
  const isLast = rank === job.chain.length - 1;
  const first = start + 1 - (isLast ? 0 : slice.start);
  return job.ids.subarray(first, first + rows);
}

/** @param logits of one row after the other, as many as there are ids at least */
function scoresOf(
  logits: Float32Array,
  ids: Int32Array,
  { vocabulary, count }: { readonly vocabulary: number; readonly count: number },
): Omit<ScoredRows, 'start'> {
  const top = Math.min(count, vocabulary);
  const width = 1 + 2 * top;
  const scores = new Float64Array(ids.length * width);
  for (const [row, id] of ids.entries()) {
    const own = logits.subarray(row * vocabulary, (row + 1) * vocabulary);
    checkNumbers(own);
    const told = logprobsOf(own, top);
    scores[row * width] = told.logprobOf(id);
    for (const [at, one] of told.top.entries()) scores.set([one.id, one.logprob], row * width + 1 + 2 * at);
  }
  return { top, scores };
}
