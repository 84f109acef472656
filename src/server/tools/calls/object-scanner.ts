/**
 * Follows the text of a JSON object, character by character: where it ends, and which of its keys a value belongs to.
 * Lenient: outside of strings, characters that are not JSON are skipped, since models write such things.
 */
import { parsedJson } from '../json/json.js';

export class ObjectScanner {
  /** Of open brackets; 0 before the object and behind it. */
  depth = 0;
  isInText = false;
  /** Key of the object itself whose value is read. */
  key: string | undefined;
  /** The key's value, where that is a text that has ended. */
  value: string | undefined;
  #isEscaped = false;
  /** As written, of texts of the object itself. */
  #text = '';
  #lastText: string | undefined;

  /** The key's value as far as it has come, where that is a text. */
  get begunValue(): string | undefined {
    if (this.key === undefined || !this.isInText || this.depth !== 1) return this.value;
    // Half an escape says nothing yet.
    const text = parsedJson(`${this.#text.replace(/\\(u[0-9a-f]{0,3})?$/i, '')}"`);
    return typeof text === 'string' ? text : undefined;
  }

  take(char: string): void {
    if (this.isInText) this.#takeInText(char);
    else if (char === '"') {
      this.isInText = true;
      this.#text = char;
    } else if (char === '{' || char === '[') this.depth++;
    else if (char === '}' || char === ']') this.depth--;
    else if (this.depth === 1) this.#takeBetween(char);
  }

  #takeInText(char: string): void {
    if (this.depth === 1) this.#text += char;
    if (this.#isEscaped) this.#isEscaped = false;
    else if (char === '\\') this.#isEscaped = true;
    else if (char === '"') this.#endText();
  }

  #endText(): void {
    this.isInText = false;
    if (this.depth !== 1) return;
    const text = parsedJson(this.#text);
    this.#lastText = typeof text === 'string' ? text : undefined;
    if (this.key !== undefined) this.value = this.#lastText;
  }

  #takeBetween(char: string): void {
    if (char === ':') this.key ??= this.#lastText;
    else if (char === ',') this.key = this.value = this.#lastText = undefined;
  }
}
