/**
 * What a rank does in the prompt phase, for every strategy. Layer by layer: wait until the keys and values of all
 * earlier tokens are there, attend, run the next block, hand its keys and values on. Source: KV-Runahead, section 3;
 * the slice is cut into chunks so that memory stays bounded and the next rank gets rows early. Pauses between kernel
 * calls, so that other requests of the worker get their turn.
 */
import type { Slice } from '../../../core/partition.js';
import { strategyOf } from '../../../core/strategy.js';
import type { BlockOutput, Model } from '../../../runtime/cpu/model.js';
import { rotaryTable } from '../../../runtime/cpu/rotary.js';
import type { ActiveRequest } from '../requests/active-request.js';
import { type Chunk, joinOutputs, partOf } from './chunk-parts.js';
import { chunksOf } from '../../../core/chunks.js';
import type { Exchange } from './exchange.js';
import type { PromptKernel } from '../requests/pace.js';
import { type Pause, pauseBetween } from './turns.js';

/** Kept rows that are read out of the cache at once. */
const CACHED_ROWS = 512;

/** What the loop needs of the worker beside the request. */
export type PrefillContext = {
  readonly model: Model;
  readonly chunkTokens: number;
  readonly reportProgress: (request: number, layer: number) => void;
  /** Rows that may go through a kernel in one call now. */
  readonly rowsAtOnce: () => number;
  readonly noteCall: (kernel: PromptKernel, rows: number, ms: number) => void;
};

/**
 * Fills the cache with the slice's keys and values of all layers.
 * @returns on the last rank the logits after the prompt, [vocabulary]; on others nothing.
 */
export async function* runPrompt(
  bench: PrefillContext,
  request: ActiveRequest,
  exchange: Exchange,
): AsyncGenerator<Pause, Float32Array | undefined, void> {
  const { layers } = bench.model.shape;
  const chunks = await embedChunks(bench, request);
  for (let layer = 0; layer < layers; layer++) {
    if (layer > 0) yield waitForPrefix(exchange, layer - 1);
    yield* publishCached(request, exchange, layer);
    for (const chunk of chunks) yield* runLayer(bench, request, exchange, layer, chunk);
    bench.reportProgress(request.job.request, layer);
  }
  if (request.rank < request.job.chain.length - 1) return undefined;
  yield waitForPrefix(exchange, layers - 1);
  return lastRow(bench.model, request, chunks[chunks.length - 1] as Chunk);
}

/** Rows that were kept from an earlier request cost nothing but their way to the next rank. */
async function* publishCached(
  { cache, cachedTokens, job }: ActiveRequest,
  exchange: Exchange,
  layer: number,
): AsyncGenerator<Pause, void, void> {
  if (job.chain.length === 1) return;
  for (let start = 0; start < cachedTokens; start += CACHED_ROWS) {
    yield { layer, isWait: false, isReady: () => exchange.canPublish() };
    exchange.publish(layer, start, cache.read(layer, start, Math.min(cachedTokens, start + CACHED_ROWS)));
  }
}

function waitForPrefix(exchange: Exchange, layer: number): Pause {
  return { layer, isWait: true, isReady: () => exchange.hasPrefix(layer) };
}

/** Attention over an f16 cache reads a chunk's own rows there too, rounded as everyone's, so they are not kept twice. */
const NO_ROWS = { keys: new Float32Array(), values: new Float32Array() };

