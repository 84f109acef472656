/**
 * What a compilation will take, told before it begins: its size, the disk it needs, and its time by what earlier ones took on
 * this machine. Called by compile.
 */
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Checkpoint } from '../core/checkpoint.js';
import { KvrError } from '../core/errors.js';
import type { Dtype, ModelShape } from '../core/shape.js';
import { readKept, tryWriteKept } from './cache/files/kept-json.js';
import { blocksBytes, headBytes, tailBytes } from './graph/weight-bytes.js';

export type CompileForecast = {
  readonly dtype: Dtype;
  /** Of the checkpoint's weights as f32, whatever type they have on disk. */
  readonly sourceBytes: number;
  /** That the compiled model will take, with what lies there meanwhile. */
  readonly diskBytes: number;
  readonly freeBytes: number;
  readonly expectedMs: number;
  /** By a compilation on this machine; else by our own measurements on another. */
  readonly isMeasured: boolean;
};

/** MB of f32 weights a second, where nothing was compiled here before: a guess that the first compilation replaces. */
const USUAL_MB_PER_S: Readonly<Record<Dtype, number>> = { f32: 250, q8: 200, q4: 60, w8a8: 120 };
/** Shorter ones are mostly start-up, and say little of longer ones. */
const LEAST_KEPT_BYTES = 200e6;
/** Weights lie there as made and as packed. */
const FORMS = 2;
/** Of graphs, beside what is there in the end: one that is written, those that wait for packing. */
const GRAPHS_MEANWHILE = 4;

export async function forecastCompile(
  { shape, parameters }: Checkpoint,
  dtype: Dtype,
  cacheFolder: string,
): Promise<CompileForecast> {
  const { bavail, bsize } = await statfs(cacheFolder);
  const kept = speedSchema.safeParse(await readKept(speedPath(cacheFolder, dtype))).data;
  const sourceBytes = 4 * parameters;
  const bytesPerMs = kept?.bytesPerMs ?? 1e3 * USUAL_MB_PER_S[dtype];
  return {
    dtype,
    sourceBytes,
    diskBytes: diskBytes(shape, dtype),
    freeBytes: bavail * bsize,
    expectedMs: sourceBytes / bytesPerMs,
    isMeasured: kept !== undefined,
  };
}

const speedSchema = z.object({ bytesPerMs: z.number().positive() });

function speedPath(cacheFolder: string, dtype: Dtype): string {
  return join(cacheFolder, 'compile-speed', `${dtype}.json`);
}

/** For the next forecast. A cache that can not be written, or damage, costs an estimate that is less good. */
export async function rememberSpeed(
  cacheFolder: string,
  { dtype, ms, sourceBytes }: { readonly dtype: Dtype; readonly ms: number; readonly sourceBytes: number },
): Promise<void> {
  if (sourceBytes < LEAST_KEPT_BYTES || ms <= 0) return;
  await tryWriteKept(speedPath(cacheFolder, dtype), { bytesPerMs: sourceBytes / ms });
}

/** Follows compile.ts. */
export function diskBytes(shape: ModelShape, dtype: Dtype): number {
  const embedding = 4 * shape.vocabulary * shape.hidden;
  const blocks = blocksBytes(shape, dtype);
  const graphs = blocks + tailBytes(shape, dtype);
  const head = headBytes(shape, dtype);
  const isPlainHead = dtype === 'f32';
  const heads = isPlainHead ? (shape.tiedHead ? 0 : head) : FORMS * head;
  const meanwhile = Math.max((GRAPHS_MEANWHILE * blocks) / shape.layers, isPlainHead ? 0 : head);
  return embedding + FORMS * graphs + heads + meanwhile;
}

/** @throws DISK_FULL where it would not fit, before anything is written */
export function checkDisk(
  { dtype, diskBytes: needed, freeBytes }: CompileForecast,
  cacheFolder: string,
): void {
  if (needed <= freeBytes) return;
  const message = `no room left in the cache ${cacheFolder}: the model compiled to ${dtype} takes ${gigabytes(needed)}, and ${gigabytes(freeBytes)} are free; remove what is not needed ("kvr models" lists it), or choose another folder with --cache-dir or KVR_CACHE_DIR`;
  throw new KvrError('DISK_FULL', message, { path: cacheFolder });
}

function gigabytes(bytes: number): string {
  return bytes < 1e8 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
