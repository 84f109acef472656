/**
 * What a rank does in the prompt phase, for every strategy. Layer by layer: wait until the keys and values of all
 * earlier tokens are there, attend, run the next block, hand its keys and values on. Source: KV-Runahead, section 3;
 * the slice is cut into chunks so that memory stays bounded and the next rank gets rows early. Pauses between kernel
 * calls, so that other requests of the worker get their turn.
 */
import { chunksOf } from '../../../core/chunks/chunks.js';
import { needsAllRows } from '../../../core/request.js';
import type { AttendedRows, StateRows } from '../../../runtime/backend/rows.js';
import type { ActiveRequest } from '../requests/active-request.js';
import { HeldRows } from '../requests/held-rows.js';
import { answerRows } from './answer-rows.js';
import type { Exchange } from './exchange.js';
import { pooledLastRow, poolSlice } from './pool-rows.js';
import {
  attend,
  type Chunk,
  lastRow,
  type Part,
  type PrefillContext,
  type PromptEnd,
  type RowsFrom,
  type Run,
  timed,
  writeLastRows,
} from './prompt-run.js';
import { scoreSlice } from './score-rows.js';
import { type Pause, pauseBetween } from './turns.js';

/** Kept rows that are read out of the cache at once. */
const CACHED_ROWS = 512;

/**
 * Fills the cache with the slice's keys and values of all layers. Gives its rows back however it ends; a prompt that is
 * given up is told so by the generator's return().
 * @returns what the prompt becomes on this rank: logits after it, or after the answer so far, on the last one alone
 */
export async function* runPrompt(
  bench: PrefillContext,
  request: ActiveRequest,
  exchange: Exchange,
): AsyncGenerator<Pause, PromptEnd, void> {
  const held = new HeldRows();
  try {
    return yield* runLayers({ bench, request, exchange, held, lastRows: [] });
  } finally {
    held.releaseAll();
  }
}

async function* runLayers(run: Run): AsyncGenerator<Pause, PromptEnd, void> {
  const { bench, request, exchange } = run;
  const { layers } = bench.model.shape;
  if (bench.restore) yield* bench.restore(request);
  const chunks = await embedChunks(run);
  for (let layer = 0; layer < layers; layer++) {
    if (layer > 0) yield waitForPrefix(exchange, layer - 1);
    yield* publishCached(run, layer);
    for (const chunk of chunks) yield* runLayer(run, layer, chunk);
    bench.reportProgress(request.job.request, layer);
  }
  return yield* endPrompt(run, chunks);
}

/** The last layer is there but for what attends in it. */
async function* endPrompt(run: Run, chunks: readonly Chunk[]): AsyncGenerator<Pause, PromptEnd, void> {
  const { bench, request, exchange } = run;
  const { spec, chain, answer } = request.job;
  const isLast = request.rank === chain.length - 1;
  if (!isLast && !needsAllRows(spec)) return {};
  yield waitForPrefix(exchange, bench.model.shape.layers - 1);
  if (spec.pooling === 'mean') return { pooled: yield* poolSlice(run, chunks) };
  if (spec.promptLogprobs !== undefined) yield* scoreSlice(run, chunks, spec.promptLogprobs);
  if (!isLast) return {};
  await writeLastRows(run);
  if (answer.length > 0) return { logits: yield* answerRows(run) };
  const { rows } = chunks[chunks.length - 1] as Chunk;
  if (spec.pooling !== undefined) return { pooled: await pooledLastRow(run, rows) };
  const last = needsAllRows(spec) ? rows.part(rows.count - 1, rows.count) : rows;
  return { logits: await lastRow(run, last, request.contextTokens) };
}

/** Rows that were kept from an earlier request cost nothing but their way to the next rank. */
async function* publishCached({ request, exchange }: Run, layer: number): AsyncGenerator<Pause, void, void> {
  const { cache, cachedTokens, job } = request;
  if (job.chain.length === 1) return;
  for (let start = exchange.firstNeeded(layer); start < cachedTokens; start += CACHED_ROWS) {
    yield { layer, isWait: false, isReady: () => exchange.canPublish() };
    const rows = cache.read(layer, start, Math.min(cachedTokens, start + CACHED_ROWS));
    await exchange.publish(layer, start, rows).finally(() => rows.release());
  }
}

function waitForPrefix(exchange: Exchange, layer: number): Pause {
  return { layer, isWait: true, isReady: () => exchange.hasPrefix(layer) };
}

