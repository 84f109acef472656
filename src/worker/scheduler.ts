/**
 * The compute thread's main loop: prompts in order of arrival, a later one in the gaps of an earlier one that waits
 * for rows; between their kernel calls, at the pace that pace.ts sets, a step of the sequences that decode.
 */
import { asKvrError, KvrError } from '../core/errors.js';
import type { Model } from '../runtime/model.js';
import type { ActiveRequest } from './active-request.js';
import { ChainExchange } from './chain-exchange.js';
import { DecodeBatch } from './decode-batch.js';
import type { Desk, Work } from './desk.js';
import { type Exchange, noExchange } from './exchange.js';
import { GatherExchange } from './gather-exchange.js';
import { Pace, WIDEN_IDLE_TOKENS, WIDEN_TOKENS } from './pace.js';
import { probeModel } from './probe.js';
import type { ProbeMessage } from './protocol.js';
import { PromptTask } from './prompt-task.js';
import { type PromptBench, runPrompt } from './rank-loop.js';
import { StepWidth } from './step-width.js';

/** Prompts under way at once: each holds the activations of its whole slice beside its cache. */
const MAX_STARTED = 4;

type Task = PromptTask | { readonly probe: ProbeMessage };

export class Scheduler {
  readonly #model: Model;
  readonly #desk: Desk;
  readonly #bench: PromptBench;
  readonly #batch: DecodeBatch;
  readonly #pace = new Pace();
  readonly #width = new StepWidth();
  /** In order of arrival. */
  #tasks: Task[] = [];
  /** Time that went into turns of any kind. */
  #busyMs = 0;
  /** Whether graphs are opened for all cores: once an answer of some length asked for it, until one can not be opened. */
  #widening: 'not yet' | 'wanted' | 'given up' = 'not yet';

  constructor(model: Model, desk: Desk, chunkTokens: number) {
    this.#model = model;
    this.#desk = desk;
    this.#batch = new DecodeBatch(model, desk);
    this.#bench = {
      model,
      chunkTokens,
      tellProgress: (request, layer) => desk.tell({ type: 'progress', request, phase: 'prefill', layer }),
      rowsAtOnce: () => this.#pace.rowsAtOnce(chunkTokens, !this.#batch.isEmpty),
      noteCall: (kernel, rows, ms) => this.#pace.noteCall(kernel, rows, ms),
    };
  }

  /** Works until the worker closes. */
  async run(): Promise<void> {
    for (this.#look(); !this.#desk.isClosing; this.#look()) {
      const task = this.#nextTask();
      if (!task && this.#batch.isEmpty) await this.#rest();
      else if (!task || (!this.#batch.isEmpty && this.#pace.isDecodeDue)) await this.#decode();
      else if (task instanceof PromptTask) await this.#advance(task);
      else await this.#measure(task);
    }
  }

  #look(): void {
    this.#desk.read();
    for (const work of this.#desk.takeNew()) this.#tasks.push(this.#taskOf(work));
  }

  #taskOf(work: Work): Task {
    if (work.type === 'probe') return { probe: work.probe };
    const { request } = work;
    if (this.#widening === 'not yet' && request.job.maxTokens > WIDEN_IDLE_TOKENS) this.#widening = 'wanted';
    return new PromptTask(
      request,
      runPrompt(this.#bench, request, exchangeFor(this.#model, request, this.#desk)),
      this.#busyMs,
    );
  }

  /** The first that can go on. A measurement goes alone: after all prompts before it, before all after it. */
  #nextTask(): Task | undefined {
    let started = 0;
    for (const [index, task] of this.#tasks.entries()) {
      if (!(task instanceof PromptTask)) return index === 0 ? task : undefined;
      const mayStart = task.isStarted || started < MAX_STARTED || task.request.isCancelled;
      if (mayStart && task.isReady) return task;
      started++;
    }
    return undefined;
  }

  async #advance(task: PromptTask): Promise<void> {
    const { request } = task;
    const id = request.job.request;
    try {
      if (request.isCancelled) throw new KvrError('CANCELLED', 'request was cancelled');
      const end = await this.#timed(
        () => task.advance(this.#busyMs),
        (ms) => this.#pace.notePrefill(ms),
      );
      if (!end) return task.notePause(this.#busyMs);
      const timeline = request.recorder.timeline(request.rank, request.slice, request.cachedTokens);
      this.#desk.tell({ type: 'prefilled', request: id, timeline });
      if (end.logits) this.#batch.add(request, end.logits);
      else this.#desk.release(request);
    } catch (error) {
      const { code, message } = asKvrError(error);
      if (code === 'CANCELLED') this.#desk.tell({ type: 'finished', request: id, reason: 'cancelled' });
      else this.#desk.tell({ type: 'failed', request: id, code, message, phase: 'prefill' });
      this.#desk.release(request);
    }
    this.#tasks = this.#tasks.filter((other) => other !== task);
  }

  /** With all cores where no prompt is under way, here or elsewhere, and that is no slower. */
  async #decode(): Promise<void> {
    const mayBeWide = this.#desk.hasAllCores && this.#tasks.length === 0;
    const isWide = mayBeWide && this.#width.isWide;
    const { rows } = this.#batch;
    await this.#timed(
      () => this.#batch.step(isWide),
      (ms) => {
        this.#pace.noteStep(ms);
        if (mayBeWide && this.#model.isWide) this.#width.note(isWide, rows, ms);
      },
    );
    if (isWide && this.#batch.tokensLeft >= WIDEN_TOKENS) await this.#widen();
  }

  /** Sleeps until there is work, or gets ready to decode with all cores: whichever rank it was, it may be the last one next. */
  async #rest(): Promise<void> {
    if (this.#mayWiden && this.#tasks.length === 0) await this.#widen();
    else this.#desk.sleep();
  }

  get #mayWiden(): boolean {
    return this.#widening === 'wanted' && !this.#model.isWide;
  }

  async #widen(): Promise<void> {
    if (!this.#mayWiden) return;
    try {
      await this.#model.widen();
    } catch (error) {
      // The cache folder may have been deleted since; what is open already still works.
      this.#widening = 'given up';
      process.stderr.write(`kvr worker decodes with its own threads only: ${asKvrError(error).message}\n`);
    }
  }

  async #measure(task: { readonly probe: ProbeMessage }): Promise<void> {
    const { probe } = task.probe;
    try {
      this.#desk.tell({ type: 'probed', probe, samples: await probeModel(this.#model, task.probe) });
    } catch (error) {
      const { code, message } = asKvrError(error);
      this.#desk.tell({ type: 'failed', code, message, phase: 'load' });
    }
    this.#tasks = this.#tasks.filter((other) => other !== task);
  }

  async #timed<T>(act: () => Promise<T>, note: (ms: number) => void): Promise<T> {
    const startMs = performance.now();
    try {
      return await act();
    } finally {
      const ms = performance.now() - startMs;
      this.#busyMs += ms;
      note(ms);
    }
  }
}

function exchangeFor(model: Model, request: ActiveRequest, desk: Desk): Exchange {
  const rowElements = model.shape.kvHeads * model.shape.headDim;
  switch (request.job.strategy) {
    case 'single':
      return noExchange;
    case 'kvr':
      return new ChainExchange(desk, request, rowElements);
    case 'tsp':
    case 'tsp-dense':
      return new GatherExchange(desk, request, rowElements);
  }
}
