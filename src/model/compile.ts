/**
 * Turns a checkpoint into a folder of graphs with their weights, once per digest, dtype, format version and CPU.
 * Streams graph by graph; while one is packed, the next is read, converted and written. What packs is handed in by runtime/,
 * since only that folder knows the kernels.
 */
import { stat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Checkpoint, WeightMatrix } from '../core/checkpoint.js';
import type { Dtype, ModelShape } from '../core/shape.js';
import { findDamage } from './cache/folder-check.js';
import type { OnDamage } from './cache/files/kept-json.js';
import { finishedBytes } from './cache/manifest.js';
import { publishSound } from './cache/publish-sound.js';
import { checkDisk, type CompileForecast, forecastCompile, rememberSpeed } from './compile-forecast.js';
import { FILES, FORMAT_VERSION, manifestText } from './compiled.js';
import { addBlock, addTail } from './graph/blocks.js';
import { GraphBuilder } from './graph/graph-builder.js';
import type { GraphTarget } from './graph/graph-target.js';
import { addPlainHead, addQuantizedHead } from './graph/head.js';
import { encodeModel } from './graph/proto.js';
import { WeightFile } from './graph/weight-file.js';
import { type Packing, PackingQueue } from './packing-queue.js';
import { Smoother, type SmoothingKernels } from './smooth/index.js';

export type CompileOptions = {
  readonly cacheFolder: string;
  readonly dtype: Dtype;
  /** Names kernels and CPU; a folder is only loaded where it was packed. */
  readonly kernelKey: string;
  /** Opens what lays out weights for this machine's kernels. */
  readonly openPacking: () => Packing;
  /** Signedness of w8a8's weights: i8 where this machine's kernels sum products with u8 exactly, else u8. */
  readonly integerWeights: 'i8' | 'u8';
  /** Opens the kernels that w8a8's inputs are smoothed with; without, they are left as they are. */
  readonly openSmoothing?: () => Promise<SmoothingKernels>;
  readonly signal?: AbortSignal;
  readonly onProgress?: (fraction: number) => void;
  /** Every byte of a model found in the cache is read and compared; else only its graphs, and who uses its weights checks them. */
  readonly checksWeights?: boolean;
  /** Called where what is in the cache is damaged, and so compiled again. */
  readonly onDamage?: OnDamage;
  /** Called when another process is compiling the same model. */
  readonly onWait?: () => void;
  /** Called before a model is compiled here, where the disk has room for it. */
  readonly onCompiling?: (forecast: CompileForecast) => void;
  /** Called when the model was compiled here, and not found in the cache. */
  readonly onCompiled?: (facts: CompileFacts) => void;
};

export type CompileFacts = {
  readonly dtype: Dtype;
  readonly ms: number;
  /** Of the checkpoint's weights as f32, whatever type they have on disk. */
  readonly sourceBytes: number;
  /** The most that this process ever had resident, up to now. */
  readonly peakBytes: number;
  /** Graphs whose weights every worker packs for itself, since they would be read back wrong: 0 unless the runtime errs. */
  readonly unsharedGraphs: number;
};

/** Graphs have a few KB. The runtime would trust every number in them, so damage is looked for before it reads them. */
const GRAPH_BYTES = 64 * 1024;

/** @returns the folder of the compiled model, building it where it is not there yet. @throws CACHE_UNWRITABLE, DISK_FULL */
export function compileModel(checkpoint: Checkpoint, options: CompileOptions): Promise<string> {
  const { cacheFolder, dtype, kernelKey } = options;
  const isRough = dtype === 'w8a8' && !options.openSmoothing;
  return publishSound({
    ...(!options.checksWeights && { maxFileBytes: GRAPH_BYTES }),
    ...(options.onDamage && { onDamage: options.onDamage }),
    cacheFolder,
    key: compiledKey({ digest: checkpoint.digest, dtype: isRough ? `${dtype}-rough` : dtype, kernelKey }),
    build: (folder) => buildTimed(checkpoint, folder, options),
    ...(options.signal && { signal: options.signal }),
    ...(options.onWait && { onWait: options.onWait }),
  });
}

