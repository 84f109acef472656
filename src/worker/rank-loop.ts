/**
 * What a rank does in the prompt phase, for every strategy. Layer by layer: wait until the keys and values of all
 * earlier tokens are there, attend, run the next block, hand its keys and values on. Source: KV-Runahead, section 3;
 * the slice is cut into chunks so that memory stays bounded and the next rank gets rows early.
 */
import type { Slice } from '../core/partition.js';
import type { BlockOutput, Model } from '../runtime/model.js';
import { type RotaryTable, rotaryTable } from '../runtime/rotary.js';
import { chunksOf } from './chunks.js';
import type { ActiveRequest, Desk } from './desk.js';
import type { Exchange } from './exchange.js';

/** A run of rows of the slice that goes through the kernels in one call. */
type Chunk = Slice & { readonly rotary: RotaryTable; hidden: Float32Array; output: BlockOutput | undefined };

/**
 * Fills the cache with the slice's keys and values of all layers.
 * @returns on the last rank the logits after the prompt, [vocabulary]; on others nothing.
 */
export async function runPrompt(
  model: Model,
  request: ActiveRequest,
  exchange: Exchange,
  desk: Desk,
  chunkTokens: number,
): Promise<Float32Array | undefined> {
  const { cache, recorder } = request;
  const { layers } = model.shape;
  const chunks = await embedChunks(model, request, chunkTokens);
  for (let layer = 0; layer < layers; layer++) {
    if (layer > 0) await exchange.waitForPrefix(layer - 1);
    for (const chunk of chunks) {
      desk.look(request);
      const attended = chunk.output && (await attend(model, request, layer - 1, chunk, chunk.output));
      const { keys, values } = await runBlock(model, request, layer, chunk, attended);
      exchange.publish(layer, chunk.start, keys, values);
      await recorder.time('cache', layer, async () => cache.write(layer, chunk.start, keys, values));
    }
    desk.tell({ type: 'progress', request: request.job.request, phase: 'prefill', layer });
  }
  if (request.rank < request.job.chain.length - 1) return undefined;
  await exchange.waitForPrefix(layers - 1);
  return lastRow(model, request, chunks[chunks.length - 1] as Chunk);
}

async function embedChunks(model: Model, request: ActiveRequest, chunkTokens: number): Promise<Chunk[]> {
  const { job, slice, recorder } = request;
  // The last rank holds the whole prompt's ids, the others those of their slice.
  const offset = request.rank === job.chain.length - 1 ? 0 : slice.start;
  const chunks: Chunk[] = [];
  for (const { start, end } of chunksOf(slice, chunkTokens, job.cutsAt)) {
    const ids = job.ids.subarray(start - offset, end - offset);
    const hidden = await recorder.time('embed', 0, () => model.embed(ids), start);
    chunks.push({ start, end, rotary: rotaryTable(model.shape, start, end), hidden, output: undefined });
  }
  return chunks;
}

function attend(
  model: Model,
  request: ActiveRequest,
  layer: number,
  chunk: Chunk,
  output: BlockOutput,
): Promise<Float32Array> {
  const { cache, contextTokens, job, recorder } = request;
  const call = (): Promise<Float32Array> =>
    job.strategy === 'tsp-dense'
      ? model.attendDense(cache, layer, chunk.start, contextTokens, output)
      : model.attendSlice(cache, layer, chunk.start, output);
  return recorder.time('attention', layer, call, chunk.start);
}

async function runBlock(
  model: Model,
  request: ActiveRequest,
  layer: number,
  chunk: Chunk,
  attended: Float32Array | undefined,
): Promise<BlockOutput> {
  const input = attended ? { hidden: chunk.hidden, attended } : { hidden: chunk.hidden };
  // Of the last layer the first token needs one row; the block keeps hidden and queries of that row only.
  const from = chunk.end - chunk.start - 1;
  const call = (): Promise<BlockOutput> => model.block(layer, input, chunk.rotary, from);
  const output = await request.recorder.time('block', layer, call, chunk.start);
  chunk.hidden = output.hidden;
  chunk.output = output;
  return output;
}

/** Attention, MLP and head of the prompt's last token. */
async function lastRow(model: Model, request: ActiveRequest, chunk: Chunk): Promise<Float32Array> {
  const { cache, contextTokens, recorder } = request;
  const { hidden, queries } = chunk.output as BlockOutput;
  const layer = model.shape.layers - 1;
  const attended = await recorder.time('attention', layer, () =>
    model.attendRow(cache, layer, contextTokens, queries),
  );
  return recorder.time('head', layer, () => model.logits(hidden, attended));
}
