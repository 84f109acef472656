/**
 * Cuts a text into the pieces within which tokens are merged: the pre-tokenizers of tokenizer.json. The library's own know
 * neither what becomes of a Split's matches, nor numbers and white space beyond ASCII, nor where a text begins
 * (Metaspace), so these are ours. Called by encoder.
 */
import type { ComponentJson } from '../files/tokenizer-json.js';
import { partsOf } from '../files/tokenizer-json.js';
import { regexOf } from '../files/hugging-face.js';
import { byteCharacters } from './byte-characters.js';
import { patternOf, WHITE_SPACE, WORD_CHARACTER } from './patterns.js';
import { behaviorOf, splitPiece } from './split.js';
import type { Behavior, Piece } from './split.js';

type Step = (piece: Piece) => Piece[];

const BYTE_LEVEL_WORD = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
const PUNCTUATION = /[\p{P}!-/:-@[-`{-~]/gu;
const NUMBER = /\p{N}/gu;
const SPACE = new RegExp(WHITE_SPACE, 'gu');
const WORD = new RegExp(`${WORD_CHARACTER}+|(?:(?!${WORD_CHARACTER})\\P{White_Space})+`, 'gu');

/** @throws Error for a pre-tokenizer that nobody knows */
export function preTokenizerOf(json: ComponentJson | null): (piece: Piece) => Piece[] {
  const steps = partsOf(json, 'pretokenizers').map(stepOf);
  return (piece) => steps.reduce<Piece[]>((pieces, step) => pieces.flatMap(step), [piece]);
}

function stepOf(json: ComponentJson): Step {
  switch (json.type) {
    case 'Split':
      return splitter(patternOf(json['pattern']), behaviorOf(json['behavior']), json['invert'] === true);
    case 'ByteLevel':
      return byteLevel(json);
    case 'Metaspace':
      return metaspace(json);
    case 'Digits':
      return splitter(NUMBER, json['individual_digits'] === true ? 'Isolated' : 'Contiguous');
    case 'Punctuation':
      return splitter(PUNCTUATION, behaviorOf(json['behavior'] ?? 'Isolated'));
    case 'Whitespace':
      return splitter(WORD, 'Removed', true);
    case 'WhitespaceSplit':
      return splitter(SPACE, 'Removed');
    case 'BertPreTokenizer':
      return (piece) => splitter(SPACE, 'Removed')(piece).flatMap(splitter(PUNCTUATION, 'Isolated'));
    case 'CharDelimiterSplit':
      return splitter(patternOf({ String: json['delimiter'] }), 'Removed');
    case 'FixedLength':
      return splitter(new RegExp(`[^]{1,${lengthOf(json['length'] ?? 5)}}`, 'gu'), 'Isolated');
    default:
      throw new Error(`the pre-tokenizer ${json.type.slice(0, 100)} is not known`);
  }
}

function splitter(pattern: RegExp, behavior: Behavior, invert = false): Step {
  return (piece) => splitPiece(piece, pattern, behavior, invert);
}

function byteLevel(json: ComponentJson): Step {
  const cut = json['use_regex'] === false ? undefined : splitter(regexOf(BYTE_LEVEL_WORD), 'Isolated');
  const prepends = json['add_prefix_space'] === true;
  return ({ text, atStart }) => {
    const whole = { text: prepends && !text.startsWith(' ') ? ` ${text}` : text, atStart };
    const words = cut === undefined ? [whole] : cut(whole);
    return words.map((word) => ({ ...word, text: byteCharacters(word.text) }));
  };
}

/** Spaces become "▁"; one more is put in front, always or where the whole text begins, unless one is there. */
function metaspace(json: ComponentJson): Step {
  const symbol = typeof json['replacement'] === 'string' ? json['replacement'] : '▁';
  const scheme = json['prepend_scheme'] ?? (json['add_prefix_space'] === false ? 'never' : 'always');
  const cut = json['split'] === false ? undefined : splitter(patternOf({ String: symbol }), 'MergedWithNext');
  return ({ text, atStart }) => {
    const spaced = text.replaceAll(' ', symbol);
    const prepends = (scheme === 'always' || (scheme === 'first' && atStart)) && !spaced.startsWith(symbol);
    const whole = { text: prepends ? symbol + spaced : spaced, atStart };
    return cut === undefined ? [whole] : cut(whole);
  };
}

function lengthOf(value: unknown): number {
  if (Number.isSafeInteger(value) && (value as number) > 0) return value as number;
  throw new Error('a FixedLength without a length');
}