/** The name of a compiled model's folder in the cache: equal names mean equal contents, on all machines. */
export function compiledKey({ digest, dtype, kernelKey }: CompiledIdentity): string {
  return `${digest.slice(0, 24)}-${dtype}-v${FORMAT_VERSION}-${kernelKey}`;
}

export type CompiledIdentity = {
  /** Of the checkpoint. */
  readonly digest: string;
  readonly dtype: string;
  readonly kernelKey: string;
};

/** @returns whether a folder that compileModel() returned is still there, and workers may be started on it */
export async function hasSoundGraphs(folder: string): Promise<boolean> {
  if ((await finishedBytes(folder)) === undefined) return false;
  return (await findDamage(folder, { maxFileBytes: GRAPH_BYTES })) === undefined;
}

async function buildTimed(checkpoint: Checkpoint, folder: string, options: CompileOptions): Promise<void> {
  const { dtype, cacheFolder } = options;
  const forecast = await forecastCompile(checkpoint, dtype, cacheFolder);
  checkDisk(forecast, cacheFolder);
  options.onCompiling?.(forecast);
  const startMs = performance.now();
  const unsharedGraphs = await buildPacked(checkpoint, folder, options);
  const facts = { dtype, ms: performance.now() - startMs, sourceBytes: forecast.sourceBytes };
  await rememberSpeed(cacheFolder, facts);
  options.onCompiled?.({ ...facts, peakBytes: 1024 * process.resourceUsage().maxRSS, unsharedGraphs });
}

/** Graphs are packed while the next ones are read and converted. @returns how many could not be packed */
async function buildPacked(checkpoint: Checkpoint, folder: string, options: CompileOptions): Promise<number> {
  const packing = options.openPacking();
  const queue = new PackingQueue(packing);
  let unsharedGraphs = 0;
  const pack = async (source: string, target: string): Promise<void> => {
    if (!(await packing.prepack(source, target))) unsharedGraphs++;
    await Promise.all([unlink(source), unlink(`${source}.bin`)]);
  };
  const build = {
    ...options,
    pack: (source: string, target: string) => queue.add(() => pack(source, target)),
  };
  try {
    await buildSmoothed(checkpoint, folder, build);
    await queue.finish();
  } finally {
    // Nothing is written any more once the folder is taken away.
    await queue.settle();
    await packing.close();
  }
  return unsharedGraphs;
}

type BuildOptions = CompileOptions & {
  /** Takes a written graph to be packed; returns as soon as there is room for it. @throws what packing an earlier one threw */
  readonly pack: (source: string, target: string) => Promise<void>;
};

/** Only w8a8 has one step for a whole row of activations, which one channel can spoil for all others. */
async function buildSmoothed(checkpoint: Checkpoint, folder: string, options: BuildOptions): Promise<void> {
  if (options.dtype !== 'w8a8' || !options.openSmoothing) return buildFolder(checkpoint, folder, options);
  const kernels = await options.openSmoothing();
  try {
    const smoother = await Smoother.start(checkpoint, kernels);
    await buildFolder(smoother.checkpoint, folder, options, () => smoother.advance());
  } finally {
    await kernels.close();
  }
}

