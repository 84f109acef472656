/**
 * What a rank does in the prompt phase, for every strategy. Layer by layer: wait until the keys and values of all
 * earlier tokens are there, attend, run the next block, hand its keys and values on. Source: KV-Runahead, section 3;
 * the slice is cut into chunks so that memory stays bounded and the next rank gets rows early. Pauses between kernel
 * calls, so that other requests of the worker get their turn.
 */
import { chunksOf } from '../../../core/chunks/chunks.js';
import type { Clock } from '../../../core/clock.js';
import type { Slice } from '../../../core/partition.js';
import { strategyOf } from '../../../core/strategy.js';
import type { BackendModel } from '../../../runtime/backend/backend.js';
import type { AttendedRows, StateRows } from '../../../runtime/backend/rows.js';
import type { ActiveRequest } from '../requests/active-request.js';
import { HeldRows } from '../requests/held-rows.js';
import type { PromptKernel } from '../requests/pace.js';
import type { Exchange } from './exchange.js';
import { type Pause, pauseBetween } from './turns.js';

/** Kept rows that are read out of the cache at once. */
const CACHED_ROWS = 512;

/** What the loop needs of the worker beside the request. */
export type PrefillContext = {
  readonly model: BackendModel;
  readonly clock: Clock;
  readonly chunkTokens: number;
  readonly reportProgress: (request: number, layer: number) => void;
  /** Rows that may go through a kernel in one call now. */
  readonly rowsAtOnce: () => number;
  /** Reads the front of a request's rows from disk, where some may be there. */
  readonly restore?: ((request: ActiveRequest) => AsyncGenerator<Pause, void, void>) | undefined;
  readonly noteCall: (kernel: PromptKernel, rows: number, ms: number) => void;
};

/** One request's way through the loop. */
type Run = {
  readonly bench: PrefillContext;
  readonly request: ActiveRequest;
  readonly exchange: Exchange;
  readonly held: HeldRows;
};

/** A run of a slice's rows, as the last block left them. */
type Chunk = Slice & { rows: StateRows };
/** Rows of a chunk that go through the kernels in one call. */
type Part = { readonly start: number; readonly rows: StateRows };

/**
 * Fills the cache with the slice's keys and values of all layers. Gives its rows back however it ends; a prompt that is
 * given up is told so by the generator's return().
 * @returns on the last rank the logits after the prompt, [vocabulary]; on others nothing.
 */
export async function* runPrompt(
  bench: PrefillContext,
  request: ActiveRequest,
  exchange: Exchange,
): AsyncGenerator<Pause, Float32Array | undefined, void> {
  const held = new HeldRows();
  try {
    return yield* runLayers({ bench, request, exchange, held });
  } finally {
    held.releaseAll();
  }
}

async function* runLayers(run: Run): AsyncGenerator<Pause, Float32Array | undefined, void> {
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
  if (request.rank < request.job.chain.length - 1) return undefined;
  yield waitForPrefix(exchange, layers - 1);
  return lastRow(run, chunks[chunks.length - 1] as Chunk);
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
async function handOn({ bench, request, exchange }: Run, layer: number, start: number, output: StateRows) {
  const rows = await bench.model.takeKv(output, request.job.spec.kvDtype);
  try {
    await exchange.publish(layer, start, rows);
    await request.cache.write(layer, start, rows);
  } finally {
    rows.release();
  }
}

/** A chunk's rows after a block. Of the last layer only the last row counts, and it is the last part's. */
async function joinParts(
  { bench: { model }, held }: Run,
  layer: number,
  whole: StateRows,
  parts: readonly StateRows[],
): Promise<StateRows> {
  const isLast = layer === model.shape.layers - 1;
  if (parts.length === 1) return parts[0] as StateRows;
  const kept = isLast ? (parts.at(-1) as StateRows) : held.hold(await model.join(whole, parts));
  for (const part of parts) if (part !== kept) held.release(part);
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

function attend({ bench, request }: Run, layer: number, { start, rows }: Part): Promise<AttendedRows> {
  const { model } = bench;
  const { cache, contextTokens, job, recorder } = request;
  const at = { cache, layer, start };
  const call = (): Promise<AttendedRows> =>
    strategyOf(job.spec.strategy).masking === 'dense'
      ? model.attendDense(rows, at, contextTokens)
      : model.attendSlice(rows, at);
  return timed(bench, 'attention', rows.count, () => recorder.time('attention', layer, call, start));
}

function runBlock(
  { bench, request }: Run,
  layer: number,
  { start, rows }: Part,
  attended: AttendedRows | undefined,
): Promise<StateRows> {
  // Of the last layer the first token needs one row.
  const call = (): Promise<StateRows> =>
    bench.model.block(layer, rows, { ...(attended && { attended }), keeps: 'last' });
  return timed(bench, 'block', rows.count, () => request.recorder.time('block', layer, call, start));
}

async function timed<T>(
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

/** Attention, MLP and head of the prompt's last token. */
async function lastRow({ bench: { model }, request, held }: Run, chunk: Chunk): Promise<Float32Array> {
  const { cache, contextTokens, recorder } = request;
  const layer = model.shape.layers - 1;
  const call = (): Promise<AttendedRows> => model.attendRow(chunk.rows, { cache, layer }, contextTokens);
  const attended = held.hold(await recorder.time('attention', layer, call));
  return recorder.time('head', layer, () => model.logits(chunk.rows, attended));
}
