/**
 * Ends a model's thinking at a limit: from there on the closing mark's tokens are the only ones that may come, one after the other,
 * and then the answer goes on as the model likes. What it does is a function of the tokens so far, so that an answer can be taken up.
 */
import type { ThinkingLimit } from '../../core/thinking-limit.js';
import type { Constraint } from './sampler.js';

/** What grammars put before the name of a special token; no text has it. */
const SPECIAL_MARK = 0xff;

export class ThinkingEnd implements Constraint {
  readonly #limit: ThinkingLimit;
  readonly #bytesOf: (id: number) => Uint8Array;
  readonly #inner: Constraint | undefined;
  #place: 'before' | 'inside' | 'behind';
  /** Of the text since the last mark, as far as a mark can begin in it; a character stands for a byte. */
  #tail = '';
  #tokens = 0;
  /** How many of the end's tokens are written, while it is being written. */
  #written: number | undefined;

  /** @param bytesOf as a vocabulary has them. @param inner what the answer is held to besides */
  constructor(limit: ThinkingLimit, bytesOf: (id: number) => Uint8Array, inner?: Constraint) {
    this.#limit = limit;
    this.#bytesOf = bytesOf;
    this.#inner = inner;
    this.#place = limit.isInside ? 'inside' : 'before';
    this.#endIfDue();
  }

  restrict(logits: Float32Array): void {
    const next = this.#written === undefined ? undefined : this.#limit.endIds[this.#written];
    if (next === undefined) return this.#inner?.restrict(logits);
    logits.fill(-Infinity);
    logits[next] = 0;
  }

  accept(id: number): void {
    this.#inner?.accept(id);
    if (this.#written !== undefined) return this.#writeOn();
    if (this.#place === 'behind') return;
    this.#tail += textOf(this.#bytesOf(id));
    if (this.#place === 'before') this.#readBegin();
    else this.#readThought();
    this.#endIfDue();
  }

  #writeOn(): void {
    this.#written = (this.#written ?? 0) + 1;
    if (this.#written < this.#limit.endIds.length) return;
    this.#written = undefined;
    this.#leave();
  }

  #readBegin(): void {
    const { open, mayReopen } = this.#limit;
    const lead = this.#tail.trimStart();
    const at = mayReopen ? this.#tail.indexOf(open) : lead.startsWith(open) ? this.#tail.indexOf(open) : -1;
    if (at >= 0) {
      this.#place = 'inside';
      this.#tail = this.#tail.slice(at + open.length);
    } else if (mayReopen) this.#tail = this.#tail.slice(-open.length);
    else if (!open.startsWith(lead)) this.#place = 'behind';
  }

  #readThought(): void {
    this.#tokens++;
    const { close } = this.#limit;
    if (this.#tail.includes(close)) this.#leave();
    else this.#tail = this.#tail.slice(-close.length);
  }

  #leave(): void {
    this.#place = this.#limit.mayReopen ? 'before' : 'behind';
    this.#tail = '';
  }

  /** Not in the middle of a character: its rest comes first. */
  #endIfDue(): void {
    const isDue = this.#place === 'inside' && this.#tokens >= this.#limit.tokens;
    if (isDue && endsWhole(this.#tail)) this.#written = 0;
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes[0] === SPECIAL_MARK ? bytes.subarray(1) : bytes).toString('latin1');
}

/** Whether bytes of UTF-8 end with a whole character. */
function endsWhole(text: string): boolean {
  for (let back = 1; back <= Math.min(3, text.length); back++) {
    const byte = text.charCodeAt(text.length - back);
    if (byte >= 0xc0) return back >= (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2);
    if (byte < 0x80) return true;
  }
  return true;
}
