/**
 * What a text is changed to before it is cut: the normalizers of tokenizer.json. The library's own differ from the reference
 * in the cases that the tests name (white space, "$" in replacements, a final sigma, empty texts), so all but the
 * two large ones are ours. Called by encoder.
 */
import { libraryNormalizer } from '../files/hugging-face.js';
import type { ComponentJson } from '../files/tokenizer-json.js';
import { byteCharacters } from './byte-characters.js';
import { patternOf, WHITE_SPACE } from './patterns.js';
import { partsOf } from '../files/tokenizer-json.js';

export type Normalizer = (text: string) => string;

/** @returns undefined where nothing is changed. @throws Error for a normalizer that nobody knows */
export function normalizerOf(json: ComponentJson | null): Normalizer | undefined {
  const steps = partsOf(json, 'normalizers').map(stepOf);
  if (steps.length === 0) return undefined;
  return (text) => steps.reduce((before, step) => step(before), text);
}

function stepOf(json: ComponentJson): Normalizer {
  switch (json.type) {
    case 'NFC':
    case 'NFD':
    case 'NFKC':
    case 'NFKD':
      return (text) => text.normalize(json.type);
    case 'Lowercase':
      return lowercase;
    case 'StripAccents':
      return (text) => text.replace(/\p{M}/gu, '');
    case 'Strip':
      return stripper(json['strip_left'] === true, json['strip_right'] === true);
    case 'Prepend':
      return prepender(textOf(json['prepend']));
    case 'Replace':
      return replacer(patternOf(json['pattern']), textOf(json['content']));
    case 'ByteLevel':
      return byteCharacters;
    case 'BertNormalizer':
    case 'Precompiled':
      return libraryNormalizer(json);
    default:
      throw new Error(`the normalizer ${json.type.slice(0, 100)} is not known`);
  }
}

/** Character by character: a sigma at the end of a word is no exception. */
function lowercase(text: string): string {
  return text.replaceAll('Σ', 'σ').toLowerCase();
}

function stripper(left: boolean, right: boolean): Normalizer {
  const isSpace = new RegExp(WHITE_SPACE, 'u');
  return (text) => {
    let start = 0;
    let end = text.length;
    while (left && start < end && isSpace.test(text.charAt(start))) start += 1;
    while (right && start < end && isSpace.test(text.charAt(end - 1))) end -= 1;
    return text.slice(start, end);
  };
}

function prepender(before: string): Normalizer {
  return (text) => (text === '' ? '' : before + text);
}

/** The content is put in as it is, "$&" and the like included. */
function replacer(pattern: RegExp, content: string): Normalizer {
  return (text) => text.replace(pattern, () => content);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
