/**
 * The extension phase: sequences whose prompt ended on this worker go on from the caches it holds, one token each a
 * step, through the blocks together as rows of one call. Every sequence attends over its own cache.
 */
import { joinIds } from '../../../core/ids/join-ids.js';
import { canReuseRows } from '../../../core/shape.js';
import type { Matcher } from '../../../grammar/matcher.js';
import type { BackendModel, Cores } from '../../../runtime/backend/backend.js';
import type { AttendedRows } from '../../../runtime/backend/rows.js';
import { Sampler } from '../../../runtime/sampling/sampler.js';
import type { ActiveRequest } from '../requests/active-request.js';
import type { ComputeContext } from '../requests/compute-context.js';
import { HeldRows } from '../requests/held-rows.js';
import { isOpenForAllCores } from './all-core-opening.js';

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
  readonly #model: BackendModel;
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

  /**
   * Takes a sequence in and chooses its next token: the first, or the one after the answer so far. It ends at once where it is to have none.
   * @param logits after the prompt, or after that answer, [vocabulary]. @throws BAD_INPUT
   */
  async add(request: ActiveRequest, logits: Float32Array): Promise<void> {
    const { spec, ids, answer } = request.job;
    const matcher = this.#context.grammars.matcherFor(request.job);
    const constraint = this.#context.grammars.constraintFor(request.job, matcher);
    const sampler = new Sampler(spec.sampling, ids, constraint);
    sampler.takeUp(answer);
    const sequence = { request, sampler, matcher, chosen: [...answer] };
    this.#sequences.push(sequence);
    const isFirst = answer.length === 0;
    // Its chain may have been lost between the last token of an answer and the word that it was the last.
    if (!isFirst && matcher?.mustEnd) await this.#end(sequence, 'stop');
    else if (spec.maxTokens === 0) await this.#end(sequence, 'length');
    else await this.#choose(sequence, logits, isFirst && spec.wantLogits ? { logits: logits.slice() } : {});
    this.#dropEnded();
  }

  /**
   * One more token for every sequence. Those that end, are cancelled or fail leave, each with its last word said.
   * @param onAllCores with the threads of all cores
   */
  async step(onAllCores: boolean): Promise<void> {
    const running = [...this.#sequences];
    try {
      const logits = await this.#nextLogits(running, onAllCores ? 'all' : 'own');
      const vocabulary = this.#model.shape.vocabulary;
      const facts: TokenExtra = onAllCores && isOpenForAllCores(this.#model) ? { onAllCores } : {};
      for (const [row, sequence] of running.entries()) {
        if (!logits || sequence.request.isCancelled) await this.#end(sequence, 'cancelled');
        else await this.#choose(sequence, logits.subarray(row * vocabulary, (row + 1) * vocabulary), facts);
      }
    } catch (error) {
      for (const sequence of running) this.#fail(sequence, error);
    }
    this.#dropEnded();
  }

  /** What one sequence is held to may fail; the others go on. */
  async #choose(sequence: Sequence, logits: Float32Array, extra: TokenExtra): Promise<void> {
    try {
      await this.#take(sequence, logits, extra);
    } catch (error) {
      this.#fail(sequence, error);
    }
  }

  #fail(sequence: Sequence, error: unknown): void {
    const { request } = sequence;
    this.#context.requests.release(request);
    this.#context.outbox.sendFailure(error, { request: request.job.request, phase: 'decode' });
    this.#ended.add(sequence);
  }

  async #take(sequence: Sequence, logits: Float32Array, extra: TokenExtra): Promise<void> {
    const { request, sampler, matcher } = sequence;
    const { job } = request;
    const choice = sampler.next(logits);
    const { id } = choice;
    const index = sequence.chosen.push(id) - 1;
    this.#context.outbox.send({ type: 'token', request: job.request, index, ...choice, ...extra });
    if (job.spec.eosIds.includes(id) || matcher?.mustEnd) await this.#end(sequence, 'stop');
    else if (index + 1 >= job.spec.maxTokens) await this.#end(sequence, 'length');
  }

  async #end(sequence: Sequence, reason: 'stop' | 'length' | 'cancelled'): Promise<void> {
    const { request } = sequence;
    const { requests } = this.#context;
    const isReusable = request.job.spec.prefixCache && canReuseRows(this.#model.shape, request.contextTokens);
    if (isReusable) await requests.keep(request, this.#idsToKeep(sequence));
    else requests.release(request);
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
    if (this.#model.dtype !== 'f32') return Int32Array.from(ids);
    // The last token was chosen, and its row was never computed.
    return joinIds(ids, chosen.slice(0, -1));
  }

  #dropEnded(): void {
    this.#sequences = this.#sequences.filter((sequence) => !this.#ended.has(sequence));
    this.#ended.clear();
  }

  /** Runs the last token of every sequence through all layers → logits [sequences, vocabulary]; undefined when all were cancelled. */
  async #nextLogits(running: readonly Sequence[], cores: Cores): Promise<Float32Array | undefined> {
    const held = new HeldRows();
    try {
      return await this.#runLayers(running, cores, held);
    } finally {
      held.releaseAll();
    }
  }

  async #runLayers(
    running: readonly Sequence[],
    cores: Cores,
    held: HeldRows,
  ): Promise<Float32Array | undefined> {
    const { inbox } = this.#context;
    const model = this.#model;
    const positions = running.map(({ request, chosen }) => request.contextTokens + chosen.length - 1);
    const promptTokens = running.map(({ request }) => request.contextTokens);
    const sequences = running.map(({ request: { cache } }, row) => ({
      cache,
      position: positions[row] as number,
    }));
    const ids = Int32Array.from(running, ({ chosen }) => chosen.at(-1) ?? 0);
    let rows = held.hold(await model.embed(ids, { positions, promptTokens }));
    let attended: AttendedRows | undefined;
    for (let layer = 0; layer < model.shape.layers; layer++) {
      await inbox.read();
      if (inbox.isClosing || running.every(({ request }) => request.isCancelled)) return undefined;
      const output = held.hold(await model.block(layer, rows, { ...(attended && { attended }), cores }));
      held.release(rows);
      held.release(attended);
      rows = output;
      attended = held.hold(await model.attendEach(rows, layer, sequences, cores));
    }
    return model.logits(rows, attended as AttendedRows, cores);
  }

  /** The worker closes: sequences end without a word. */
  close(): void {
    for (const { request } of this.#sequences) this.#context.requests.release(request);
    this.#sequences = [];
  }
}