/** @param beforeLayer is called before the first graph with weights of the next layer is written */
async function buildFolder(
  checkpoint: Checkpoint,
  folder: string,
  options: BuildOptions,
  beforeLayer?: () => Promise<void>,
): Promise<void> {
  const { shape, digest, name: model } = checkpoint;
  const steps = shape.layers + 3;
  let weightBytes = 0;
  let done = 0;
  const step = async (bytes: Promise<number>): Promise<void> => {
    options.signal?.throwIfAborted();
    weightBytes += await bytes;
    options.onProgress?.(++done / steps);
  };
  await step(writeEmbedding(checkpoint, folder));
  for (let layer = 0; layer < shape.layers; layer++) {
    await beforeLayer?.();
    await step(
      writePacked(checkpoint, folder, FILES.block(layer), options, (target) =>
        addBlock(target, checkpoint, layer),
      ),
    );
  }
  await step(writePacked(checkpoint, folder, FILES.tail, options, (target) => addTail(target, checkpoint)));
  await step(writeHead(checkpoint, folder, options));
  const sinks = await readSinks(checkpoint);
  const manifest = manifestText({
    format: FORMAT_VERSION,
    digest,
    model,
    dtype: options.dtype,
    shape,
    weightBytes,
    ...(sinks && { sinks }),
  });
  await writeFile(join(folder, manifest.name), manifest.text);
}

/** They are few, and attention's graphs hold no weights. @returns one list a layer */
async function readSinks(checkpoint: Checkpoint): Promise<number[][] | undefined> {
  const { shape } = checkpoint;
  if (!shape.specs.some(({ attention }) => attention.hasSinks)) return undefined;
  const layers = Array.from({ length: shape.layers }, (_, index) => checkpoint.layer(index).sinks);
  return Promise.all(layers.map(async (sinks) => [...((await sinks?.read(0, 1)) ?? [])]));
}

/** Writes one graph, to be packed for the kernels. @returns bytes of its weights */
async function writePacked(
  checkpoint: Checkpoint,
  folder: string,
  name: string,
  options: BuildOptions,
  add: (target: GraphTarget) => Promise<void>,
): Promise<number> {
  const source = `plain-${name}`;
  const bytes = await writeGraph(folder, source, checkpoint.shape, options, add);
  await options.pack(join(folder, source), join(folder, name));
  return bytes;
}

/** Writes a graph and, in `<name>.bin`, its weights as our code lays them out. @returns bytes of the weights */
async function writeGraph(
  folder: string,
  name: string,
  shape: ModelShape,
  { dtype, integerWeights }: CompileOptions,
  add: (target: GraphTarget) => Promise<void>,
): Promise<number> {
  const path = join(folder, name);
  const weights = await WeightFile.create(`${path}.bin`);
  try {
    const graph = new GraphBuilder(name);
    await add({ shape, dtype, integerWeights, graph, weights, quantized: new Map() });
    await writeFile(path, encodeModel(graph.build()));
  } finally {
    await weights.close();
  }
  return (await stat(`${path}.bin`)).size;
}

async function writeEmbedding({ embedding }: Checkpoint, folder: string): Promise<number> {
  return writePlain(embedding, join(folder, FILES.embedding));
}

/**
 * normed [1, rows, hidden] → logits [1, rows, vocabulary]. The f32 head is read once per token and packing would not
 * help one row, so its weight stays [vocabulary, hidden], in the embedding's own file where the two are tied.
 */
async function writeHead(checkpoint: Checkpoint, folder: string, options: BuildOptions): Promise<number> {
  if (options.dtype !== 'f32')
    return writePacked(checkpoint, folder, FILES.head, options, (target) =>
      addQuantizedHead(target, checkpoint),
    );
  const { vocabulary, hidden, tiedHead } = checkpoint.shape;
  const file = tiedHead ? FILES.embedding : 'head.bin';
  const bytes = 4 * vocabulary * hidden;
  if (!tiedHead) await writePlain(checkpoint.head.weight, join(folder, file));
  await writeGraph(folder, FILES.head, checkpoint.shape, options, (target) =>
    addPlainHead(target, checkpoint, { file, offset: 0, bytes }),
  );
  return tiedHead ? 0 : bytes;
}

/** A matrix as it is, [rows, columns] f32. @returns its bytes */
async function writePlain(matrix: WeightMatrix, path: string): Promise<number> {
  const weights = await WeightFile.create(path);
  try {
    await weights.appendMatrix('plain', matrix, [matrix.rows, matrix.columns]);
  } finally {
    await weights.close();
  }
  return 4 * matrix.rows * matrix.columns;
}
