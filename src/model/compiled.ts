/**
 * What lies in a compiled model's folder, and the manifest that describes it. Written by compile.ts, read by
 * runtime/. Holds all a worker needs; the checkpoint itself is not opened again.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { firstLine, KvrError } from '../core/errors.js';
import { DTYPES, modelShapeSchema } from '../core/shape.js';

/** Raised whenever graphs or files change, or what a config is understood as, so that no older cache is read by newer code. */
export const FORMAT_VERSION = 11;
const MANIFEST = 'compiled.json';

export const FILES = {
  /** Rows [vocabulary, hidden] f32. */
  embedding: 'embedding.bin',
  head: 'head.onnx',
  tail: 'tail.onnx',
  block: (layer: number) => `block-${String(layer).padStart(3, '0')}.onnx`,
} as const;

const manifestSchema = z
  .object({
    format: z.literal(FORMAT_VERSION),
    digest: z.string(),
    /** What the checkpoint was called when it was compiled: for lists. */
    model: z.string().optional(),
    dtype: z.enum(DTYPES),
    shape: modelShapeSchema,
    /** Bytes of weights that a worker reads; on disk they lie twice, as made and as packed, since a session is opened from both. */
    weightBytes: z.number().nonnegative(),
    /** Of every layer, a score a query head; none where a layer has no sinks. Absent where no layer has. */
    sinks: z.array(z.array(z.number())).readonly().optional(),
  })
  .readonly();

export type CompiledManifest = z.infer<typeof manifestSchema>;

export function manifestText(manifest: CompiledManifest): { name: string; text: string } {
  return { name: MANIFEST, text: JSON.stringify(manifest, null, 1) };
}

/** @throws BAD_CHECKPOINT where the folder holds no compiled model of this version. */
export async function readManifest(folder: string): Promise<CompiledManifest> {
  const path = join(folder, MANIFEST);
  try {
    return manifestSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    const reason =
      error instanceof z.ZodError ? (error.issues[0]?.message ?? 'not a manifest') : String(error);
    throw new KvrError(
      'BAD_CHECKPOINT',
      `${path} is no compiled model (${firstLine(reason)}); delete the folder`,
      {},
      error,
    );
  }
}
