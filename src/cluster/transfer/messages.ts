/**
 * What a machine that fetches the engine's model and the engine say to each other. It asks for pieces of files, so that the engine
 * keeps nothing for it, and a transfer that was interrupted goes on with the piece that is missing.
 */
import { z } from 'zod';
import { type Dtype, DTYPES } from '../../core/shape.js';
import { BLOCK_BYTES } from '../../model/cache/index.js';

/** What workers of an engine must run. */
export type OfferedModel = {
  readonly name: string;
  readonly digest: string;
  readonly dtype: Dtype;
  readonly chunkTokens: number;
  /** What it is compiled from, for machines with other kernels; undefined where its name says all. */
  readonly checkpointFiles: readonly string[] | undefined;
};

/** In one frame: large enough that asking costs nothing, small enough that the engine's thread is back soon. Digests go by the same. */
export const PIECE_BYTES = BLOCK_BYTES;
/** Pieces that may be asked for and not be there yet: 8 MB, enough for 1 Gbit/s over 60 ms. */
export const MAX_PIECES_AHEAD = 8;
/** A compiled model has two files a graph, and graphs for a few hundred layers at most. */
export const MAX_FILES = 4096;

const bytes = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const text = z.string().max(4096);

/** The first message of who fetches. */
export const fetchSchema = z.strictObject({
  type: z.literal('fetch'),
  /** Of compiled models, and how the kernels of the machine want weights packed. */
  format: z.number().int().min(0).max(1e6),
  kernelKey: z.string().max(256),
});
export type FetchMessage = z.infer<typeof fetchSchema>;

export const toDeskSchema = z.discriminatedUnion('type', [
  /** What is there already is not asked for. */
  z.strictObject({ type: z.literal('begin'), missingBytes: bytes }),
  z.strictObject({
    type: z.literal('read'),
    /** Its place in the offer. */
    file: z.number().int().min(0).max(MAX_FILES),
    start: bytes,
    bytes: z.number().int().min(1).max(PIECE_BYTES),
  }),
]);
export type ToDesk = z.infer<typeof toDeskSchema>;

/** Lies in one folder, under a name without a path. */
const fileSchema = z.object({
  name: z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,199}$/),
  bytes,
  digest: z.string().max(128),
});

export const offerSchema = z.object({
  type: z.literal('offer'),
  model: text,
  /** Of the checkpoint. */
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  dtype: z.enum(DTYPES),
  chunkTokens: z.number().int().min(1).max(65_536),
  /**
   * 'compiled': the files of the compiled model. For other kernels 'checkpoint': the files that it is compiled from, or 'named': none,
   * since it is made from its name.
   */
  kind: z.enum(['compiled', 'checkpoint', 'named']),
  files: z.array(fileSchema).max(MAX_FILES),
});
export type Offer = z.infer<typeof offerSchema>;

export const fromDeskSchema = z.discriminatedUnion('type', [
  /** Once a second until the offer is made: the model may have to be compiled first. */
  z.object({ type: z.literal('preparing') }),
  offerSchema,
  /** Payload: the bytes that were asked for. */
  z.object({ type: z.literal('piece'), file: z.number().int().min(0), start: bytes }),
  z.object({ type: z.literal('refused'), code: z.string().max(64), message: text }),
]);
export type FromDesk = z.infer<typeof fromDeskSchema>;
