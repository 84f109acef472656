/**
 * Words → ids by the library's BPE and Unigram, which give tokens as texts. What becomes of characters without a token is
 * decided here: the library makes one unknown token across words, and bytes of them in BPE alone. Called by encoder.
 */
import { openLibraryModel } from '../files/hugging-face.js';
import type { LibraryModel } from '../files/hugging-face.js';
import type { ModelJson } from '../files/tokenizer-json.js';

/** Words in use are few and short; the ids of as many are kept at most. */
const MAX_KEPT_WORDS = 16_384;
const MAX_KEPT_WORD_CHARS = 64;

/** @returns ids of a word, undefined in place of what has neither a token nor an unknown token; not to be changed */
export type WordModel = (word: string) => readonly (number | undefined)[];

/** @throws what the library throws at a broken model */
export function wordModelOf(json: ModelJson): WordModel {
  const model = openLibraryModel(json);
  const read = json.type === 'Unigram' ? unigram(model, json) : bpe(model, json);
  const kept = new Map<string, readonly (number | undefined)[]>();
  return (word) => {
    const known = kept.get(word);
    if (known !== undefined) return known;
    const ids = read(word);
    if (kept.size >= MAX_KEPT_WORDS) kept.clear();
    if (word.length <= MAX_KEPT_WORD_CHARS) kept.set(word, ids);
    return ids;
  };
}

/**
 * Unknown characters that follow each other are one unknown token if the model says so, within a word. Where there is no unknown
 * token they are left out before anything is merged, so what was around them may become one.
 */
function bpe(model: LibraryModel, json: ModelJson): WordModel {
  const unknown = model.unk_token ?? undefined;
  const fused = json['fuse_unk'] === true;
  const isKnown = (character: string): boolean =>
    model.tokens_to_ids.has(character) ||
    (json['byte_fallback'] === true && bytesOf(character, model) !== undefined);
  const isWhole = (word: string): boolean =>
    unknown !== undefined || (json['ignore_merges'] === true && model.tokens_to_ids.has(word));
  return (word) => {
    const readable = isWhole(word) ? word : Array.from(word).filter(isKnown).join('');
    const tokens = model.encode([readable]);
    const kept = tokens.filter((token, at) => !fused || token !== unknown || tokens[at - 1] !== unknown);
    return kept.map((token) => model.tokens_to_ids.get(token));
  };
}

/** Unknown characters that follow each other are one: as bytes where the vocabulary has all of those, else as one unknown token. */
function unigram(model: LibraryModel, json: ModelJson): WordModel {
  const unknownId = json.type === 'Unigram' ? (json.unk_id ?? undefined) : undefined;
  const unknownIds = (text: string): readonly (number | undefined)[] => {
    const known = model.tokens_to_ids.get(text);
    if (known !== undefined) return [known];
    return (json['byte_fallback'] === true ? bytesOf(text, model) : undefined) ?? [unknownId];
  };
  return (word) => {
    const ids: (number | undefined)[] = [];
    let unknown = '';
    const flush = (): void => {
      if (unknown !== '') ids.push(...unknownIds(unknown));
      unknown = '';
    };
    for (const token of model.encode([word])) {
      const id = model.tokens_to_ids.get(token);
      if (id === undefined || id === unknownId) {
        unknown += token;
        continue;
      }
      flush();
      ids.push(id);
    }
    flush();
    return ids;
  };
}

/** Ids of the text's bytes, or undefined where one has none. */
function bytesOf(text: string, model: LibraryModel): number[] | undefined {
  const ids: number[] = [];
  for (const byte of Buffer.from(text)) {
    const id = model.tokens_to_ids.get(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
    if (id === undefined) return undefined;
    ids.push(id);
  }
  return ids;
}
