/**
 * Who goes next on a compute thread when sequences decode and prompts wait, and how many rows a prompt may take
 * through a kernel at once meanwhile. Pure; times are given. Called by the scheduler and the rank loop.
 *
 * Between two tokens of a sequence lies at most one decode step, plus prompts' turn (PREFILL_TURN_MS, or as long as
 * the step took), plus one kernel call of a prompt (about CALL_MS, or what LEAST_ROWS rows take where that is more).
 */

/** Prompts' share after every decode step: with steps of this length or more both get half of the time. */
export const PREFILL_TURN_MS = 100;
/** What a prompt's kernel call is to take while sequences decode. */
export const CALL_MS = 50;
/** Fewer rows at once would read the weights as often as compute with them. */
export const LEAST_ROWS = 32;
/**
 * Opening a graph for all cores takes as long as two or three tokens, and having all of them open saves a third of a token from then on
 * (measured, w8a8 and q8): between an answer's tokens it pays where at least so many may still come.
 */
export const ALL_CORE_TOKENS = 128;
/** While there is nothing to do it costs no one anything: then an answer that may get more tokens than these is reason enough. */
export const ALL_CORE_IDLE_TOKENS = 16;

/**
 * Prompts that may be begun at once, the first in order of arrival: each holds the activations of its whole slice beside its
 * cache. They may all wait for rows that never come, or that only a prompt behind them on another worker would make. So there is
 * a place for one guest more, which finds the rows it first waits for: whatever it needs has begun elsewhere, so it ends.
 */
export const MAX_STARTED = 4;
export const MAX_GUESTS = 1;

export type PromptKernel = 'block' | 'attention';

export class Pace {
  #stepMs = 0;
  #prefillMs = 0;
  readonly #rowMs: Record<PromptKernel, number> = { block: 0, attention: 0 };

  /** True when prompts have had their turn. */
  get isDecodeDue(): boolean {
    return this.#prefillMs >= Math.max(PREFILL_TURN_MS, this.#stepMs);
  }

  noteStep(ms: number): void {
    this.#stepMs = ms;
    this.#prefillMs = 0;
  }

  notePrefill(ms: number): void {
    this.#prefillMs += ms;
  }

  noteCall(kernel: PromptKernel, rows: number, ms: number): void {
    this.#rowMs[kernel] = ms / rows;
  }

  /** Rows of a chunk for the next calls: all where nothing decodes, else as many as the last calls say take CALL_MS. */
  rowsAtOnce(chunkRows: number, isDecoding: boolean): number {
    if (!isDecoding) return chunkRows;
    const slowest = Math.max(this.#rowMs.block, this.#rowMs.attention);
    const rows = slowest === 0 ? LEAST_ROWS : Math.floor(CALL_MS / slowest);
    return Math.min(chunkRows, Math.max(LEAST_ROWS, rows));
  }
}
