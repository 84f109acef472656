/**
 * What experts cost: a block with the experts of a published shape against one with a dense MLP of the same active size, and
 * against one whose few experts all get every row, which tells routing from products of few rows. CPU time of one thread, in turn.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Checkpoint, LayerWeights, LinearWeights, WeightMatrix } from '../src/core/checkpoint.js';
import type { ExpertsSpec, LayerSpec } from '../src/core/layers/layer-spec.js';
import { type Dtype, layerSpec } from '../src/core/shape.js';
import { medianRange } from '../src/core/statistics.js';
import { KvrError } from '../src/core/errors.js';
import { compileModel } from '../src/model/compile.js';
import { openCheckpoint } from '../src/model/open.js';
import type { BackendModel } from '../src/runtime/backend/backend.js';
import { compileKernels } from '../src/runtime/cpu/compile-kernels.js';
import { openModel } from '../src/runtime/open-model.js';
import type { Benchmark, BenchContext, Report } from './runner/benchmark.js';
import { contextsFlag, dtypeFlag, modelFlag, repeatsFlag } from './runner/flags.js';
import { columnsOf, percentWords, tableOf } from './runner/table.js';

type Flags = {
  readonly model: string;
  readonly dtype: Dtype;
  readonly context: readonly number[];
  readonly repeats: number;
};
type Row = {
  readonly rows: number;
  /** CPU ms of a block: as published, with the chosen number of experts alone, and dense. */
  readonly expertsMs: number;
  readonly everyExpertMs: number;
  readonly denseMs: number;
};

const MAX_RATIO = 1.5;

export const experts: Benchmark<Flags> = {
  name: 'experts',
  summary: 'what experts cost beside a dense MLP of the same active size',
  details: `Blocks of one layer each, in this process, with one thread. A ratio over ${MAX_RATIO} is a goal missed.`,
  flags: () => [
    modelFlag('synthetic:qwen3-30b-a3b,layers=2,vocab=512'),
    dtypeFlag('w8a8'),
    contextsFlag([128, 512, 1024]),
    repeatsFlag(7),
  ],
  run: runExperts,
};

