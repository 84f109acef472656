/**
 * What each token id stands for: bytes, or text, read from tokenizer.json's decoder. Two kinds are in use:
 * byte-level (GPT-2, Llama 3, Falcon) and SentencePiece-like ("▁" for a space, <0x0A> for bytes; Llama 2, Gemma).
 * Holds no state of a text; token-stream puts pieces together.
 */
import { KvrError } from '../core/errors.js';
import { byteOfCharacter, replacer } from './files/hugging-face.js';

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
  readonly strip: LeadingStrip;
};

/** A decoder of tokenizer.json, as far as it is checked. */
export type DecoderJson = { readonly type: string; readonly [key: string]: unknown };

type TokenText = (token: string) => Piece;
const NO_STRIP: LeadingStrip = { content: ' ', count: 0 };

/**
 * @param tokenOf the token of an id, undefined where there is none or where it is special
 * @param added contents of the added tokens: plain text even in byte-level tokenizers
 * @throws UNSUPPORTED_MODEL for decoders whose text a later token could change (WordPiece, CTC and the like)
 */
export function piecesOf(
  decoder: DecoderJson | null,
  tokenOf: (id: number) => string | undefined,
  added: ReadonlySet<string>,
): Pieces {
  const steps = flatten(decoder);
  const types = steps.map((step) => step.type).join(',');
  const strip = leadingStrip(steps);
  const read = types === 'ByteLevel' ? byteLevel(added) : sentencePiece(steps, types);
  const pieceOf = (id: number): Piece => {
    const token = tokenOf(id);
    return token === undefined ? NOTHING : read(token);
  };
  return { pieceOf, strip };
}

function flatten(decoder: DecoderJson | null): DecoderJson[] {
  if (decoder === null) return [];
  if (decoder.type !== 'Sequence') return [decoder];
  const parts = Array.isArray(decoder.decoders) ? (decoder.decoders as DecoderJson[]) : [];
  return parts.flatMap((part) => (part.type === 'Sequence' ? flatten(part) : [part]));
}

/** Each byte is written as one visible character; a token with any other character is its own UTF-8. */
function byteLevel(added: ReadonlySet<string>): TokenText {
  const byteOf = byteOfCharacter();
  return (token) => {
    if (added.has(token)) return { kind: 'text', text: token };
    const bytes = Array.from(token, (char) => byteOf.get(char));
    const known = bytes.every((byte) => byte !== undefined);
    return known ? { kind: 'bytes', bytes: Uint8Array.from(bytes) } : { kind: 'text', text: token };
  };
}

/** Orders of steps whose text never depends on later tokens; Strip is taken care of by the stream. */
const SENTENCE_PIECE = /^(Replace,)*(ByteFallback,?)?(Fuse,?)?(Strip)?$|^(ByteFallback,)?Metaspace$/;

function sentencePiece(steps: readonly DecoderJson[], types: string): TokenText {
  if (steps.length === 0 || !SENTENCE_PIECE.test(types)) {
    throw unsupported(types === '' ? 'no decoder' : `the decoder ${types.slice(0, 200)}`);
  }
  const byteFallback = steps.some((step) => step.type === 'ByteFallback');
  const replacements = steps.flatMap(replacement);
  return (token) => {
    const text = replacements.reduce((before, replace) => replace(before), token);
    const byte = byteFallback ? fallbackByte(text) : undefined;
    return byte === undefined ? { kind: 'text', text } : { kind: 'bytes', bytes: Uint8Array.of(byte) };
  };
}

/** A step's effect on the text of one token. */
function replacement(step: DecoderJson): ((text: string) => string)[] {
  if (step.type === 'Replace') return [replacer(plainReplace(step))];
  if (step.type !== 'Metaspace') return [];
  const symbol = typeof step.replacement === 'string' ? step.replacement : '▁';
  return [(text) => text.replaceAll(symbol, ' ')];
}

/** Every tokenizer in use replaces a plain text here; a regular expression would run on every token, and might not end. */
function plainReplace(step: DecoderJson): DecoderJson {
  const { pattern } = step;
  const isPlain = typeof pattern === 'object' && pattern !== null && 'String' in pattern;
  if (!isPlain) throw unsupported('a decoder that replaces a regular expression');
  return step;
}

function fallbackByte(token: string): number | undefined {
  return /^<0x[0-9A-Fa-f]{2}>$/.test(token) ? Number.parseInt(token.slice(3, 5), 16) : undefined;
}

function leadingStrip(steps: readonly DecoderJson[]): LeadingStrip {
  const last = steps.at(-1);
  if (last?.type === 'Metaspace') return { content: ' ', count: last.prepend_scheme === 'never' ? 0 : 1 };
  if (last?.type !== 'Strip') return NO_STRIP;
  const { content, start, stop } = last;
  if (typeof content !== 'string' || typeof start !== 'number' || (stop !== 0 && stop !== undefined)) {
    throw unsupported('a decoder that strips the end of a text');
  }
  if (steps.at(-2)?.type !== 'Fuse') throw unsupported('a decoder that strips each token');
  return { content, count: start };
}

function unsupported(what: string): KvrError {
  return new KvrError(
    'UNSUPPORTED_MODEL',
    `tokenizer.json has ${what}; only byte-level and SentencePiece-like decoders are known: give the prompt as token ids`,
  );
}
