/**
 * Responses that can be asked for again or gone on from: in memory, bounded, the least recently used go first. Each is kept as JSON,
 * whose length is what it costs.
 */
import { KvrError } from '../../core/errors.js';
import type { ChoiceRun } from '../answers/choice-run.js';
import { bad } from '../requests/refusal.js';
import { responseDocument, type ResponseDocument } from './document.js';
import type { ResponsesRequest } from './asked.js';

type Run = ChoiceRun<ResponsesRequest>;
export type Kept = {
  readonly response: string;
  readonly input: string;
  readonly previousId: string | undefined;
};

export type StoreLimits = { readonly responses: number; readonly chars: number };
/** As many as a day of work in a room has, in less memory than one running request takes. */
export const STORE_LIMITS: StoreLimits = { responses: 4096, chars: 32 * 2 ** 20 };

export class ResponseStore {
  readonly #limits: StoreLimits;
  /** The least recently used first. */
  readonly #kept = new Map<string, Kept>();
  readonly #running = new Map<string, { readonly run: Run; readonly ended: Promise<void> }>();
  #chars = 0;

  constructor(limits = STORE_LIMITS) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#kept.size;
  }

  /** Knows a run while it runs, and keeps what came of it where that is wanted. */
  follow(run: Run, ended: Promise<void>): void {
    this.#running.set(run.id, { run, ended });
    void ended.then(() => {
      this.#running.delete(run.id);
      if (run.parsed.isStored) this.#keep(run);
    });
  }

  /** @throws NOT_FOUND */
  document(id: string): ResponseDocument {
    const running = this.#running.get(id);
    return running ? responseDocument(running.run) : responseOf(this.find(id));
  }

  /** The items of its own request. @throws NOT_FOUND */
  input(id: string): readonly unknown[] {
    const running = this.#running.get(id);
    return running ? running.run.parsed.input : inputOf(this.find(id));
  }

  /** Ends it where it runs. @returns how it stands then. @throws NOT_FOUND */
  async cancel(id: string): Promise<ResponseDocument> {
    const running = this.#running.get(id);
    if (!running) return this.document(id);
    running.run.cancel();
    await running.ended;
    return responseDocument(running.run);
  }

  /** @throws NOT_FOUND, BAD_INPUT while it runs */
  remove(id: string): void {
    if (this.#running.has(id)) throw bad(`response "${id}" is still being made; cancel it first`);
    this.#drop(id, this.find(id));
  }

  /** Found is used: the oldest in use go last. @param param that names it. @throws NOT_FOUND */
  find(id: string, param?: string): Kept {
    const kept = this.#kept.get(id);
    if (!kept) throw missing(id, param);
    this.#kept.delete(id);
    this.#kept.set(id, kept);
    return kept;
  }

  #keep(run: Run): void {
    const { input, previousId } = run.parsed;
    const kept = {
      ...{ response: JSON.stringify(responseDocument(run)), input: JSON.stringify(input) },
      previousId,
    };
    // What alone is above the limit would drive out all others.
    if (charsOf(kept) > this.#limits.chars) return;
    this.#kept.set(run.id, kept);
    this.#chars += charsOf(kept);
    for (const [id, oldest] of this.#kept) {
      if (this.#kept.size <= this.#limits.responses && this.#chars <= this.#limits.chars) break;
      this.#drop(id, oldest);
    }
  }

  #drop(id: string, kept: Kept): void {
    this.#kept.delete(id);
    this.#chars -= charsOf(kept);
  }
}

function charsOf({ response, input }: Kept): number {
  return response.length + input.length;
}

function responseOf({ response }: Kept): ResponseDocument {
  return JSON.parse(response) as ResponseDocument;
}

function inputOf({ input }: Kept): unknown[] {
  return JSON.parse(input) as unknown[];
}

export function missing(id: string, param?: string): KvrError {
  const message = `there is no response with "${id.slice(0, 80)}" here: it was not stored, was deleted, or had to make room; send its items instead`;
  return new KvrError('NOT_FOUND', message, param === undefined ? {} : { param });
}
