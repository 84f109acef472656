/**
 * What each token id stands for: bytes, or text, read from tokenizer.json's decoder. Two kinds are in use:
 * byte-level (GPT-2, Llama 3, Falcon) and SentencePiece-like ("▁" for a space, <0x0A> for bytes; Llama 2, Gemma).
 * Holds no state of a text; token-stream puts pieces together.
 */
import { KvrError } from '../core/errors.js';
import { byteOfCharacter } from './files/hugging-face.js';
import { partsOf } from './files/tokenizer-json.js';
import type { ComponentJson } from './files/tokenizer-json.js';

export type Piece =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'text'; readonly text: string }
  /** Special tokens and ids without a token: nothing to see. */
  | { readonly kind: 'nothing' };

export const NOTHING: Piece = { kind: 'nothing' };

/** What a token stands for as UTF-8; none for those that show nothing. */
export function bytesOfPiece(piece: Piece): Uint8Array {
  if (piece.kind === 'bytes') return piece.bytes;
  return piece.kind === 'text' ? Buffer.from(piece.text) : new Uint8Array();
}

/** Up to `count` times `content` are dropped where the whole text begins. */
export type LeadingStrip = { readonly content: string; readonly count: number };

export type Pieces = {
  readonly pieceOf: (id: number) => Piece;
  /** What a token is where it is the first that shows something; as ever unless given. */
  readonly firstPieceOf?: (id: number) => Piece;
  readonly strip: LeadingStrip;
};

type TokenText = (token: string) => Piece;
type TokenTexts = { readonly read: TokenText; readonly readFirst?: TokenText; readonly strip: LeadingStrip };
const NO_STRIP: LeadingStrip = { content: ' ', count: 0 };

/**
 * @param tokenOf the token of an id, undefined where there is none or where it is special
 * @param added contents of the added tokens: plain text even in byte-level tokenizers
 * @throws UNSUPPORTED_MODEL for decoders whose text a later token could change (WordPiece, CTC and the like)
 */
export function piecesOf(
  decoder: ComponentJson | null,
  tokenOf: (id: number) => string | undefined,
  added: ReadonlySet<string>,
): Pieces {
  const steps = partsOf(decoder, 'decoders');
  const types = steps.map((step) => step.type).join(',');
  const { read, readFirst, strip } = types === 'ByteLevel' ? byteLevel(added) : sentencePiece(steps, types);
  const by =
    (readToken: TokenText) =>
    (id: number): Piece => {
      const token = tokenOf(id);
      return token === undefined ? NOTHING : readToken(token);
    };
  return { pieceOf: by(read), strip, ...(readFirst && { firstPieceOf: by(readFirst) }) };
}

/** Each byte is written as one visible character; a token with any other character is its own UTF-8. */
function byteLevel(added: ReadonlySet<string>): TokenTexts {
  const byteOf = byteOfCharacter();
  const read = (token: string): Piece => {
    if (added.has(token)) return { kind: 'text', text: token };
    const bytes = Array.from(token, (char) => byteOf.get(char));
    const known = bytes.every((byte) => byte !== undefined);
    return known ? { kind: 'bytes', bytes: Uint8Array.from(bytes) } : { kind: 'text', text: token };
  };
  return { read, strip: NO_STRIP };
}

/** Orders of steps whose text never depends on later tokens: some token by token, then at most one at the start of it all. */
const SENTENCE_PIECE =
  /^((Replace|Strip),)*(ByteFallback,)?Fuse(,Strip)?$|^(Replace,|Strip,)*(Replace|Strip|ByteFallback)$|^(Replace,)*(ByteFallback,)?Metaspace$/;

function sentencePiece(steps: readonly ComponentJson[], types: string): TokenTexts {
  if (!SENTENCE_PIECE.test(types)) {
    throw unsupported(types === '' ? 'no decoder' : `the decoder ${types.slice(0, 200)}`);
  }
  const fuse = steps.findIndex((step) => step.type === 'Fuse');
  const tokenwise = fuse < 0 ? steps : steps.slice(0, fuse);
  const strip = leadingStrip(fuse < 0 ? undefined : steps[fuse + 1]);
  const last = steps.at(-1);
  const dropsFirst = last?.type === 'Metaspace' && last['prepend_scheme'] !== 'never';
  const read = reader(tokenwise, ' ');
  return dropsFirst ? { read, readFirst: reader(tokenwise, ''), strip } : { read, strip };
}

/** @param spaced what Metaspace makes of its symbol: nothing in the first token, however often it is there */
function reader(steps: readonly ComponentJson[], spaced: string): TokenText {
  const byteFallback = steps.some((step) => step.type === 'ByteFallback');
  const effects = steps.flatMap((step) => effectOf(step, spaced));
  return (token) => {
    const byte = byteFallback ? fallbackByte(token) : undefined;
    if (byte !== undefined) return { kind: 'bytes', bytes: Uint8Array.of(byte) };
    return { kind: 'text', text: effects.reduce((before, effect) => effect(before), token) };
  };
}

/** A step's effect on the text of one token. */
function effectOf(step: ComponentJson, spaced: string): ((text: string) => string)[] {
  if (step.type === 'Replace') return [plainReplacer(step)];
  if (step.type === 'Strip') return [stripper(step)];
  if (step.type !== 'Metaspace') return [];
  const symbol = typeof step['replacement'] === 'string' ? step['replacement'] : '▁';
  return [(text) => text.replaceAll(symbol, spaced)];
}

/** Every tokenizer in use replaces a plain text here; a regular expression would run on every token, and might not end. */
function plainReplacer({ pattern, content }: ComponentJson): (text: string) => string {
  const plain = (pattern as { readonly String?: unknown } | null | undefined)?.String;
  if (typeof plain !== 'string') throw unsupported('a decoder that replaces a regular expression');
  const put = typeof content === 'string' ? content : '';
  return (text) => text.replaceAll(plain, () => put);
}

/** Most characters that a Strip takes off either end: one or two in use. */
const MAX_STRIPS = 64;

function stripper(step: ComponentJson): (text: string) => string {
  const { content, start, stop } = stripSchema(step);
  return (text) => {
    let from = 0;
    let to = text.length;
    while (from < Math.min(start, to) && text[from] === content) from += 1;
    while (text.length - to < stop && to > from && text[to - 1] === content) to -= 1;
    return text.slice(from, to);
  };
}

function stripSchema({ content, start, stop }: ComponentJson): {
  readonly content: string;
  readonly start: number;
  readonly stop: number;
} {
  const isCount = (value: unknown): value is number =>
    Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= MAX_STRIPS;
  if (typeof content === 'string' && content.length === 1 && isCount(start) && isCount(stop ?? 0))
    return { content, start, stop: (stop ?? 0) as number };
  throw unsupported('a Strip of more than one character, or more often than is known');
}

function fallbackByte(token: string): number | undefined {
  return /^<0x[0-9A-Fa-f]{2}>$/.test(token) ? Number.parseInt(token.slice(3, 5), 16) : undefined;
}

function leadingStrip(step: ComponentJson | undefined): LeadingStrip {
  if (step === undefined) return NO_STRIP;
  const { content, start, stop } = stripSchema(step);
  if (stop > 0) throw unsupported('a decoder that strips the end of a text');
  return { content, count: start };
}

function unsupported(what: string): KvrError {
  return new KvrError(
    'UNSUPPORTED_MODEL',
    `tokenizer.json has ${what}; only byte-level and SentencePiece-like decoders are known: give the prompt as token ids`,
  );
}
