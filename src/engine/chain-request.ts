/**
 * One request on its way through a chain: hands the ranks their parts, gathers tokens and timelines, and turns every
 * way a chain can fail into one typed error that names rank and phase. Knows ids, not text.
 */
import type { ClusterWorker } from '../cluster/cluster.js';
import type { WorkerHandle } from '../cluster/worker-handle.js';
import { KvrError, type KvrErrorCode } from '../core/errors.js';
import type { Grammar } from '../grammar/grammar.js';
import type { Partition } from '../core/partition.js';
import { partitionSizes } from '../core/partition.js';
import type { Sampling, TokenLogprobs } from '../core/sampling.js';
import type { KvDtype } from '../core/shape.js';
import type { RankTimeline } from '../core/timeline.js';
import type { FromWorker, Phase, Strategy } from '../worker/protocol.js';
import { AsyncQueue } from './async-queue.js';

/** A broken link is often a dead worker seen from its neighbour; the dead one's own news may be on its way. */
const BLAME_MS = 300;

export type ChainSpec = {
  readonly request: number;
  readonly strategy: Strategy;
  /** In rank order, as many as the partition has slices. */
  readonly workers: readonly ClusterWorker[];
  readonly ids: Int32Array;
  readonly partition: Partition;
  readonly maxTokens: number;
  readonly kvDtype: KvDtype;
  readonly sampling: Sampling;
  readonly eosIds: readonly number[];
  readonly wantLogits: boolean;
  /** What the answer is held to, and how a worker is told the vocabulary it needs for that. */
  readonly grammar?: { readonly rules: Grammar; readonly prepare: (handle: WorkerHandle) => void };
  /** Tokens at which chunks must end as well; see RunMessage. */
  readonly cutsAt?: readonly number[];
  /** Rows that rank 0's worker has kept; see RunMessage. */
  readonly reuse?: { readonly entry: number; readonly tokens: number };
  /** The last rank is to keep the request's rows. */
  readonly keep?: boolean;
  readonly signal?: AbortSignal;
  /** Called when a rank has said its last word and has let go of its cache. */
  readonly onRankEnd?: (rank: number) => void;
  /** The limit as it was asked for, and what is left of it. */
  readonly deadline?: { readonly limitMs: number; readonly leftMs: number };
};

/** What comes with a token where it was asked for. */
export type TokenFacts = {
  /** After the prompt, [vocabulary]; with the first token. */
  readonly logits?: Float32Array;
  readonly logprobs?: TokenLogprobs;
};
type TokenEvent = { readonly type: 'token'; readonly id: number; readonly isWide?: true } & TokenFacts;

export type ChainEvent =
  | TokenEvent
  | { readonly type: 'progress'; readonly rank: number; readonly layer: number }
  | { readonly type: 'prefilled'; readonly timeline: RankTimeline }
  | { readonly type: 'finished'; readonly reason: 'stop' | 'length' };

type RankState = { phase: Phase; layer: number; isPrefilled: boolean };

/** Runs a request; leaving the loop early cancels it on every rank. @throws KvrError with fields rank and phase */
export async function* runChain(spec: ChainSpec): AsyncGenerator<ChainEvent> {
  const run = new ChainRun(spec);
  try {
    run.start();
    yield* run.events;
  } finally {
    run.stop();
  }
}

class ChainRun {
  readonly events = new AsyncQueue<ChainEvent>();
  readonly #spec: ChainSpec;
  readonly #ranks: RankState[];
  readonly #cleanup: (() => void)[] = [];
  #finish: 'stop' | 'length' | undefined;
  #error: KvrError | undefined;

  constructor(spec: ChainSpec) {
    this.#spec = spec;
    this.#ranks = spec.workers.map(() => ({ phase: 'connect', layer: 0, isPrefilled: false }));
  }