async function runExperts(
  { model, dtype, context, repeats }: Flags,
  { note }: BenchContext,
): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), 'kvr-experts-'));
  const checkpoint = await openCheckpoint(model, { cacheFolder: folder });
  const models: BackendModel[] = [];
  try {
    for (const [name, variant] of Object.entries(variantsOf(checkpoint))) {
      note(`compiling: ${name}`);
      const compiled = await compileModel(variant, { cacheFolder: folder, dtype, ...compileKernels() });
      models.push(await openModel('cpu', compiled, { threads: 1 }));
    }
    const rows: Row[] = [];
    for (const tokens of context) rows.push(await rowOf(models, tokens, repeats));
    return report({ model, dtype }, rows);
  } finally {
    for (const each of models) await each.close();
    await checkpoint.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The first layer as published, with as many experts as are chosen, and dense; the second, which is not timed, always dense. */
function variantsOf(checkpoint: Checkpoint): Record<string, Checkpoint> {
  const spec = layerSpec(checkpoint.shape, 0);
  const { mlp } = spec;
  if (mlp.kind !== 'experts')
    throw new KvrError('BAD_INPUT', `--model ${checkpoint.name} has no experts; give one that has some`);
  const dense: LayerSpec = { ...spec, mlp: { kind: 'gated', activation: 'silu' } };
  return {
    experts: variant(checkpoint, 'experts', [spec, dense], mlp),
    'every expert': variant(
      checkpoint,
      'every',
      [{ ...spec, mlp: { ...mlp, count: mlp.chosen } }, dense],
      mlp,
    ),
    dense: variant(checkpoint, 'dense', [dense, dense], mlp),
  };
}

function variant(
  checkpoint: Checkpoint,
  name: string,
  specs: readonly [LayerSpec, LayerSpec],
  { chosen, feedForward }: ExpertsSpec,
): Checkpoint {
  const shape = { ...checkpoint.shape, layers: 2, feedForward: chosen * feedForward, specs };
  const layer = (index: number): LayerWeights => {
    const weights = checkpoint.layer(0);
    const { mlp } = specs[index] ?? specs[1];
    if (mlp.kind !== 'experts') return { ...weights, mlp: denseMlp(shape.hidden, shape.feedForward) };
    if (weights.mlp.kind !== 'experts' || mlp.count === weights.mlp.experts.length) return weights;
    const router = filler(mlp.count, shape.hidden);
    return { ...weights, mlp: { kind: 'experts', router, experts: weights.mlp.experts.slice(0, mlp.count) } };
  };
  return {
    ...checkpoint,
    name: `${checkpoint.name} (${name})`,
    digest: `${checkpoint.digest}${name}`,
    shape,
    layer,
  };
}

function denseMlp(hidden: number, width: number): LayerWeights['mlp'] {
  return {
    kind: 'dense',
    gate: filler(width, hidden),
    up: filler(width, hidden),
    down: filler(hidden, width),
  };
}

/** Numbers that cost what any others cost. */
function filler(rows: number, columns: number): LinearWeights {
  const at = (index: number): number =>
    (((index * 2_654_435_761) % 65_536) / 65_536 - 0.5) / Math.sqrt(columns);
  const weight: WeightMatrix = {
    rows,
    columns,
    read: (start, end) =>
      Promise.resolve(
        Float32Array.from({ length: (end - start) * columns }, (_, i) => at(start * columns + i)),
      ),
  };
  return { weight };
}

async function rowOf(models: readonly BackendModel[], tokens: number, repeats: number): Promise<Row> {
  const blocks = await Promise.all(models.map((model) => preparedBlock(model, tokens)));
  const times: number[][] = blocks.map(() => []);
  for (let round = 0; round <= repeats; round++)
    for (const [index, run] of blocks.entries()) {
      const before = process.cpuUsage();
      await run();
      const { user, system } = process.cpuUsage(before);
      if (round > 0) times[index]?.push((user + system) / 1000);
    }
  const [expertsMs = NaN, everyExpertMs = NaN, denseMs = NaN] = times.map((each) => medianRange(each).median);
  return { rows: tokens, expertsMs, everyExpertMs, denseMs };
}

/** The block with the first layer's MLP, on rows that went through the first attention. */
async function preparedBlock(model: BackendModel, tokens: number): Promise<() => Promise<unknown>> {
  const ids = Int32Array.from({ length: tokens }, (_, i) => (i * 7919) % model.shape.vocabulary);
  const cache = await model.createCache(tokens, 'f32', {});
  const rows = await model.block(0, await model.embed(ids, { positions: 0, promptTokens: tokens }));
  await cache.write(0, 0, await model.takeKv(rows, 'f32'));
  const attended = await model.attendSlice(rows, { cache, layer: 0, start: 0 });
  return () => model.block(1, rows, { attended });
}

const { figure, words } = columnsOf<Row>();
const COLUMNS = [
  figure('rows', ({ rows }) => rows),
  figure('experts, CPU ms', ({ expertsMs }) => expertsMs, 1),
  figure('chosen ones alone', ({ everyExpertMs }) => everyExpertMs, 1),
  figure('dense', ({ denseMs }) => denseMs, 1),
  figure('experts / dense', ({ expertsMs, denseMs }) => expertsMs / denseMs, 2),
  words('routing', ({ expertsMs, everyExpertMs, denseMs }) =>
    percentWords((everyExpertMs - denseMs) / expertsMs),
  ),
];

function report({ model, dtype }: Pick<Flags, 'model' | 'dtype'>, rows: readonly Row[]): Report {
  const title = `A block of ${model}, ${dtype}, one thread`;
  const over = rows.filter(({ expertsMs, denseMs }) => expertsMs / denseMs > MAX_RATIO);
  return {
    tables: [tableOf({ name: 'experts', title, label: 'measured' }, COLUMNS, rows)],
    missed: over.map(({ rows: count, expertsMs, denseMs }) =>
      `${count} rows: ${(expertsMs / denseMs).toFixed(2)} times the dense MLP, at most ${MAX_RATIO}`),
  };
} // prettier-ignore
