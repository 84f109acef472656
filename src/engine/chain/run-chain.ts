/**
 * Runs one request on a chain: sends the ranks their parts, collects tokens and timelines, and ends in exactly one way, also
 * when several ranks fail. Knows ids, not text.
 */
import type { WorkerHandle } from '../../cluster/worker-handle.js';
import { KvrError } from '../../core/errors.js';
import { needsAllRows } from '../../core/request.js';
import type { FromWorker, Phase } from '../../worker/protocol/index.js';
import { AsyncQueue } from './async-queue.js';
import { type ChainEvent, pooledEvent, promptLogprobsEvent, tokenEvent } from './chain-events.js';
import { cancelled, overdue, rankFailure, reported } from './chain-failure.js';
import type { ChainRequest } from './chain-request.js';
import { isLastWord, RankEnds } from './rank-ends.js';
import { type RankState, RankStates } from './rank-states.js';
import { sendPart } from './send-part.js';

/** Runs a request; leaving the loop early cancels it on every rank. @throws KvrError with fields rank and phase */
export async function* runChain(request: ChainRequest): AsyncGenerator<ChainEvent> {
  const run = new ChainRun(request);
  try {
    run.start();
    yield* run.events;
  } finally {
    run.stop();
  }
}

/** Where a rank failed, if its worker said so. */
type Told = { readonly phase?: Phase; readonly layer?: number | undefined };

class ChainRun {
  readonly events = new AsyncQueue<ChainEvent>();
  readonly #request: ChainRequest;
  readonly #ranks: RankStates;
  readonly #ends: RankEnds;
  readonly #cleanup: (() => void)[] = [];
  /** Workers are listened to until they hold nothing of the request, which may be after its reader has left. */
  readonly #stopListening: (() => void)[] = [];
  readonly #sent = new Set<number>();
  #isStopped = false;
  #finish: 'stop' | 'length' | undefined;
  #tokens: number;
  /** Why no token can follow the last one, which shows before its worker says so. */
  #whole: 'stop' | 'length' | undefined;
  #error: KvrError | undefined;