  /** Later ranks first, so that they know the request when an earlier one's rows arrive. */
  start(): void {
    const { workers, signal, deadline } = this.#spec;
    workers.forEach(({ handle }, rank) => {
      this.#cleanup.push(handle.listen((message, payload) => this.#onMessage(rank, message, payload)));
      const onEnd = (error?: KvrError): void =>
        this.#fail(rank, error ?? new KvrError('CLOSED', 'the engine was closed'));
      this.#cleanup.push(handle.onEnd(onEnd));
    });
    if (signal?.aborted) return this.#cancelled();
    const onAbort = (): void => this.#cancelled();
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#cleanup.push(() => signal?.removeEventListener('abort', onAbort));
    if (deadline) {
      const timer = setTimeout(() => this.#overdue(deadline.limitMs), deadline.leftMs);
      this.#cleanup.push(() => clearTimeout(timer));
    }
    for (let rank = workers.length - 1; rank >= 0; rank--) this.#sendRun(rank);
    for (const state of this.#ranks) state.phase = 'prefill';
  }

  /** Cancels what still runs and lets go of the workers. */
  stop(): void {
    for (const clean of this.#cleanup.splice(0)) clean();
    if (this.#isComplete()) return;
    this.#error ??= new KvrError('CANCELLED', 'nobody reads this request any more');
    for (const { handle } of this.#spec.workers) {
      if (!handle.isEnded) handle.send({ type: 'cancel', request: this.#spec.request });
    }
  }

  #sendRun(rank: number): void {
    const { request, strategy, workers, ids, partition, maxTokens, sampling, eosIds, wantLogits } =
      this.#spec;
    const { kvDtype, reuse, grammar, keep = false } = this.#spec;
    const slice = partition[rank];
    const worker = workers[rank];
    if (!slice || !worker) throw new KvrError('INTERNAL', `partition has no slice for rank ${rank}`);
    const isLast = rank === workers.length - 1;
    if (isLast) grammar?.prepare(worker.handle);
    // A copy, since the link may still be writing it when the caller goes on.
    const part = isLast ? ids.slice() : ids.slice(slice.start, slice.end);
    worker.handle.send(
      {
        type: 'run',
        request,
        strategy,
        rank,
        chain: workers.map(({ handle }) => handle.id),
        partition: partitionSizes(partition),
        maxTokens,
        kvDtype,
        sampling,
        eosIds: [...eosIds],
        cutsAt: [...(this.#spec.cutsAt ?? [])],
        wantLogits,
        ...(rank === 0 && reuse && { reuse }),
        ...(isLast && { keep, grammar: grammar?.rules }),
      },
      new Uint8Array(part.buffer),
    );
  }

  #onMessage(rank: number, message: FromWorker, payload: Uint8Array<ArrayBuffer>): void {
    const state = this.#ranks[rank];
    if (!('request' in message) || message.request !== this.#spec.request || !state) return;
    switch (message.type) {
      case 'progress':
        state.phase = message.phase;
        state.layer = message.layer;
        return this.events.push({ type: 'progress', rank, layer: message.layer });
      case 'token':
        state.phase = 'decode';
        return this.events.push({
          type: 'token',
          id: message.id,
          ...readLogits(payload),
          ...(message.logprobs && { logprobs: message.logprobs }),
          ...(message.isWide && { isWide: true }),
        });
      case 'prefilled':
        state.isPrefilled = true;
        if (rank < this.#ranks.length - 1) this.#spec.onRankEnd?.(rank);
        this.events.push({ type: 'prefilled', timeline: message.timeline });
        return this.#endIfComplete();
      case 'finished':
        if (message.reason === 'cancelled') return;
        this.#finish = message.reason;
        this.#spec.onRankEnd?.(rank);
        return this.#endIfComplete();
      case 'kept':
        // The engine's index listens to that, also after the request has ended.
        return;
      case 'failed': {
        const error = new KvrError(message.code as KvrErrorCode, message.message);
        if (message.code !== 'LINK') return this.#fail(rank, error, message.phase, message.layer);
        setTimeout(() => this.#fail(rank, error, message.phase, message.layer), BLAME_MS);
        return;
      }
    }
  }

  /** The last rank may be done before an earlier one's record has arrived; both belong to the result. */
  #isComplete(): boolean {
    return this.#finish !== undefined && this.#ranks.every((state) => state.isPrefilled);
  }

  #endIfComplete(): void {
    if (!this.#finish || !this.#isComplete() || this.#error) return;
    this.events.push({ type: 'finished', reason: this.#finish });
    this.events.end();
  }

  #fail(rank: number, error: KvrError, phase?: Phase, layer?: number): void {
    const state = this.#ranks[rank];
    // A rank whose rows have all left is not needed any more.
    const isNeeded = rank === this.#ranks.length - 1 || !state?.isPrefilled;
    if (!state || !isNeeded) return;
    const where = { rank, phase: phase ?? state.phase, layer: layer ?? state.layer };
    this.#end(
      new KvrError(
        error.code,
        `rank ${rank} failed in ${where.phase}, layer ${where.layer}: ${error.message}`,
        where,
        error,
      ),
    );
  }

  #cancelled(): void {
    this.#end(new KvrError('CANCELLED', 'request was cancelled'));
  }

  #overdue(deadlineMs: number): void {
    const rank = this.#slowestRank();
    const { phase, layer } = this.#ranks[rank] as RankState;
    const message = `request took longer than its deadline of ${deadlineMs} ms; rank ${rank} was in ${phase}, layer ${layer}`;
    this.#end(new KvrError('DEADLINE', message, { rank, phase, layer, deadlineMs }));
  }

  #slowestRank(): number {
    const behind = this.#ranks
      .map((state, rank) => ({ rank, state }))
      .filter(({ state }) => !state.isPrefilled);
    behind.sort((a, b) => a.state.layer - b.state.layer);
    return behind[0]?.rank ?? this.#ranks.length - 1;
  }

  #end(error: KvrError): void {
    if (this.#error || this.#isComplete()) return;
    this.#error = error;
    this.events.fail(error);
  }
}

function readLogits(payload: Uint8Array<ArrayBuffer>): { logits?: Float32Array } {
  return payload.byteLength === 0 ? {} : { logits: new Float32Array(payload.buffer) };
}
