/**
 * The compute thread's main loop: prompts in order of arrival, a later one in the gaps of an earlier one that waits
 * for rows; between their kernel calls, at the pace that pace.ts sets, a step of the sequences that decode.
 */
import { type Clock, wallClock } from '../../core/clock.js';
import { DecodeBatch } from './decode/decode-batch.js';
import type { ActiveRequest } from './requests/active-request.js';
import type { ComputeContext } from './requests/compute-context.js';
import type { Work } from './requests/inbox.js';
import { exchangeFor } from './prefill/exchange-for.js';
import { ALL_CORE_TOKENS, MAX_GUESTS, MAX_STARTED, Pace } from './requests/pace.js';
import { probeModel } from './probe.js';
import { IdleCollection } from '../threads/idle-collection.js';
import type { ProbeMessage } from '../protocol/index.js';
import { PromptTask } from './prefill/prompt-task.js';
import type { PrefillContext } from './prefill/prompt-run.js';
import { runPrompt } from './prefill/rank-loop.js';
import { AllCoreOpening, isOpenForAllCores } from './decode/all-core-opening.js';
import type { Disk } from './stored/disk.js';
import { AllCoreSwitch } from './decode/all-core-switch.js';

type Task = PromptTask | { readonly probe: ProbeMessage };

export class Scheduler {
  readonly #context: ComputeContext;
  readonly #bench: PrefillContext;
  readonly #batch: DecodeBatch;
  readonly #pace = new Pace();
  readonly #width = new AllCoreSwitch();
  /** In order of arrival. */
  #tasks: Task[] = [];
  /** Time that went into turns of any kind. */
  #busyMs = 0;
  readonly #allCoreOpening: AllCoreOpening;
  readonly #clock: Clock;
  readonly #disk: Disk | undefined;
  readonly #idle: IdleCollection;