  constructor(request: ChainRequest) {
    this.#request = request;
    this.#tokens = request.answered?.length ?? 0;
    const ranks = request.workers.length;
    this.#ranks = new RankStates(ranks);
    this.#ends = new RankEnds(
      ranks,
      (rank) => request.onRankEnd?.(rank),
      () => this.#stopListening.splice(0).forEach((stop) => stop()),
    );
  }

  start(): void {
    this.#request.onStart?.();
    this.#request.workers.forEach(({ handle }, rank) => this.#listenTo(handle, rank));
    if (this.#request.signal?.aborted) return this.#end(cancelled());
    this.#heedSignal();
    this.#heedDeadline();
    this.#dispatch();
    this.#ranks.beginPrefill();
  }

  /** Cancels what still runs; who reads is told nothing more. */
  stop(): void {
    this.#isStopped = true;
    for (const clean of this.#cleanup.splice(0)) clean();
    if (!this.#isComplete()) this.#error ??= new KvrError('CANCELLED', 'the reader of this request has left');
    this.#ends.limit();
    for (const rank of this.#ends.open) this.#cancel(rank);
  }

  #cancel(rank: number): void {
    const handle = this.#request.workers[rank]?.handle;
    if (!handle || handle.isEnded || !this.#sent.has(rank)) this.#ends.note(rank);
    else handle.send({ type: 'cancel', request: this.#request.id });
  }

  /** Sends every rank its part: later ranks first, so that they know the request when an earlier one's rows arrive. */
  #dispatch(): void {
    for (let rank = this.#request.workers.length - 1; rank >= 0; rank--) {
      this.#sent.add(rank);
      sendPart(this.#request, rank);
    }
  }

  #listenTo(handle: WorkerHandle, rank: number): void {
    const closed = (): KvrError => new KvrError('CLOSED', 'the engine was closed');
    this.#stopListening.push(
      handle.listen((message, payload) => this.#onMessage(rank, message, payload)),
      handle.onEnd((error) => {
        this.#fail(rank, error ?? closed());
        this.#ends.note(rank);
      }),
    );
  }

  #heedSignal(): void {
    const { signal } = this.#request;
    const onAbort = (): void => this.#end(cancelled());
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#cleanup.push(() => signal?.removeEventListener('abort', onAbort));
  }

  #heedDeadline(): void {
    const { deadline } = this.#request;
    if (!deadline) return;
    const timer = setTimeout(() => this.#end(overdue(this.#ranks, deadline.limitMs)), deadline.leftMs);
    this.#cleanup.push(() => clearTimeout(timer));
  }

  #onMessage(rank: number, message: FromWorker, payload: Uint8Array<ArrayBuffer>): void {
    const state = this.#ranks.of(rank);
    if (!('request' in message) || message.request !== this.#request.id || !state) return;
    if (!this.#isStopped) this.#tell(rank, state, message, payload);
    if (isLastWord(message, this.#ranks.isLast(rank))) this.#ends.note(rank);
  }

  #tell(
    rank: number,
    state: RankState,
    message: Extract<FromWorker, { request?: number | undefined }>,
    payload: Uint8Array<ArrayBuffer>,
  ): void {
    switch (message.type) {
      case 'progress':
        state.phase = message.phase;
        state.layer = message.layer;
        return this.events.push({ type: 'progress', rank, layer: message.layer });
      case 'token':
        state.phase = 'decode';
        this.#noteToken(message.id);
        return this.events.push(tokenEvent(message, payload));
      case 'pooled':
        return this.events.push(pooledEvent(message, rank, payload));
      case 'promptLogprobs':
        return this.events.push(promptLogprobsEvent(message, payload));
      case 'prefilled':
        state.isPrefilled = true;
        this.events.push({ type: 'prefilled', timeline: message.timeline });
        return this.#endIfComplete();
      case 'finished':
        if (message.reason === 'cancelled') return;
        this.#finish = message.reason;
        return this.#endIfComplete();
      case 'kept':
        // For the prefix index, which listens on its own, also after the request has ended.
        return;
      case 'failed':
        return void this.#onFailed(rank, message);
    }
  }

  #noteToken(id: number): void {
    const { eosIds, maxTokens } = this.#request.spec;
    if (++this.#tokens >= maxTokens) this.#whole = 'length';
    if (eosIds.includes(id)) this.#whole = 'stop';
  }

  /** The last rank may be done before an earlier one's record has arrived; both belong to the result. */
  #isComplete(): boolean {
    return this.#finish !== undefined && this.#ranks.areAllPrefilled;
  }

  #endIfComplete(): void {
    if (!this.#finish || !this.#isComplete() || this.#error) return;
    this.events.push({ type: 'finished', reason: this.#finish });
    this.events.end();
  }

  /** A broken link often means a dead neighbour, whose end is the better reason: it gets the time to be found out. */
  async #onFailed(rank: number, message: Extract<FromWorker, { type: 'failed' }>): Promise<void> {
    const { workers } = this.#request;
    const suspect = message.code === 'LINK' && workers.find(({ handle }) => handle.id === message.peer);
    if (suspect) await suspect.handle.probed();
    this.#fail(rank, reported(message), message);
  }

  /** Without a report, the failure's place is where the rank was last seen. */
  #fail(rank: number, error: KvrError, told: Told = {}): void {
    const state = this.#ranks.of(rank);
    if (!state || !this.#ranks.isNeeded(rank) || this.#isComplete()) return;
    if (this.#isSpared(rank)) return this.#doWithout(state);
    const { phase = state.phase, layer = state.layer } = told;
    this.#end(rankFailure(rank, { phase, layer }, error));
  }

  /** A rank that has given all that an answer needs: its rows, as the first token shows unless they are an end in themselves, or the last token. */
  #isSpared(rank: number): boolean {
    if (this.#ranks.isLast(rank)) return (this.#finish ?? this.#whole) !== undefined;
    return this.#ranks.isDecoding && !needsAllRows(this.#request.spec);
  }

  /** What is lost with a rank that was spared is its record, or its word that the answer is whole. */
  #doWithout(state: RankState): void {
    this.#finish ??= this.#whole;
    state.isPrefilled = true;
    this.#endIfComplete();
  }

  /** The first error is the request's; later ones follow from it. */
  #end(error: KvrError): void {
    if (this.#error || this.#isComplete()) return;
    this.#error = error;
    this.events.fail(error);
  }
}
