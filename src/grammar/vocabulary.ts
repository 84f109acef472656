/**
 * The bytes of every token, sorted so that tokens that begin alike stand together: a grammar looks at their common
 * beginning once. A special token, which has no text, stands as a byte that no text has and its name.
 */
import { KvrError } from '../core/errors.js';

/** Stands before the name of a special token; no byte of UTF-8. */
export const SPECIAL_MARK = 0xff;
/** Longest token that is taken part in; longer ones are never chosen under a grammar. */
const MAX_TOKEN_BYTES = 1024;
/** Largest vocabularies hold half of that. A head and an id are one whole number together. */
const MAX_TOKENS = 2 ** 21;
const HEAD_BYTES = 4;

/** What a tokenizer tells of its tokens. */
export type TokenNames = {
  readonly vocabulary: number;
  bytesOf(id: number): Uint8Array;
  /** The token as the tokenizer's files write it, for those without text. */
  nameOf(id: number): string | undefined;
};

/** Lengths [tokens] u16, then all bytes one behind the other. */
export function packVocabulary(tokens: TokenNames): Uint8Array<ArrayBuffer> {
  const all = Array.from({ length: tokens.vocabulary }, (_, id) => bytesFor(tokens, id));
  const lengths = Uint16Array.from(all, (bytes) => bytes.length);
  return new Uint8Array(Buffer.concat([new Uint8Array(lengths.buffer), ...all]));
}

function bytesFor(tokens: TokenNames, id: number): Uint8Array {
  const bytes = tokens.bytesOf(id);
  // A token of the mark's byte alone, as byte-level vocabularies have it, is no text and must not pass for the mark.
  const isUsable = bytes.length <= MAX_TOKEN_BYTES && !bytes.includes(SPECIAL_MARK);
  if (bytes.length > 0) return isUsable ? bytes : new Uint8Array();
  const name = tokens.nameOf(id);
  return name === undefined ? bytes : specialBytes(name);
}

/** How a special token is written in grammars. */
export function specialBytes(name: string): Uint8Array {
  return Buffer.concat([Buffer.of(SPECIAL_MARK), Buffer.from(name)]).subarray(0, MAX_TOKEN_BYTES);
}

export class Vocabulary {
  readonly tokens: number;
  /** Ids in order of their bytes; tokens without bytes are not among them. */
  readonly ids: Int32Array;
  /** By place in that order: where a token's bytes begin and end, and how many it shares with the one before. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  readonly shared: Int32Array;
  readonly bytes: Uint8Array;
  readonly maxTokenBytes: number;
  /** By id; one more than there are tokens. */
  readonly #startOf: Int32Array;

  /** @param packed as packVocabulary makes it; kept. @throws PROTOCOL where it is not */
  constructor(packed: Uint8Array<ArrayBuffer>, tokens: number) {
    const lengths = lengthsOf(packed, tokens);
    const starts = startsOf(lengths);
    this.tokens = tokens;
    this.bytes = packed.subarray(2 * tokens);
    this.#startOf = starts;
    if (this.bytes.length !== (starts[tokens] ?? 0)) throw misfit(packed.length, tokens);
    const order = this.#inOrder(lengths);
    this.ids = order;
    this.starts = order.map((id) => starts[id] ?? 0);
    this.ends = order.map((id) => starts[id + 1] ?? 0);
    this.shared = order.map((id, at) => this.#sharedWith(order[at - 1], id));
    this.maxTokenBytes = lengths.reduce((most, length) => Math.max(most, length), 0);
  }

  bytesOf(id: number): Uint8Array {
    return this.bytes.subarray(this.#startOf[id] ?? 0, this.#startOf[id + 1] ?? 0);
  }

  /**
   * Sorted as numbers of their first bytes and the id, which takes a tenth of the time that comparing does; only runs
   * of tokens that begin alike are compared.
   */
  #inOrder(lengths: Uint16Array): Int32Array {
    const ids = Array.from(lengths.keys()).filter((id) => lengths[id] !== 0);
    const keys = Float64Array.from(ids, (id) => this.#headOf(id) * MAX_TOKENS + id).sort();
    const order = Int32Array.from(keys, (key) => key % MAX_TOKENS);
    const compare = (a: number, b: number): number => Buffer.compare(this.bytesOf(a), this.bytesOf(b));
    for (let start = 0, end = 1; start < order.length; start = end++) {
      const head = Math.floor((keys[start] as number) / MAX_TOKENS);
      while (end < order.length && Math.floor((keys[end] as number) / MAX_TOKENS) === head) end++;
      if (end - start > 1) order.subarray(start, end).sort(compare);
    }
    return order;
  }

  /** How many bytes two tokens begin alike with. */
  #sharedWith(before: number | undefined, id: number): number {
    if (before === undefined) return 0;
    const [a, b] = [this.#startOf[before] as number, this.#startOf[id] as number];
    const most = Math.min((this.#startOf[before + 1] as number) - a, (this.#startOf[id + 1] as number) - b);
    let count = 0;
    while (count < most && this.bytes[a + count] === this.bytes[b + count]) count++;
    return count;
  }

  #headOf(id: number): number {
    const [start, end] = [this.#startOf[id] as number, this.#startOf[id + 1] as number];
    let head = 0;
    for (let at = start; at < start + HEAD_BYTES; at++)
      head = head * 256 + (at < end ? (this.bytes[at] as number) : 0);
    return head;
  }
}

function lengthsOf(packed: Uint8Array<ArrayBuffer>, tokens: number): Uint16Array {
  if (tokens > MAX_TOKENS || packed.length < 2 * tokens) throw misfit(packed.length, tokens);
  const lengths = new Uint16Array(packed.slice(0, 2 * tokens).buffer);
  if (lengths.some((length) => length > MAX_TOKEN_BYTES)) throw misfit(packed.length, tokens);
  return lengths;
}

/** Where each token's bytes begin, and behind the last one their end. */
function startsOf(lengths: Uint16Array): Int32Array {
  const starts = new Int32Array(lengths.length + 1);
  for (const [id, length] of lengths.entries()) starts[id + 1] = (starts[id] ?? 0) + length;
  return starts;
}

function misfit(bytes: number, tokens: number): KvrError {
  return new KvrError(
    'PROTOCOL',
    `a vocabulary of ${tokens} tokens can not be packed in these ${bytes} bytes; worker and engine must be of one version`,
  );
}
