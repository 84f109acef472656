/**
 * The extension phase: sequences whose prompt ended on this worker go on from the caches it holds, one token each a
 * step, through the blocks together as rows of one call. Every sequence attends over its own cache.
 */
import type { Matcher } from '../../../grammar/matcher.js';
import type { Model } from '../../../runtime/cpu/model.js';
import { type RotaryTable, rotaryTable } from '../../../runtime/cpu/rotary.js';
import { Sampler } from '../../../runtime/sampling/sampler.js';
import type { ActiveRequest } from '../requests/active-request.js';
import type { ComputeContext } from '../requests/compute-context.js';

type Sequence = {
  readonly request: ActiveRequest;
  readonly sampler: Sampler;
  /** What the answer is held to, where it is. */
  readonly matcher: Matcher | undefined;
  /** Tokens chosen so far; the row of the last of them is the next to be computed. */
  readonly chosen: number[];
};

/** What is told with a token beside its id. */
type TokenExtra = { readonly logits?: Float32Array<ArrayBuffer>; readonly onAllCores?: true };

export class DecodeBatch {
  readonly #model: Model;
  readonly #context: ComputeContext;
  #sequences: Sequence[] = [];
  /** Those whose last word is said; they leave at the end of a step. */
  readonly #ended = new Set<Sequence>();

  constructor(context: ComputeContext) {
    this.#model = context.model;
    this.#context = context;
  }

  get isEmpty(): boolean {
    return this.#sequences.length === 0;
  }

  /** Sequences of the next step. */
  get rows(): number {
    return this.#sequences.length;
  }

  /** Tokens that the longest answer may still get. */
  get tokensLeft(): number {
    return Math.max(
      0,
      ...this.#sequences.map(({ request, chosen }) => request.job.spec.maxTokens - chosen.length),
    );
  }

  /** Takes a sequence in and chooses its first token. @param logits after the prompt, [vocabulary]. @throws BAD_INPUT */
  add(request: ActiveRequest, logits: Float32Array): void {
    const { spec, ids } = request.job;
    const matcher = this.#context.grammars.matcherFor(request.job);
    const sequence = { request, sampler: new Sampler(spec.sampling, ids, matcher), matcher, chosen: [] };
    this.#sequences.push(sequence);
    const first = request.job.spec.wantLogits ? { logits: Float32Array.from(logits) } : {};
    this.#choose(sequence, logits, first);
    this.#dropEnded();
  }

  /**
   * One more token for every sequence. Those that end, are cancelled or fail leave, each with its last word said.
   * @param onAllCores with the threads of all cores
   */
  async step(onAllCores: boolean): Promise<void> {
    const running = [...this.#sequences];
    try {
      const logits = await this.#nextLogits(running, onAllCores);
      const vocabulary = this.#model.shape.vocabulary;
      running.forEach((sequence, row) => {
        if (!logits || sequence.request.isCancelled) return this.#end(sequence, 'cancelled');
        const facts: TokenExtra = onAllCores && this.#model.isOpenForAllCores ? { onAllCores } : {};
        this.#choose(sequence, logits.subarray(row * vocabulary, (row + 1) * vocabulary), facts);
      });
    } catch (error) {
      for (const sequence of running) this.#fail(sequence, error);
    }
    this.#dropEnded();
  }

  /** What one sequence is held to may fail; the others go on. */
  #choose(sequence: Sequence, logits: Float32Array, extra: TokenExtra): void {
    try {
      this.#take(sequence, logits, extra);
    } catch (error) {
      this.#fail(sequence, error);
    }
  }

