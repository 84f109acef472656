/**
 * The fields of a request, with every bound: those that travel to the workers (core/request.ts), and beside them the prompt,
 * how its text is to come out, and which workers it may use.
 */
import { z } from 'zod';
import { askedSpecShape } from '../../core/request.js';
import type { AcceptedGrammar } from '../preparation/accepted-grammar.js';
import { PREFERENCES } from '../../plan/index.js';
import { templateSchema } from '../preparation/template-choice.js';
import { chainChoiceSchema, MAX_NAME_CHARS } from './chain-choice.js';
import { type Grammar, grammarSchema } from '../../grammar/grammar.js';
import { isSchema, type Schema } from '../../grammar/schema/schema.js';

/** Texts of special tokens, which have none of their own, by id. */
export type ShownTokens = ReadonlyMap<number, string>;

/** Marks of one kind of call are two; a template has a few dozen special tokens at most. */
const MAX_SHOWN_TOKENS = 64;

/** Of a request: what servers make up is shorter. */
const MAX_ID_CHARS = 128;

const partitionChoice = z.union([
  z.enum(['auto', 'e', 's', 'p']),
  z.array(z.number().int().min(0)).min(1).max(1024),
]);

export const requestSchema = z.strictObject({
  /** Text as it is; the tokenizer adds what it adds (a begin token). */
  prompt: z.string().optional(),
  /** Token ids as they are, nothing added. */
  promptIds: z.array(z.number().int().min(0)).optional(),
  /** A conversation, put together by the model's chat template. */
  messages: z
    .array(z.looseObject({ role: z.string(), content: z.string().nullable() }))
    .min(1)
    .optional(),
  /** How the messages are put together; only with them. */
  template: templateSchema.optional(),
  ...askedSpecShape,
  stop: z.array(z.string().min(1)).max(64).default([]),
  /** Special tokens, which have no text of their own, that show in the answer, and as which text, by id. */
  shownTokens: z
    .custom<ShownTokens>(areShownTokens, `must be a Map of at most ${MAX_SHOWN_TOKENS} token ids to texts`)
    .optional(),
  /** The answer is one JSON value that is valid against this JSON schema; true for any value. */
  jsonSchema: z.union([z.boolean(), z.custom<Schema>(isSchema, 'must be a JSON schema')]).optional(),
  /** What the answer may be; `jsonSchema` is the grammar of one JSON value. */
  grammar: grammarSchema.optional(),
  /** 'auto' is planned; 'e' even, 's' searched on the cost model, 'p' looked up; numbers are sizes in rank order. */
  partition: partitionChoice.default('auto'),
  /** How many of the engine's workers take part; all unless given. */
  workers: z.number().int().min(1).optional(),
  /** The same, or by name which workers may take part; the plan leaves out those of them that would not help. */
  chain: chainChoiceSchema.optional(),
  /** What is to come soonest where workers differ; by the request's size unless given, see plan/order/aim.ts. */
  prefer: z.enum(PREFERENCES).optional(),
  /** The worker, by its name, that decodes: the last of the chain that is planned. */
  decodeOn: z.string().min(1).max(MAX_NAME_CHARS).optional(),
  /**
   * Who asks, as in the address of an HTTP client: of those who wait with the same priority, requests of clients with fewer
   * under way go first.
   */
  client: z.string().max(256).optional(),
  /**
   * How many tokens the answer is likely to have, where maxTokens is only what there is room for: plans and places go by it. As many
   * as maxTokens unless given.
   */
  likelyTokens: z.number().int().min(1).max(1_000_000).optional(),
  /** What it is called in the engine's `waiting`. */
  id: z.string().min(1).max(MAX_ID_CHARS).optional(),
  /** The whole request may take this long. */
  deadlineMs: z.number().int().min(1).max(86_400_000).optional(),
});
type RequestInput = z.input<typeof requestSchema>;
export type GenerateRequest = Omit<RequestInput, 'promptIds' | 'grammar'> & {
  readonly promptIds?: number[] | Int32Array | undefined;
  /** As it is, or as the engine's `preparation` has accepted it before. */
  readonly grammar?: Grammar | AcceptedGrammar | undefined;
  readonly signal?: AbortSignal;
};
export type RequestSettings = z.output<typeof requestSchema>;

function areShownTokens(value: unknown): boolean {
  if (!(value instanceof Map) || value.size > MAX_SHOWN_TOKENS) return false;
  return [...value].every(([id, text]) => Number.isInteger(id) && typeof text === 'string');
}
