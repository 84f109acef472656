/**
 * What we accept of tokenizer.json, tokenizer_config.json and special_tokens_map.json: the edge at which
 * hostile JSON becomes typed. Knows no files and does not interpret normalizers or regular expressions:
 * the tokenizers library does. Called by tokenizer-files.
 */
import { z } from 'zod';

/** One more than the largest token id we take; the largest published vocabularies hold about a million. */
export const MAX_VOCABULARY = 4 * 1024 * 1024;

const step = z.looseObject({ type: z.string() });
const component = step.nullish().transform((value) => value ?? null);

const addedToken = z
  .looseObject({
    id: z
      .int()
      .min(0)
      .max(MAX_VOCABULARY - 1),
    content: z.string(),
    special: z.boolean().default(false),
    /** Found only where no letter or digit is beside it. */
    single_word: z.boolean().default(false),
    /** Takes the white space before it, or after it, along. */
    lstrip: z.boolean().default(false),
    rstrip: z.boolean().default(false),
    /** Looked for in the normalized text; unless given, special tokens are not. */
    normalized: z.boolean().nullish(),
  })
  .transform((token) => ({ ...token, normalized: token.normalized ?? !token.special }));
export type AddedTokenJson = z.infer<typeof addedToken>;

/** Plain predicates for the large parts: a schema node per entry would cost seconds for 128,000 tokens. */
const bpeModel = z.looseObject({
  type: z.literal('BPE').default('BPE'),
  vocab: z.custom<Record<string, number>>(isVocabulary, `needs an object of ids below ${MAX_VOCABULARY}`),
  merges: z.custom<string[] | [string, string][]>(isMerges, 'needs pairs of tokens'),
  unk_token: z.string().nullish(),
  ignore_merges: z.boolean().default(false),
});

const unigramModel = z.looseObject({
  type: z.literal('Unigram'),
  vocab: z.custom<[string, number][]>(isScores, `needs up to ${MAX_VOCABULARY} pairs of token and score`),
  unk_id: z.int().min(0).nullish(),
});

export const tokenizerSchema = z.looseObject({
  added_tokens: z.array(addedToken).max(MAX_VOCABULARY).default([]),
  normalizer: component,
  pre_tokenizer: component,
  post_processor: component,
  decoder: component,
  model: z.union([unigramModel, bpeModel]),
});
export type TokenizerJson = z.infer<typeof tokenizerSchema>;
export type BpeModel = z.infer<typeof bpeModel>;
export type ModelJson = TokenizerJson['model'];
/** A normalizer, pre-tokenizer, post-processor or decoder. */
export type ComponentJson = { readonly type: string; readonly [key: string]: unknown };

/**
 * A component's steps in order, those of nested sequences included.
 * @param list the key under which a sequence has them. @throws Error for a step that is none
 */
export function partsOf(json: ComponentJson | null, list: string): ComponentJson[] {
  if (json === null) return [];
  if (json.type !== 'Sequence') return [json];
  const parts: unknown = json[list];
  return Array.isArray(parts) ? parts.flatMap((part) => partsOf(step.parse(part), list)) : [];
}

/** A special token is a string, or an object that holds it. */
const tokenName = z
  .union([z.string(), z.looseObject({ content: z.string() }).transform((token) => token.content)])
  .nullish()
  .transform((value) => value ?? undefined);

export const specialNamesSchema = z.looseObject({
  bos_token: tokenName,
  eos_token: tokenName,
  unk_token: tokenName,
  pad_token: tokenName,
});

const namedTemplate = z.object({ name: z.string(), template: z.string() });
const chatTemplate = z.union([z.string(), z.array(namedTemplate)]).nullish();

export const configSchema = specialNamesSchema.extend({
  tokenizer_class: z.string().nullish(),
  add_bos_token: z.boolean().nullish(),
  add_eos_token: z.boolean().nullish(),
  chat_template: chatTemplate,
});
/** chat_template.json, which some folders have beside the config. */
export const templateFileSchema = z.looseObject({ chat_template: chatTemplate });
export type ConfigJson = z.infer<typeof configSchema>;

function isId(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < MAX_VOCABULARY;
}

function isVocabulary(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.values(value).every(isId);
}

function isMerges(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    (value.every((merge) => typeof merge === 'string') || value.every(isPairOfStrings))
  );
}

function isPairOfStrings(value: unknown): boolean {
  return Array.isArray(value) && value.length === 2 && value.every((part) => typeof part === 'string');
}

function isScores(value: unknown): boolean {
  return Array.isArray(value) && value.length <= MAX_VOCABULARY && value.every(isScore);
}

function isScore(value: unknown): boolean {
  return (
    Array.isArray(value) && value.length === 2 && typeof value[0] === 'string' && typeof value[1] === 'number'
  );
}
