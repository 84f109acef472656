/**
 * A checkpoint as the compiler sees it: a shape and weights by role, whatever file, architecture or generator
 * they come from. Implemented by model/checkpoint (safetensors), model/synthetic and model/quote.
 */
import type { Pooling } from './request.js';
import type { SamplingDefaults } from './sampling.js';
import type { Dtype, ModelShape } from './shape.js';

/** A row-major matrix [rows, columns] (a vector has one row) that is read in runs of rows, as f32. */
export type WeightMatrix = {
  readonly rows: number;
  readonly columns: number;
  /** Rows [start, end) as [end-start, columns] f32; the caller owns the buffer. @throws BAD_CHECKPOINT */
  read(start: number, end: number): Promise<Float32Array>;
  /** The same rows where they are stored as small integers, so that nobody has to round them again. */
  readonly integers?: IntegerBlocks;
};

/** Rows as integers of `bits` bits with a sign; each run of `blockSize` columns shares a scale. */
export type IntegerBlocks = {
  readonly bits: 4 | 8;
  readonly blockSize: number;
  /** Rows [start, end); the caller owns the buffers. @throws BAD_CHECKPOINT */
  read(start: number, end: number): Promise<IntegerRows>;
};

/** Weight [r, c] is codes[r, c] · scales[r, ⌊c / blockSize⌋]. */
export type IntegerRows = { readonly codes: Int8Array; readonly scales: Float32Array };

/** y = x·weightᵀ + bias, weight [out, in], bias [1, out]. */
export type LinearWeights = { readonly weight: WeightMatrix; readonly bias?: WeightMatrix };
/** weight and bias are [1, width]; a norm with an offset has it added to its weight. */
export type NormWeights = { readonly weight: WeightMatrix; readonly bias?: WeightMatrix };

/** y = down(activation(gate(x))·up(x)), or without a gate down(activation(up(x))). */
export type MlpWeights = {
  readonly kind: 'dense';
  readonly gate?: LinearWeights;
  readonly up: LinearWeights;
  readonly down: LinearWeights;
};

export type ExpertWeights = Required<Omit<MlpWeights, 'kind'>>;

export type ExpertsWeights = {
  readonly kind: 'experts';
  /** Scores of the experts, [count, hidden]. */
  readonly router: LinearWeights;
  /** One an expert. */
  readonly experts: readonly ExpertWeights[];
};

/** Norms are there as the layer's spec says: `norms` and `sharesNorm`. */
export type LayerWeights = {
  readonly attentionNorm?: NormWeights;
  /** Of what attention gives, projected. */
  readonly attentionOutputNorm?: NormWeights;
  /** Absent where the MLP shares the attention's norm. */
  readonly mlpNorm?: NormWeights;
  readonly mlpOutputNorm?: NormWeights;
  readonly q: LinearWeights;
  readonly k: LinearWeights;
  readonly v: LinearWeights;
  readonly o: LinearWeights;
  /** Of queries, with weights for one head that all share, or for the whole projection. */
  readonly qNorm?: NormWeights;
  readonly kNorm?: NormWeights;
  /** A score a query head, [1, heads]. */
  readonly sinks?: WeightMatrix;
  readonly mlp: MlpWeights | ExpertsWeights;
};

/** Numbers of weights by the kind that they are stored in. */
export type StoredKinds = {
  readonly layers: Readonly<Record<string, number>>;
  /** Embedding, head and last norm. */
  readonly others: Readonly<Record<string, number>>;
};

/** What a checkpoint says about embeddings: how its rows are pooled, or what it asks for that is not done here. */
export type EmbeddingRecipe =
  | { readonly kind: 'pooled'; readonly pooling: Pooling; readonly isNormalized: boolean }
  | { readonly kind: 'unsupported'; readonly reason: string };

export type Checkpoint = {
  /** What the user named: a folder, `synthetic:…` or `quote`. */
  readonly name: string;
  readonly shape: ModelShape;
  /** sha-256 (hex) over everything the compiled model depends on. */
  readonly digest: string;
  readonly parameters: number;
  /** Of one folder: all that is needed to open it elsewhere, but for its tokenizer. Undefined where it is computed from its name. */
  readonly files?: readonly string[];
  /** Where a file may mix kinds of stored weights. */
  readonly storedKinds?: StoredKinds;
  /** Ids after which generation ends, from generation_config.json and config.json. */
  readonly eosIds: readonly number[];
  readonly bosId: number | undefined;
  /** What generation_config.json says, where there is one. */
  readonly samplingDefaults?: SamplingDefaults;
  /** New tokens of an answer for which no limit is asked, as generation_config.json says. */
  readonly maxNewTokens?: number;
  /** Where it was made for embeddings. */
  readonly embeddingRecipe?: EmbeddingRecipe;
  /** What its weights are closest to, where they are quantised already, and why; `dtype: 'auto'` takes it where it fits. */
  readonly suggestedDtype?: { readonly dtype: Dtype; readonly reason: string };
  /** Folder where tokenizer.json belongs, the model's own or one in the cache; undefined where the model brings none (synthetic). */
  readonly tokenizerFolder: string | undefined;
  readonly embedding: WeightMatrix;
  readonly finalNorm: NormWeights;
  /** The embedding itself where the shape's head is tied. */
  readonly head: LinearWeights;
  layer(index: number): LayerWeights;
  /** Releases open files; harmless when called twice. */
  close(): Promise<void>;
};