  /** @param disk where prefixes are kept on disk as well */
  constructor(
    context: ComputeContext,
    chunkTokens: number,
    clock: Clock = wallClock,
    idle = new IdleCollection(),
    disk?: Disk,
  ) {
    const { model, outbox } = context;
    this.#disk = disk;
    this.#context = context;
    this.#clock = clock;
    this.#idle = idle;
    this.#allCoreOpening = new AllCoreOpening(model);
    this.#batch = new DecodeBatch(context);
    this.#bench = {
      model,
      clock,
      chunkTokens,
      reportProgress: (request, layer) => outbox.send({ type: 'progress', request, phase: 'prefill', layer }),
      reportScores: (request, scored) => outbox.send({ type: 'promptLogprobs', request, ...scored }),
      restore: disk && ((request) => disk.rows.restore(request)),
      rowsAtOnce: () => this.#pace.rowsAtOnce(chunkTokens, !this.#batch.isEmpty),
      noteCall: (kernel, rows, ms) => this.#pace.noteCall(kernel, rows, ms),
    };
  }

  /** Works until the worker closes. */
  async run(): Promise<void> {
    for (await this.#look(); !this.#context.inbox.isClosing; await this.#look()) {
      const task = this.#nextTask();
      if (!task && this.#batch.isEmpty) await this.#rest();
      else if (!task || (!this.#batch.isEmpty && this.#pace.isDecodeDue)) await this.#decode();
      else if (task instanceof PromptTask) await this.#advance(task);
      else await this.#measure(task);
    }
    await this.#close();
  }

  async #look(): Promise<void> {
    const { inbox } = this.#context;
    await inbox.read();
    for (const work of inbox.takeNew()) this.#tasks.push(this.#taskOf(work));
    for (const task of this.#tasks)
      if (task instanceof PromptTask && task.request.isCancelled) await this.#giveUp(task);
  }

  #taskOf(work: Work): Task {
    if (work.type === 'probe') return { probe: work.probe };
    const { request } = work;
    this.#allCoreOpening.noteAnswer(request.job.spec.maxTokens);
    const exchange = exchangeFor(this.#context.outbox, request);
    return new PromptTask(request, exchange, runPrompt(this.#bench, request, exchange), this.#busyMs);
  }

  /** The first that can go on. A measurement goes alone: after all prompts before it that can, before all after it. */
  #nextTask(): Task | undefined {
    let areAllStranded = true;
    for (const [index, task] of this.#tasks.entries()) {
      if (!(task instanceof PromptTask)) return areAllStranded ? task : undefined;
      if (task.isReady && (task.isStarted || this.#mayStart(task, index))) return task;
      areAllStranded &&= !task.hasFirstRows;
    }
    return undefined;
  }

  #mayStart(task: PromptTask, index: number): boolean {
    if (index < MAX_STARTED) return true;
    const guests = this.#tasks
      .slice(MAX_STARTED)
      .filter((other) => other instanceof PromptTask && other.isStarted);
    return guests.length < MAX_GUESTS && task.hasFirstRows;
  }

  async #advance(task: PromptTask): Promise<void> {
    const { outbox, requests } = this.#context;
    const { request } = task;
    const id = request.job.request;
    try {
      const end = await this.#timed(
        () => task.advance(this.#busyMs),
        (ms) => this.#pace.notePrefill(ms),
      );
      if (!end) return task.notePause(this.#busyMs);
      const timeline = request.recorder.timeline(
        request.rank,
        request.slice,
        request.cachedTokens,
        request.storedTokens,
      );
      if (!end.logits) requests.release(request);
      if (end.pooled) outbox.send({ type: 'pooled', request: id, ...end.pooled });
      outbox.send({ type: 'prefilled', request: id, timeline });
      if (end.logits) await this.#batch.add(request, end.logits);
      else if (isLastRank(request)) outbox.send({ type: 'finished', request: id, reason: 'stop' });
    } catch (error) {
      await task.end();
      requests.release(request);
      outbox.sendFailure(error, { request: id, phase: 'prefill' });
    }
    this.#remove(task);
  }

  /** Its caller has left; nobody is told before its memory is back. */
  async #giveUp(task: PromptTask): Promise<void> {
    const { outbox, requests } = this.#context;
    await task.end();
    requests.release(task.request);
    outbox.send({ type: 'finished', request: task.request.job.request, reason: 'cancelled' });
    this.#remove(task);
  }

  #remove(task: Task): void {
    this.#tasks = this.#tasks.filter((other) => other !== task);
  }

  /** With all cores where no prompt is under way, here or elsewhere, and that is no slower. */
  async #decode(): Promise<void> {
    const mayUseAllCores = this.#context.inbox.hasAllCores && this.#tasks.length === 0;
    const onAllCores = mayUseAllCores && this.#width.onAllCores;
    const { rows } = this.#batch;
    await this.#timed(
      () => this.#batch.step(onAllCores),
      (ms) => {
        this.#pace.noteStep(ms);
        if (mayUseAllCores && isOpenForAllCores(this.#context.model)) this.#width.note(onAllCores, rows, ms);
      },
    );
    // Prompts go first; between the tokens of streams a block is a small part of a step.
    if (this.#tasks.length === 0) await this.#disk?.pending.step();
    if (onAllCores && this.#batch.tokensLeft >= ALL_CORE_TOKENS) await this.#allCoreOpening.openNext();
  }

  /** Sleeps until there is work, or gets ready to decode with all cores: whichever rank it was, it may be the last one next. */
  async #rest(): Promise<void> {
    const { inbox, outbox } = this.#context;
    if (this.#tasks.length === 0 && (await this.#disk?.pending.step())) return;
    if (this.#allCoreOpening.isWanted && this.#tasks.length === 0) await this.#allCoreOpening.openNext();
    else if (inbox.sleep() || this.#tasks.length > 0) this.#idle.noteWork();
    else if (this.#idle.noteQuiet()) outbox.send({ type: 'quiet' });
  }

  async #measure(task: { readonly probe: ProbeMessage }): Promise<void> {
    const { model, outbox } = this.#context;
    const { probe } = task.probe;
    try {
      outbox.send({ type: 'probed', probe, samples: await probeModel(model, task.probe) });
    } catch (error) {
      outbox.sendFailure(error, { phase: 'load' });
    }
    this.#remove(task);
  }

  /** Gives back what requests hold on the device, so that the model can be closed. */
  async #close(): Promise<void> {
    const { requests } = this.#context;
    for (const task of this.#tasks) {
      if (!(task instanceof PromptTask)) continue;
      await task.end();
      requests.release(task.request);
    }
    this.#batch.close();
    requests.close();
  }

  async #timed<T>(act: () => Promise<T>, note: (ms: number) => void): Promise<T> {
    const startMs = this.#clock();
    try {
      return await act();
    } finally {
      const ms = this.#clock() - startMs;
      this.#busyMs += ms;
      note(ms);
    }
  }
}

function isLastRank({ rank, job }: ActiveRequest): boolean {
  return rank === job.chain.length - 1;
}
