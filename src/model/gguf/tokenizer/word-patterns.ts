/**
 * How byte-level tokenizers cut text into words before they look for tokens, by the name that a GGUF file gives it.
 * The patterns are those of the models' own tokenizer.json.
 */

type Component = Readonly<Record<string, unknown>>;

export type WordPattern = {
  readonly preTokenizer: Component;
  /** Composed characters (NFC) first. */
  readonly isComposed?: boolean;
  /** A word that is a token is not put together from parts. */
  readonly ignoresMerges?: boolean;
  /** A begin token goes in front where the file does not say. */
  readonly addsBegin?: boolean;
};

/** Its own pattern, as GPT-2 has it. */
const BYTE_LEVEL = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
const BYTES_ONLY = { ...BYTE_LEVEL, use_regex: false };

const sequence = (...pretokenizers: Component[]): Component => ({ type: 'Sequence', pretokenizers });
const split = (pattern: string): Component =>
  sequence({ type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false }, BYTES_ONLY);

const CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const REST = '\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';

/** Words as OpenAI's cl100k cuts them, with so many digits in one. */
const cl100k = (digits: string): string =>
  `${CONTRACTIONS}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|${REST}`;

/** Words as o200k cuts them: where small letters are followed by large ones. */
const cased = (digits: string, ending: string): string => {
  const [before, upper, lower] = [
    '[^\\r\\n\\p{L}\\p{N}]?',
    '[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]',
    '[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]',
  ];
  const words = `${before}${upper}*${lower}+${ending}|${before}${upper}+${lower}*${ending}`;
  return `${words}|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|${REST}`;
};

const ONE_DIGIT = '\\p{N}';
const THREE_DIGITS = '\\p{N}{1,3}';

const GPT2: WordPattern = { preTokenizer: BYTE_LEVEL };
const SINGLE_DIGITS: WordPattern = {
  preTokenizer: sequence({ type: 'Digits', individual_digits: true }, BYTE_LEVEL),
};
const CL100K: WordPattern = { preTokenizer: split(cl100k(THREE_DIGITS)) };
const LLAMA3: WordPattern = { ...CL100K, ignoresMerges: true, addsBegin: true };
const QWEN2: WordPattern = { preTokenizer: split(cl100k(ONE_DIGIT)), isComposed: true };
const O200K: WordPattern = { preTokenizer: split(cased(THREE_DIGITS, `${CONTRACTIONS}?`)) };
const TEKKEN: WordPattern = {
  preTokenizer: split(cased(ONE_DIGIT, '')),
  ignoresMerges: true,
  addsBegin: true,
};
const FALCON: WordPattern = {
  preTokenizer: sequence(
    { type: 'Punctuation', behavior: 'Contiguous' },
    BYTE_LEVEL,
    { type: 'Digits', individual_digits: false },
    { type: 'Split', pattern: { Regex: '[0-9][0-9][0-9]' }, behavior: 'Isolated', invert: false },
  ),
};

/** tokenizer.ggml.pre → pattern. Files from before that key are read as GPT-2's. */
export const WORD_PATTERNS: ReadonlyMap<string, WordPattern> = new Map([
  ['', GPT2],
  ['default', GPT2],
  ['gpt-2', GPT2],
  ['phi-2', GPT2],
  ['olmo', GPT2],
  ['mpt', GPT2],
  ['llama-bpe', LLAMA3],
  ['llama3', LLAMA3],
  ['llama-v3', LLAMA3],
  ['falcon3', LLAMA3],
  // Of SmolLM 3 too.
  ['smaug-bpe', { ...CL100K, ignoresMerges: true }],
  ['dbrx', CL100K],
  ['chatglm-bpe', CL100K],
  ['glm4', CL100K],
  ['qwen2', QWEN2],
  ['deepseek-r1-qwen', QWEN2],
  ['stablelm2', { preTokenizer: QWEN2.preTokenizer }],
  ['starcoder', SINGLE_DIGITS],
  ['refact', SINGLE_DIGITS],
  ['smollm', SINGLE_DIGITS],
  ['codeshell', SINGLE_DIGITS],
  ['command-r', { ...SINGLE_DIGITS, isComposed: true }],
  ['gpt-4o', O200K],
  ['tekken', TEKKEN],
  ['falcon', FALCON],
]);
