/**
 * Which rows of a prefix have arrived, for one layer. Rows come in runs, from several ranks, in any order; a run
 * that repeats rows is refused, since counting it twice would start attention on a prefix with a hole.
 */
import { KvrError } from '../../../core/errors.js';
import type { Slice } from '../../../core/partition.js';

export class RowCoverage {
  readonly #from: number;
  readonly #to: number;
  /** Disjoint, sorted, never touching. */
  #runs: Slice[] = [];
  #covered = 0;

  /** Rows [from, to) are expected. */
  constructor(from: number, to: number) {
    this.#from = from;
    this.#to = to;
  }

  get isComplete(): boolean {
    return this.missing === 0;
  }

  /** Rows that are still to come. */
  get missing(): number {
    return this.#to - this.#from - this.#covered;
  }

  /** @throws PROTOCOL where rows [start, end) are empty, out of range or partly there already. */
  add(start: number, end: number): void {
    if (start >= end || start < this.#from || end > this.#to) {
      const prefix = `[${this.#from}, ${this.#to})`;
      throw new KvrError('PROTOCOL', `KV rows [${start}, ${end}) are not in the prefix ${prefix}`);
    }
    const at = this.#runs.findIndex((run) => run.end > start);
    const next = at < 0 ? undefined : this.#runs[at];
    if (next && next.start < end) throw new KvrError('PROTOCOL', `KV rows [${start}, ${end}) arrived twice`);
    this.#insert(at < 0 ? this.#runs.length : at, { start, end });
    this.#covered += end - start;
  }

  #insert(at: number, run: Slice): void {
    const before = this.#runs[at - 1];
    const after = this.#runs[at];
    const start = before?.end === run.start ? before.start : run.start;
    const end = after?.start === run.end ? after.end : run.end;
    const from = start === run.start ? at : at - 1;
    const to = end === run.end ? at : at + 1;
    this.#runs = [...this.#runs.slice(0, from), { start, end }, ...this.#runs.slice(to)];
  }
}