/** Takes a chunk through the attention of the layer before and one block, in one go or in parts. */
async function* runLayer(
  bench: PrefillContext,
  request: ActiveRequest,
  exchange: Exchange,
  layer: number,
  chunk: Chunk,
): AsyncGenerator<Pause, void, void> {
  const outputs: BlockOutput[] = [];
  for (let row = 0, end = 0; row < chunk.end - chunk.start; row = end) {
    yield { layer, isWait: false, isReady: () => exchange.canPublish() };
    end = Math.min(chunk.end - chunk.start, row + bench.rowsAtOnce());
    const part = partOf(bench.model.shape, chunk, row, end);
    const attended = part.output && (await attend(bench, request, layer - 1, part, part.output));
    if (attended) yield pauseBetween(layer);
    const output = await runBlock(bench, request, layer, part, attended);
    const handOn = async (): Promise<void> => {
      const rows = await bench.model.rounding.rows(output, request.job.spec.kvDtype);
      exchange.publish(layer, part.start, rows);
      request.cache.write(layer, part.start, rows);
    };
    await request.recorder.time('cache', layer, handOn);
    outputs.push(request.job.spec.kvDtype === 'f16' ? { ...output, ...NO_ROWS } : output);
  }
  // Of the last layer only the last row's hidden and queries are kept, and they are the last part's.
  chunk.output = layer === bench.model.shape.layers - 1 ? outputs.at(-1) : joinOutputs(outputs);
  chunk.hidden = chunk.output?.hidden ?? chunk.hidden;
}

async function embedChunks({ model, chunkTokens }: PrefillContext, request: ActiveRequest): Promise<Chunk[]> {
  const { job, slice, recorder, cachedTokens } = request;
  const computed = { start: Math.max(slice.start, cachedTokens), end: slice.end };
  // The last rank holds the whole prompt's ids, the others those of their slice.
  const offset = request.rank === job.chain.length - 1 ? 0 : slice.start;
  const chunks: Chunk[] = [];
  for (const { start, end } of chunksOf(computed, chunkTokens, job.spec.chunkEnds)) {
    const ids = job.ids.subarray(start - offset, end - offset);
    const hidden = await recorder.time('embed', 0, () => model.embed(ids), start);
    chunks.push({ start, end, rotary: rotaryTable(model.shape, start, end), hidden, output: undefined });
  }
  return chunks;
}

function attend(
  { model, noteCall }: PrefillContext,
  request: ActiveRequest,
  layer: number,
  { start, end }: Slice,
  output: BlockOutput,
): Promise<Float32Array> {
  const { cache, contextTokens, job, recorder } = request;
  const call = (): Promise<Float32Array> =>
    strategyOf(job.spec.strategy).masking === 'dense'
      ? model.attention.dense(cache, layer, start, contextTokens, output)
      : model.attention.slice(cache, layer, start, output);
  return timed(
    (ms) => noteCall('attention', end - start, ms),
    () => recorder.time('attention', layer, call, start),
  );
}

function runBlock(
  { model, noteCall }: PrefillContext,
  { recorder }: ActiveRequest,
  layer: number,
  part: Chunk,
  attended: Float32Array | undefined,
): Promise<BlockOutput> {
  const input = attended ? { hidden: part.hidden, attended } : { hidden: part.hidden };
  const rows = part.end - part.start;
  // Of the last layer the first token needs one row; the block keeps hidden and queries of that row only.
  const call = (): Promise<BlockOutput> => model.block(layer, input, part.rotary, rows - 1);
  return timed(
    (ms) => noteCall('block', rows, ms),
    () => recorder.time('block', layer, call, part.start),
  );
}

async function timed<T>(note: (ms: number) => void, act: () => Promise<T>): Promise<T> {
  const startMs = performance.now();
  const result = await act();
  note(performance.now() - startMs);
  return result;
}

/** Attention, MLP and head of the prompt's last token. */
async function lastRow(model: Model, request: ActiveRequest, chunk: Chunk): Promise<Float32Array> {
  const { cache, contextTokens, recorder } = request;
  const { hidden, queries } = chunk.output as BlockOutput;
  const layer = model.shape.layers - 1;
  const attended = await recorder.time('attention', layer, () =>
    model.attention.row(cache, layer, contextTokens, queries),
  );
  return recorder.time('head', layer, () => model.logits(hidden, attended));
}
