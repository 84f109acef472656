/**
 * A checkpoint as the compiler sees it: a shape and weights by role, whatever file, architecture or generator
 * they come from. Implemented by model/checkpoint (safetensors), model/synthetic and model/quote.
 */
import type { Dtype, ModelShape } from './shape.js';

/** A row-major matrix [rows, columns] (a vector has one row) that is read in runs of rows, as f32. */
export type WeightMatrix = {
  readonly rows: number;
  readonly columns: number;
  /** Rows [start, end) as [end-start, columns] f32; the caller owns the buffer. @throws BAD_CHECKPOINT */
  read(start: number, end: number): Promise<Float32Array>;
};

/** y = x·weightᵀ + bias, weight [out, in], bias [1, out]. */
export type LinearWeights = { readonly weight: WeightMatrix; readonly bias?: WeightMatrix };
/** weight and bias are [1, hidden]; RMS norms have no bias. */
export type NormWeights = { readonly weight: WeightMatrix; readonly bias?: WeightMatrix };

export type LayerWeights = {
  readonly attentionNorm: NormWeights;
  /** Absent where the MLP shares the attention's norm. */
  readonly mlpNorm?: NormWeights;
  readonly q: LinearWeights;
  readonly k: LinearWeights;
  readonly v: LinearWeights;
  readonly o: LinearWeights;
  /** Only for 'silu-gated'. */
  readonly gate?: LinearWeights;
  readonly up: LinearWeights;
  readonly down: LinearWeights;
};

export type Checkpoint = {
  /** What the user named: a folder, `synthetic:…` or `quote`. */
  readonly name: string;
  readonly shape: ModelShape;
  /** sha-256 (hex) over everything the compiled model depends on. */
  readonly digest: string;
  readonly parameters: number;
  /** Ids after which generation ends, from generation_config.json, else config.json. */
  readonly eosIds: readonly number[];
  readonly bosId: number | undefined;
  /** What its weights are closest to, where they are quantised already, and why; `dtype: 'auto'` takes it where it fits. */
  readonly suggestedDtype?: { readonly dtype: Dtype; readonly reason: string };
  /** Folder with tokenizer.json, or undefined where the model brings none (synthetic). */
  readonly tokenizerFolder: string | undefined;
  readonly embedding: WeightMatrix;
  readonly finalNorm: NormWeights;
  /** The embedding itself where the shape's head is tied. */
  readonly head: LinearWeights;
  layer(index: number): LayerWeights;
  /** Releases open files; harmless when called twice. */
  close(): Promise<void>;
};
