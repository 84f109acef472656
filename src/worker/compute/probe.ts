/**
 * Times the kernels of this worker on made-up rows: what a plan's costs are fitted to. Runs on the compute thread
 * between requests, with the same calls that requests use.
 */
import { wallClock } from '../../core/clock.js';
import type { KvDtype } from '../../core/shape.js';
import { KvCache } from '../../runtime/cpu/cache/kv-cache.js';
import type { BlockInput, BlockOutput, Model } from '../../runtime/cpu/model.js';
import { seededRandom } from '../../core/random.js';
import { rotaryTable } from '../../runtime/cpu/rotary.js';
import type { ProbeMessage, ProbeSample } from '../protocol/index.js';
import { packRows } from '../threads/row-payload.js';

export async function probeModel(model: Model, probe: ProbeMessage): Promise<ProbeSample[]> {
  const samples: ProbeSample[] = [];
  const note = async (
    kind: ProbeSample['kind'],
    tokens: number,
    prefixTokens: number,
    call: () => Promise<unknown>,
  ): Promise<void> => {
    const startMs = wallClock();
    await call();
    samples.push({ kind, tokens, prefixTokens, ms: wallClock() - startMs });
  };
  await warmUp(model, Math.max(...probe.blockTokens), probe.kvDtype);
  const startMs = wallClock();
  for (let repeat = 0; repeat <= probe.repeats; repeat++) {
    for (const tokens of probe.blockTokens) await probeBlock(model, layerOf(model, repeat), tokens, note);
    for (const each of probe.attention) await probeAttention(model, probe.kvDtype, each, note);
    await probeEnds(model, probe.blockTokens.at(-1) ?? 1, note);
    if (repeat > 0 && wallClock() - startMs > ENOUGH_MS) return samples;
    // The first round still grows the runtime's memory; it is not what a request costs.
    if (repeat === 0) samples.length = 0;
  }
  return samples;
}

/** A large model on a slow machine is timed fewer times rather than for minutes. */
const ENOUGH_MS = 6_000;

/**
 * Takes one row through every block and the head, so that the weights' pages are mapped, then as many rows as a request's chunk
 * has through one block and its attention, so that the heap has its size.
 */
export async function warmUp(
  model: Model,
  chunkTokens: number,
  kvDtype: KvDtype,
  goOn: () => boolean = () => true,
): Promise<void> {
  const run: Note = async (_kind, _tokens, _prefix, call) => void (await call());
  for (let layer = 0; layer < model.shape.layers && goOn(); layer++) await probeBlock(model, layer, 1, run);
  const { hidden, heads, headDim, contextTokens } = model.shape;
  if (goOn()) await model.logits(noise(hidden), noise(heads * headDim));
  const tokens = Math.min(chunkTokens, contextTokens);
  if (goOn()) await probeBlock(model, layerOf(model, 0), tokens, run);
  if (goOn()) await probeAttention(model, kvDtype, { tokens, prefixTokens: 0 }, run);
}

/** Layers take turns; block 0 is only a part of a block and stands in where there is no other. */
function layerOf(model: Model, repeat: number): number {
  const { layers } = model.shape;
  return layers === 1 ? 0 : 1 + (repeat % (layers - 1));
}

type Note = (
  kind: ProbeSample['kind'],
  tokens: number,
  prefixTokens: number,
  call: () => Promise<unknown>,
) => Promise<void>;

/** A block takes all its rows through (from = 0), also the last layer's, so that layers compare. */
async function probeBlock(model: Model, layer: number, tokens: number, note: Note): Promise<void> {
  const { shape } = model;
  const rotary = rotaryTable(shape, 0, tokens);
  const hidden = noise(tokens * shape.hidden);
  const attended = noise(tokens * shape.heads * shape.headDim);
  const input: BlockInput = layer === 0 ? { hidden } : { hidden, attended };
  await note('block', tokens, 0, () => model.block(layer, input, rotary, 0));
}

async function probeAttention(
  model: Model,
  kvDtype: KvDtype,
  { tokens, prefixTokens }: ProbeMessage['attention'][number],
  note: Note,
): Promise<void> {
  const { shape, rounding } = model;
  const cache = new KvCache({ ...shape, layers: 1 }, prefixTokens + tokens, kvDtype);
  const chunk = madeUpRows(model, tokens);
  const rows = new Float32Array((prefixTokens + tokens) * shape.kvHeads * shape.headDim).fill(0.01);
  cache.write(0, 0, await rounding.rows({ keys: rows, values: rows }, kvDtype));
  await note('attention', tokens, prefixTokens, () => model.attention.slice(cache, 0, prefixTokens, chunk));
  const rowElements = shape.kvHeads * shape.headDim;
  await note('call', tokens, 0, async () => {
    const own = await rounding.rows(chunk, kvDtype);
    packRows(own, 0, tokens * rowElements);
    cache.write(0, prefixTokens, own);
  });
}

async function probeEnds(model: Model, tokens: number, note: Note): Promise<void> {
  const { hidden, heads, headDim } = model.shape;
  await note('head', 1, 0, () => model.logits(noise(hidden), noise(heads * headDim)));
  await note('embed', tokens, 0, () => model.embed(new Int32Array(tokens)));
}

function madeUpRows(model: Model, tokens: number): BlockOutput {
  const { hidden, heads, kvHeads, headDim } = model.shape;
  return {
    hidden: new Float32Array(tokens * hidden),
    queries: noise(tokens * heads * headDim),
    keys: noise(tokens * kvHeads * headDim),
    values: noise(tokens * kvHeads * headDim),
  };
}

function noise(length: number): Float32Array {
  const random = seededRandom(length);
  return Float32Array.from({ length }, () => random() - 0.5);
}
