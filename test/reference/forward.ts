/**
 * The reference: a plain, slow forward pass in f64 over any Checkpoint, token by token with a simple KV-cache.
 * What every faster way of running a model is compared with. Knows no files, graphs or workers.
 * Used by the tests; ids are not checked beyond being in the vocabulary.
 */
import type { Checkpoint } from '../../src/core/checkpoint.js';
import type { ModelShape } from '../../src/core/shape.js';
import { applyBlock, loadBlock } from './block.js';
import type { Block, LayerCache, Rounding } from './block.js';
import { argmax, normalize } from './functions.js';
import { applyLinear, loadLinear, loadMatrix, loadNorm, rowOf } from './matrix.js';
import type { LoadedLinear, LoadedMatrix, LoadedNorm } from './matrix.js';

export type GreedyResult = {
  /** The ids chosen, without the prompt; all `steps` of them, whatever they mean. */
  readonly ids: number[];
  /** Top logit minus second logit, one per id: how far each choice is from being another. */
  readonly margins: number[];
  /** After the prompt, [vocabulary]: what the first id was chosen from. */
  readonly logits: Float64Array;
};

type LoadedModel = {
  readonly shape: ModelShape;
  readonly embedding: LoadedMatrix;
  readonly blocks: readonly Block[];
  readonly finalNorm: LoadedNorm;
  readonly head: LoadedLinear;
};

export class ReferenceModel {
  readonly shape: ModelShape;
  private readonly model: LoadedModel;

  private constructor(model: LoadedModel) {
    this.shape = model.shape;
    this.model = model;
  }

  /** Reads all weights; the checkpoint stays the caller's to close. */
  static async load(checkpoint: Checkpoint): Promise<ReferenceModel> {
    const blocks: Block[] = [];
    for (let i = 0; i < checkpoint.shape.layers; i++)
      blocks.push(await loadBlock(checkpoint.shape, i, checkpoint.layer(i)));
    return new ReferenceModel({
      shape: checkpoint.shape,
      embedding: await loadMatrix(checkpoint.embedding),
      blocks,
      finalNorm: await loadNorm(checkpoint.finalNorm),
      head: await loadLinear(checkpoint.head),
    });
  }

  /**
   * An empty sequence; several of one model do not disturb each other.
   * @param round of keys and values, before anything attends to them
   */
  start(round: Rounding = (head) => head): ReferenceSequence {
    return new ReferenceSequence(this.model, round);
  }

  /** Logits [vocabulary] after the last of `ids`. */
  logits(ids: readonly number[]): Float64Array {
    return this.start().feed(ids);
  }

  /** Hidden states after the final norm, [hidden] for each of `ids`. */
  normed(ids: readonly number[]): Float64Array[] {
    return this.start().normed(ids);
  }

  greedy(ids: readonly number[], steps: number): GreedyResult {
    return this.start().greedy(ids, steps);
  }
}

/** A growing sequence of tokens and its cache. */
export class ReferenceSequence {
  private readonly model: LoadedModel;
  private readonly round: Rounding;
  private readonly caches: readonly LayerCache[];

  constructor(model: LoadedModel, round: Rounding) {
    this.model = model;
    this.round = round;
    this.caches = model.blocks.map(() => ({ keys: [], values: [], round, promptTokens: 0 }));
  }

  get length(): number {
    return this.caches[0]?.keys.length ?? 0;
  }

  /** Adds tokens (at least one); the first of all are the prompt. @returns the logits [vocabulary] after the last of them */
  feed(ids: readonly number[]): Float64Array {
    this.begin(ids);
    let hidden: Float64Array = new Float64Array();
    for (const id of ids) hidden = this.push(id);
    return this.head(hidden);
  }

  /** Adds tokens. @returns what is left of each after the final norm, [hidden] */
  normed(ids: readonly number[]): Float64Array[] {
    const { shape, finalNorm } = this.model;
    this.begin(ids);
    return ids.map((id) => normalize(shape, finalNorm, this.push(id)));
  }

  /** Adds tokens and then the most likely token after them, `steps` times (at least once); the last one is not added. */
  greedy(ids: readonly number[], steps: number): GreedyResult {
    const logits = this.feed(ids);
    const chosen = [argmax(logits)];
    while (chosen.length < steps) chosen.push(argmax(this.feed([chosen.at(-1)!.index])));
    return {
      ids: chosen.map(({ index }) => index),
      margins: chosen.map(({ margin }) => margin),
      logits,
    };
  }

  /** A sequence of its own with the same tokens; the cached vectors, which never change, are shared. */
  fork(): ReferenceSequence {
    const copy = new ReferenceSequence(this.model, this.round);
    for (const [i, cache] of this.caches.entries()) {
      copy.caches[i]!.promptTokens = cache.promptTokens;
      for (const key of cache.keys) copy.caches[i]!.keys.push(key);
      for (const value of cache.values) copy.caches[i]!.values.push(value);
    }
    return copy;
  }

  private begin(prompt: readonly number[]): void {
    if (this.length === 0) for (const cache of this.caches) cache.promptTokens = prompt.length;
  }

  private push(id: number): Float64Array {
    const { shape, embedding, blocks } = this.model;
    if (!(id >= 0 && id < shape.vocabulary))
      throw new RangeError(`id ${id} is not in [0, ${shape.vocabulary})`);
    let hidden: Float64Array = rowOf(embedding, id).map((value) => value * shape.embeddingScale);
    for (const [i, block] of blocks.entries()) {
      hidden = applyBlock(shape, block, this.caches[i]!, hidden);
    }
    return hidden;
  }

  private head(hidden: Float64Array): Float64Array {
    const { shape, finalNorm, head } = this.model;
    const logits = applyLinear(head, normalize(shape, finalNorm, hidden)).map((x) => x * shape.logitScale);
    const cap = shape.logitCap;
    return cap === undefined ? logits : logits.map((x) => cap * Math.tanh(x / cap));
  }
}