  #fail(sequence: Sequence, error: unknown): void {
    const { request } = sequence;
    this.#context.outbox.sendFailure(error, { request: request.job.request, phase: 'decode' });
    this.#context.requests.release(request);
    this.#ended.add(sequence);
  }

  #take(sequence: Sequence, logits: Float32Array, extra: TokenExtra): void {
    const { request, sampler, matcher } = sequence;
    const { job } = request;
    const choice = sampler.next(logits);
    const { id } = choice;
    const index = sequence.chosen.push(id) - 1;
    this.#context.outbox.send({ type: 'token', request: job.request, index, ...choice, ...extra });
    if (job.spec.eosIds.includes(id) || matcher?.mustEnd) this.#end(sequence, 'stop');
    else if (index + 1 >= job.spec.maxTokens) this.#end(sequence, 'length');
  }

  #end(sequence: Sequence, reason: 'stop' | 'length' | 'cancelled'): void {
    const { request } = sequence;
    this.#context.requests.release(request);
    if (request.job.spec.prefixCache) this.#context.requests.keep(request, this.#idsToKeep(sequence));
    this.#context.outbox.send({ type: 'finished', request: request.job.request, reason });
    this.#ended.add(sequence);
  }

  /**
   * Rows of chosen tokens differ in their last digits from those a prompt would compute. With f32 weights that is all;
   * where activations are rounded to 8 bits, log-probabilities of a later answer moved by up to 0.1 (measured on a
   * random model 256 wide), enough for another token. There only the prompt's rows are kept.
   */
  #idsToKeep({ request, chosen }: Sequence): Int32Array<ArrayBuffer> {
    const { ids } = request.job;
    if (this.#model.manifest.dtype !== 'f32') return Int32Array.from(ids);
    // The last token was chosen, and its row was never computed.
    return joinIds(ids, chosen.slice(0, -1));
  }

  #dropEnded(): void {
    this.#sequences = this.#sequences.filter((sequence) => !this.#ended.has(sequence));
    this.#ended.clear();
  }

  /** Runs the last token of every sequence through all layers → logits [sequences, vocabulary]; undefined when all were cancelled. */
  async #nextLogits(running: readonly Sequence[], onAllCores: boolean): Promise<Float32Array | undefined> {
    const { inbox } = this.#context;
    const { shape } = this.#model;
    const positions = running.map(({ request, chosen }) => request.contextTokens + chosen.length - 1);
    const rotary = joinRotary(positions.map((position) => rotaryTable(shape, position, position + 1)));
    let hidden = await this.#model.embed(Int32Array.from(running, ({ chosen }) => chosen.at(-1) ?? 0));
    let attended: Float32Array | undefined;
    for (let layer = 0; layer < shape.layers; layer++) {
      inbox.read();
      if (inbox.isClosing || running.every(({ request }) => request.isCancelled)) return undefined;
      const input = attended ? { hidden, attended } : { hidden };
      const output = await this.#model.block(layer, input, rotary, 0, onAllCores);
      attended = await this.#attend(running, positions, layer, output, onAllCores);
      hidden = output.hidden;
    }
    return this.#model.logits(hidden, attended as Float32Array, onAllCores);
  }

  /** Writes every sequence's row into its cache and attends over it → [sequences, heads·D]. */
  async #attend(
    running: readonly Sequence[],
    positions: readonly number[],
    layer: number,
    output: { readonly queries: Float32Array; readonly keys: Float32Array; readonly values: Float32Array },
    onAllCores: boolean,
  ): Promise<Float32Array> {
    const { heads, kvHeads, headDim } = this.#model.shape;
    const attended = new Float32Array(output.queries.length);
    const attention = onAllCores ? this.#model.allCoreAttention : this.#model.attention;
    for (const [row, { request }] of running.entries()) {
      const rowOf = (all: Float32Array, width: number): Float32Array =>
        all.subarray(row * width, (row + 1) * width);
      const position = positions[row] as number;
      const width = kvHeads * headDim;
      const own = { keys: rowOf(output.keys, width), values: rowOf(output.values, width) };
      request.cache.write(layer, position, await this.#model.rounding.rows(own, request.cache.kvDtype));
      const queries = rowOf(output.queries, heads * headDim);
      const result = await attention.row(request.cache, layer, position + 1, queries);
      attended.set(result, row * heads * headDim);
    }
    return attended;
  }
}

function joinIds(prompt: Int32Array, chosen: readonly number[]): Int32Array<ArrayBuffer> {
  const ids = new Int32Array(prompt.length + chosen.length);
  ids.set(prompt);
  ids.set(chosen, prompt.length);
  return ids;
}

function joinRotary(rows: readonly RotaryTable[]): RotaryTable {
  const pairs = rows[0]?.cos.length ?? 0;
  const cos = new Float32Array(rows.length * pairs);
  const sin = new Float32Array(rows.length * pairs);
  rows.forEach((row, index) => {
    cos.set(row.cos, index * pairs);
    sin.set(row.sin, index * pairs);
  });
  return { cos, sin };
}
