/**
 * Long steps on stderr: a bar that is drawn over on a terminal; elsewhere one line for a step that takes long.
 */
import { formatShare, cut, oneLine } from './format.js';
import type { Output } from './shell.js';

/** Ten updates a second look smooth and cost next to nothing. */
const REDRAW_MS = 100;
/** A log gets no line for a step that is shorter than this. */
const LONG_STEP_MS = 2_000;
const BAR_CELLS = 30;
const CLEAR_LINE = '\r\u001b[K';

export class Progress {
  readonly #output: Output;
  readonly #isQuiet: boolean;
  readonly #now: () => number;
  #step: { readonly what: string; readonly startMs: number; isNoted: boolean } | undefined;
  #drawnMs = -Infinity;
  #isDrawn = false;

  constructor(output: Output, isQuiet: boolean, now: () => number = () => performance.now()) {
    this.#output = output;
    this.#isQuiet = isQuiet;
    this.#now = now;
  }

  /** @param what names the step; @param fraction goes from 0 to 1; @param detail stands behind a bar, and may change all the time. */
  update(what: string, fraction: number, detail = ''): void {
    if (this.#isQuiet) return;
    const now = this.#now();
    if (this.#step?.what !== what) {
      this.#step = { what, startMs: now, isNoted: false };
      this.#drawnMs = -Infinity;
    }
    if (this.#output.isTerminal) this.#draw(what, fraction, now, detail);
    else this.#note(now);
  }

  /** Removes the bar, so that other output can take its line. */
  clear(): void {
    if (this.#isDrawn) this.#output.write(CLEAR_LINE);
    this.#isDrawn = false;
    this.#step = undefined;
  }

  #draw(what: string, fraction: number, now: number, detail: string): void {
    if (now - this.#drawnMs < REDRAW_MS) return;
    this.#drawnMs = now;
    this.#isDrawn = true;
    const columns = this.#output.columns - 1;
    const tail = detail === '' ? '' : `  ${oneLine(detail)}`;
    const line = progressLine(what, fraction, columns - tail.length);
    this.#output.write(CLEAR_LINE + cut(line + tail, columns));
  }

  #note(now: number): void {
    const step = this.#step;
    if (!step || step.isNoted || now - step.startMs < LONG_STEP_MS) return;
    step.isNoted = true;
    this.#output.write(`kvr: ${oneLine(step.what)} …\n`);
  }
}

/** 'compiling ███████░░░░░ 58 %', at most `columns` cells. */
export function progressLine(what: string, fraction: number, columns: number): string {
  const done = Math.min(1, Math.max(0, fraction));
  const share = formatShare(done).padStart(5);
  const name = oneLine(what);
  const cells = Math.min(BAR_CELLS, columns - name.length - share.length - 2);
  if (cells < 4) return cut(`${name} ${share.trim()}`, columns);
  const full = Math.round(done * cells);
  return `${name} ${'█'.repeat(full)}${'░'.repeat(cells - full)} ${share}`;
}
