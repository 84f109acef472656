/**
 * The tokenizer.json that says what a GGUF file's vocabulary says. Pure.
 */
import { notSupported, quoted } from '../header/broken.js';
import { type Scored, scoreMerges } from './score-merges.js';
import { TOKEN_KIND, type Vocabulary } from './vocabulary.js';
import { WORD_PATTERNS, type WordPattern } from './word-patterns.js';

export type TokenizerFlags = {
  /** A space is put before a text; only of 'llama'. */
  readonly addsSpace: boolean;
  /** Ids of added tokens that take the white space behind them. */
  readonly stripsBehind: ReadonlySet<number>;
};

/** @throws BAD_CHECKPOINT, UNSUPPORTED_MODEL for a way to cut words that is not known */
export function tokenizerJson(vocabulary: Vocabulary, flags: TokenizerFlags): object {
  const added = addedTokens(vocabulary, flags.stripsBehind);
  const parts = vocabulary.model === 'llama' ? sentencePiece(vocabulary, flags) : byteLevel(vocabulary);
  return { version: '1.0', added_tokens: added, post_processor: null, ...parts };
}

/** @throws UNSUPPORTED_MODEL */
export function wordPattern({ path, pre }: Vocabulary): WordPattern {
  const pattern = WORD_PATTERNS.get(pre);
  if (pattern) return pattern;
  const known = [...WORD_PATTERNS.keys()].filter((name) => name !== '').join(', ');
  throw notSupported(path, `tokenizer.ggml.pre ${quoted(pre)}`, known);
}

/** Tokens that are looked for in a text before it is cut into words. */
function addedTokens({ tokens, kinds }: Vocabulary, stripsBehind: ReadonlySet<number>): object[] {
  const { unknown, control, userDefined } = TOKEN_KIND;
  return tokens.flatMap((content, id) => {
    const kind = kinds[id];
    if (content === '' || (kind !== unknown && kind !== control && kind !== userDefined)) return [];
    const isSpecial = kind !== userDefined;
    const sides = { single_word: false, lstrip: false, rstrip: stripsBehind.has(id) };
    return [{ id, content, ...sides, normalized: false, special: isSpecial }];
  });
}

function byteLevel(vocabulary: Vocabulary): object {
  const pattern = wordPattern(vocabulary);
  const { control, userDefined, unused } = TOKEN_KIND;
  const ids = idsOf(vocabulary, (kind) => kind !== control && kind !== userDefined && kind !== unused);
  return {
    normalizer: pattern.isComposed ? { type: 'NFC' } : null,
    pre_tokenizer: pattern.preTokenizer,
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      unk_token: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: pattern.ignoresMerges === true,
      vocab: Object.fromEntries(ids),
      merges: vocabulary.merges,
    },
  };
}

const SPACE = { type: 'Replace', pattern: { String: ' ' }, content: '▁' };
const SPACES_BACK = [
  { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
  { type: 'ByteFallback' },
  { type: 'Fuse' },
];

function sentencePiece(vocabulary: Vocabulary, { addsSpace }: TokenizerFlags): object {
  const { kinds, tokens, path } = vocabulary;
  const unknown = tokens[kinds.indexOf(TOKEN_KIND.unknown)];
  const strip = { type: 'Strip', content: ' ', start: 1, stop: 0 };
  const prepend = { type: 'Prepend', prepend: '▁' };
  return {
    normalizer: addsSpace ? { type: 'Sequence', normalizers: [prepend, SPACE] } : SPACE,
    pre_tokenizer: null,
    decoder: { type: 'Sequence', decoders: addsSpace ? [...SPACES_BACK, strip] : SPACES_BACK },
    model: {
      type: 'BPE',
      unk_token: unknown ?? null,
      fuse_unk: true,
      byte_fallback: kinds.includes(TOKEN_KIND.byte),
      ignore_merges: false,
      vocab: Object.fromEntries(idsOf(vocabulary, () => true)),
      merges: scoreMerges(mergeable(vocabulary), path),
    },
  };
}

/** Tokens that are text, with their scores. */
function mergeable(vocabulary: Vocabulary): Map<string, Scored> {
  const { unknown, control, byte } = TOKEN_KIND;
  const ids = idsOf(vocabulary, (kind) => kind !== unknown && kind !== control && kind !== byte);
  return new Map([...ids].map(([token, id]) => [token, { id, score: vocabulary.scores[id] ?? 0 }]));
}

/** The first of tokens with the same text counts. */
function idsOf({ tokens, kinds }: Vocabulary, isWanted: (kind: number) => boolean): Map<string, number> {
  const ids = new Map<string, number>();
  for (const [id, token] of tokens.entries()) {
    if (isWanted(kinds[id] ?? 1) && !ids.has(token)) ids.set(token, id);
  }
  return ids;
}
