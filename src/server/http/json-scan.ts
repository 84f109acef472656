/**
 * Looks at JSON before it is parsed, piece by piece as it comes in: parsing takes memory and time by the number of
 * values, not of bytes, so a body of a few megabytes of nothing but brackets would hold the server. Whether it is JSON
 * at all is the parser's word.
 */
import { bad } from '../requests/refusal.js';
import { MAX_JSON_DEPTH, MAX_JSON_PARTS, MAX_JSON_VALUES } from '../requests/settings.js';

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;

export class JsonScan {
  readonly #what: string;
  #isInString = false;
  #isEscaped = false;
  #depth = 0;
  #parts = 0;
  #values = 0;

  /** @param what it is, for messages */
  constructor(what: string) {
    this.#what = what;
  }

  /** The next bytes, which may end anywhere. @throws BAD_INPUT */
  push(bytes: Uint8Array): void {
    for (const byte of bytes) {
      if (this.#isInString) this.#inString(byte);
      else if (byte === QUOTE) this.#isInString = true;
      else this.#outside(byte);
    }
    this.#check();
  }

  #inString(byte: number): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (byte === BACKSLASH) this.#isEscaped = true;
    else if (byte === QUOTE) this.#isInString = false;
  }

  #outside(byte: number): void {
    if (byte === COMMA) this.#values++;
    else if (byte === COLON) this.#parts++;
    else if (byte === 0x7b || byte === 0x5b) {
      this.#parts++;
      if (++this.#depth > MAX_JSON_DEPTH) this.#check();
    } else if (byte === 0x7d || byte === 0x5d) this.#depth--;
  }

  #check(): void {
    if (this.#depth > MAX_JSON_DEPTH)
      throw bad(`${this.#what} is nested deeper than ${MAX_JSON_DEPTH} levels, the limit; send flatter JSON`);
    if (this.#parts > MAX_JSON_PARTS)
      throw bad(
        `${this.#what} has more than ${MAX_JSON_PARTS} lists, objects and members, the limit; send fewer`,
      );
    if (this.#values > MAX_JSON_VALUES)
      throw bad(`${this.#what} has more than ${MAX_JSON_VALUES} values, the limit; send fewer`);
  }
}

/** Of a text inside of a body, before it is parsed and walked over. @throws BAD_INPUT */
export function requireSmallJson(text: string, what: string): void {
  new JsonScan(what).push(Buffer.from(text));
}