/** Takes a chunk through the attention of the layer before and one block, in one go or in parts. */
async function* runLayer(run: Run, layer: number, chunk: Chunk): AsyncGenerator<Pause, void, void> {
  const { bench, request, exchange, held } = run;
  const outputs: StateRows[] = [];
  const count = chunk.end - chunk.start;
  for (let row = 0, end = 0; row < count; row = end) {
    yield { layer, isWait: false, isReady: () => exchange.canPublish() };
    // A call can not be interrupted, so while sequences decode a chunk goes through in parts.
    end = Math.min(count, row + bench.rowsAtOnce());
    const part = { start: chunk.start + row, rows: chunk.rows.part(row, end) };
    const attended = layer > 0 ? held.hold(await attend(run, layer - 1, part)) : undefined;
    if (attended) yield pauseBetween(layer);
    const output = held.hold(await runBlock(run, layer, part, attended));
    held.release(attended);
    await request.recorder.time('cache', layer, () => handOn(run, layer, part.start, output));
    outputs.push(output);
  }
  const whole = chunk.rows;
  chunk.rows = await joinParts(run, layer, whole, outputs);
  held.release(whole);
}

/** First to the next rank, which may be waiting. */
async function handOn(run: Run, layer: number, start: number, output: StateRows): Promise<void> {
  const { bench, request, exchange } = run;
  const rows = run.held.hold(await bench.model.takeKv(output, request.job.spec.kvDtype));
  await exchange.publish(layer, start, rows);
  if (await keepRows(run, layer, { start, rows })) run.held.release(rows);
}

/**
 * Puts a slice's rows into the cache, unless attention does so.
 * @returns false for those of the last layer that are to wait for the prefix
 */
async function keepRows({ bench, request, lastRows }: Run, layer: number, own: RowsFrom): Promise<boolean> {
  const { cache, job, rank } = request;
  if (!cache.takesRowsLate(layer)) {
    await cache.write(layer, own.start, own.rows);
    return true;
  }
  // Of the last layer one row attends, on the last rank.
  const isLast = layer === bench.model.shape.layers - 1 && rank === job.chain.length - 1;
  const isNeeded = isLast && !needsAllRows(job.spec);
  if (isNeeded) lastRows.push(own);
  return !isNeeded;
}

/** A chunk's rows after a block. Of the last layer only the last row counts, and it is the last part's. */
async function joinParts(
  { bench: { model }, request, held, lastRows }: Run,
  layer: number,
  whole: StateRows,
  parts: readonly StateRows[],
): Promise<StateRows> {
  const isLast = layer === model.shape.layers - 1 && !needsAllRows(request.job.spec);
  if (parts.length === 1) return parts[0] as StateRows;
  const kept = isLast ? (parts.at(-1) as StateRows) : held.hold(await model.join(whole, parts));
  // Keys and values that wait may be views of these.
  if (lastRows.length === 0) for (const part of parts) if (part !== kept) held.release(part);
  return kept;
}

async function embedChunks({ bench, request, held }: Run): Promise<Chunk[]> {
  const { model, chunkTokens } = bench;
  const { job, slice, recorder, cachedTokens, contextTokens } = request;
  const computed = { start: Math.max(slice.start, cachedTokens), end: slice.end };
  // The last rank holds the whole prompt's ids, the others those of their slice.
  const offset = request.rank === job.chain.length - 1 ? 0 : slice.start;
  const chunks: Chunk[] = [];
  for (const { start, end } of chunksOf(computed, chunkTokens, job.spec.chunkEnds)) {
    const ids = job.ids.subarray(start - offset, end - offset);
    const at = { positions: start, promptTokens: contextTokens };
    const rows = held.hold(await recorder.time('embed', 0, () => model.embed(ids, at), start));
    chunks.push({ start, end, rows });
  }
  return chunks;
}

function runBlock(
  { bench, request }: Run,
  layer: number,
  { start, rows }: Part,
  attended: AttendedRows | undefined,
): Promise<StateRows> {
  // Of the last layer the first token needs one row.
  const keeps = needsAllRows(request.job.spec) ? 'all' : 'last';
  const call = (): Promise<StateRows> =>
    bench.model.block(layer, rows, { ...(attended && { attended }), keeps });
  return timed(bench, 'block', rows.count, () => request.recorder.time('block', layer, call, start));
}
