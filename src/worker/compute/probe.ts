/**
 * Times the kernels of this worker on made-up rows: what a plan's costs are fitted to. Runs on the compute thread
 * between requests, with the same calls that requests use.
 */
import { wallClock } from '../../core/clock.js';
import { type KvDtype, kvRowBytes, layerSpecs } from '../../core/shape.js';
import type { BackendModel, MadeUpRows } from '../../runtime/backend/backend.js';
import type { ProbeMessage, ProbeSample } from '../protocol/index.js';

export async function probeModel(model: BackendModel, probe: ProbeMessage): Promise<ProbeSample[]> {
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
  model: BackendModel,
  chunkTokens: number,
  kvDtype: KvDtype,
  goOn: () => Promise<boolean> = () => Promise.resolve(true),
): Promise<void> {
  const run: Note = async (_kind, _tokens, _prefix, call) => void (await call());
  const { layers, contextTokens } = model.shape;
  const tokens = Math.min(chunkTokens, contextTokens);
  const calls = [
    ...Array.from({ length: layers }, (_, layer) => () => probeBlock(model, layer, 1, run)),
    () => probeEnds(model, 1, run),
    () => probeBlock(model, layerOf(model, 0), tokens, run),
    () => probeAttention(model, kvDtype, { tokens, prefixTokens: 0 }, run),
  ];
  for (const call of calls) if (await goOn()) await call();
}

/** Layers take turns; block 0 is only a part of a block and stands in where there is no other. */
function layerOf(model: BackendModel, repeat: number): number {
  const { layers } = model.shape;
  return layers === 1 ? 0 : 1 + (repeat % (layers - 1));
}

/** A layer whose rows see everything, where there is one: what layers with a window cost follows from it. */
function fullLayerOf({ shape }: BackendModel): number {
  const full = layerSpecs(shape).findIndex(({ attention }) => attention.windowTokens === undefined);
  return Math.max(0, full);
}

type Note = (
  kind: ProbeSample['kind'],
  tokens: number,
  prefixTokens: number,
  call: () => Promise<unknown>,
) => Promise<void>;

/** A block takes all its rows through, also the last layer's, so that layers compare. */
async function probeBlock(model: BackendModel, layer: number, tokens: number, note: Note): Promise<void> {
  await withRows(model, tokens, layer, async ({ states, attended }) => {
    const options = layer === 0 ? {} : { attended };
    await note('block', tokens, 0, async () => (await model.block(layer, states, options)).release());
  });
}

async function probeAttention(
  model: BackendModel,
  kvDtype: KvDtype,
  { tokens, prefixTokens }: ProbeMessage['attention'][number],
  note: Note,
): Promise<void> {
  const rows = prefixTokens + tokens;
  const cache = await model.createCache(rows, kvDtype, { layers: 1 });
  // Numbers that are neither small nor large in any element type: 0.0115 as f32, 1.06 as f16, 0.69 as q8.
  await cache.writePacked(0, 0, new Uint8Array(rows * kvRowBytes(model.shape, kvDtype)).fill(0x3c));
  const at = { cache, layer: 0, start: prefixTokens };
  await withRows(model, tokens, fullLayerOf(model), async ({ states }) => {
    await note('attention', tokens, prefixTokens, async () =>
      (await model.attendSlice(states, at)).release(),
    );
    await note('call', tokens, 0, async () => {
      const own = await model.takeKv(states, kvDtype);
      await own.pack(0, tokens);
      await cache.write(0, prefixTokens, own);
      own.release();
    });
  }).finally(() => cache.close());
}

async function probeEnds(model: BackendModel, tokens: number, note: Note): Promise<void> {
  await withRows(model, 1, model.shape.layers - 1, async ({ states, attended }) => {
    await note('head', 1, 0, () => model.logits(states, attended));
  });
  const ids = new Int32Array(tokens);
  await note('embed', tokens, 0, async () =>
    (await model.embed(ids, { positions: 0, promptTokens: tokens })).release(),
  );
}

/** Lends made-up rows. */
async function withRows(
  model: BackendModel,
  tokens: number,
  layer: number,
  act: (rows: MadeUpRows) => Promise<void>,
): Promise<void> {
  const rows = await model.madeUpRows(tokens, layer);
  try {
    await act(rows);
  } finally {
    rows.states.release();
    rows.attended.release();
  }
}
