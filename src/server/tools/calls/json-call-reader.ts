/**
 * Reads one call of a function, a JSON object, as it is written. It has begun once its name is known and its arguments
 * begin; what comes until they end belongs to them, whatever it is. Where a model writes the arguments first, or as a
 * text, a call is told once it is whole.
 */
import { isRecord, parsedJson } from '../json/json.js';
import type { CallPart, CallReader, CallState, KnownFunctions } from './call-part.js';
import { ObjectScanner } from './object-scanner.js';

/** Of a call's arguments; some models take the name that another format has. */
const ARGUMENTS_KEYS = ['arguments', 'parameters'];
/** An object that has other keys before its arguments is not a call. */
const KEYS = ['name', 'tool_name', 'id', 'tool_call_id', 'type', ...ARGUMENTS_KEYS];
const NAME_KEYS = ['name', 'tool_name'];

export class JsonCallReader implements CallReader {
  state: CallState = 'maybe';
  source = '';
  readonly #names: KnownFunctions;
  readonly #scanner = new ObjectScanner();
  #name: string | undefined;
  /** Where the first arguments that are an object stand in the source. */
  #start: number | undefined;
  #end: number | undefined;

  constructor(names: KnownFunctions) {
    this.#names = names;
  }

  get isInArguments(): boolean {
    return this.state === 'open' && this.#end === undefined;
  }

  get isInText(): boolean {
    return this.#scanner.isInText;
  }

  isHead(isMarked: boolean): boolean {
    if (this.state !== 'maybe') return false;
    const begun = this.#name ?? (isNameKey(this.#scanner.key) ? this.#scanner.begunValue : undefined);
    if (begun === undefined || begun === '') return isMarked;
    return [...this.#names.keys()].some((name) => name.startsWith(begun));
  }

  /** @param char the first is the object's bracket. @returns what is certain now */
  take(char: string): CallPart[] {
    const before = this.#scanner.depth;
    this.#scanner.take(char);
    const parts = this.state === 'maybe' ? this.#takeMaybe(char, before) : this.#takeOpen(char, before);
    if (this.#scanner.depth === 0 && this.state === 'open') this.state = 'whole';
    return parts;
  }

  #takeMaybe(char: string, before: number): CallPart[] {
    this.source += char;
    const { key, value, depth } = this.#scanner;
    if (isNameKey(key) && value !== undefined) this.#name = value;
    const isOther = this.#name !== undefined && !this.#names.has(this.#name);
    if (isOther || (key !== undefined && !KEYS.includes(key))) this.state = 'none';
    else if (depth === 0) return this.#readWhole();
    else if (ARGUMENTS_KEYS.includes(key ?? '')) return this.#takeArguments(char, before);
    return [];
  }

  #takeArguments(char: string, before: number): CallPart[] {
    const { depth } = this.#scanner;
    if (depth === 1 && before === 2 && this.#start !== undefined) this.#end ??= this.source.length;
    if (depth !== 2 || before !== 1 || char !== '{') return [];
    if (this.#name !== undefined) return this.#begin(this.#name, char);
    this.#start ??= this.source.length - 1;
    return [];
  }

  #begin(name: string, text: string): CallPart[] {
    this.state = 'open';
    return [
      { type: 'call', name },
      { type: 'arguments', text },
    ];
  }

  /** What follows the arguments says nothing. */
  #takeOpen(text: string, before: number): CallPart[] {
    if (this.#end !== undefined) return [];
    if (this.#scanner.depth === 1 && before === 2) this.#end = 0;
    return [{ type: 'arguments', text }];
  }

  #readWhole(): CallPart[] {
    const value = parsedJson(this.source);
    const given = isRecord(value) ? value : {};
    const name = given['name'] ?? given['tool_name'];
    const text = this.#argumentsOf(given);
    const isCall = typeof name === 'string' && this.#names.has(name) && isRecord(parsedJson(text));
    this.state = isCall ? 'open' : 'none';
    return isCall ? this.#begin(name, text) : [];
  }

  /** Some models write the arguments as a text of JSON, and none where there are none. */
  #argumentsOf({ arguments: one, parameters: other }: Readonly<Record<string, unknown>>): string {
    if (this.#start !== undefined) return this.source.slice(this.#start, this.#end);
    const given = one ?? other ?? '{}';
    return typeof given === 'string' ? given : '';
  }
}

function isNameKey(key: string | undefined): boolean {
  return key !== undefined && NAME_KEYS.includes(key);
}
