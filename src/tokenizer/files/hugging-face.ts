/**
 * The parts of @huggingface/tokenizers and @huggingface/jinja that are used here, with types. Both packages'
 * declarations import without file endings, which nodenext resolves to nothing; this is the one place that says
 * what they are. Errors are the libraries' own: callers turn them into ours.
 */
import * as jinja from '@huggingface/jinja';
import * as tokenizers from '@huggingface/tokenizers';
import type { ModelJson } from './tokenizer-json.js';

/** Turns words into tokens, as texts. */
export interface LibraryModel {
  readonly tokens_to_ids: ReadonlyMap<string, number>;
  /** Tokens by id, with holes. */
  readonly vocab: readonly (string | undefined)[];
  /** What BPE puts where a character has no token. */
  readonly unk_token?: string | null;
  encode(words: string[]): string[];
}

/** A part of a parsed template, with those of its own parts whose values the interpreter goes over. */
export interface TemplateNode {
  readonly type: string;
  readonly body?: readonly TemplateNode[];
  readonly iterable?: TemplateNode;
  readonly lhs?: TemplateNode;
  readonly left?: TemplateNode;
  readonly right?: TemplateNode;
  readonly operand?: TemplateNode;
  readonly property?: TemplateNode;
  readonly argument?: TemplateNode;
  readonly operator?: { readonly value: string };
  readonly object?: TemplateNode;
  readonly computed?: boolean;
  readonly filter?: TemplateNode & { readonly value?: unknown };
}
/** A value of a template. `type` is StringValue, IntegerValue, FloatValue, BooleanValue, NullValue, ArrayValue, ObjectValue and the like. */
export interface TemplateValue {
  readonly type: string;
  readonly value: unknown;
  toString(): string;
}

export interface TemplateEnvironment {
  /** @returns the value as templates have it */
  set(name: string, value: unknown): TemplateValue;
}

export interface TemplateInterpreter {
  run(program: TemplateNode): TemplateValue;
  /** The value of every statement and expression comes from here. */
  evaluate(node: TemplateNode | undefined, environment: TemplateEnvironment): TemplateValue;
  /** The text of the statements between two tags. */
  evaluateBlock(statements: readonly TemplateNode[], environment: TemplateEnvironment): TemplateValue;
}

const { BPE, Unigram, ByteLevelDecoder, SplitPreTokenizer, ...normalizers } = tokenizers as unknown as {
  BPE: new (json: object) => LibraryModel;
  Unigram: new (json: object, eosToken: string | undefined) => LibraryModel & { scores: number[] };
  ByteLevelDecoder: new (step: object) => { byte_decoder: Record<string, string> };
  SplitPreTokenizer: new (step: object) => { pattern: RegExp };
  BertNormalizer: new (step: object) => { normalize(text: string): string };
  PrecompiledNormalizer: new (step: object) => { normalize(text: string): string };
};

const { Template } = jinja as unknown as { Template: new (source: string) => { parsed: TemplateNode } };

export const { Environment, Interpreter } = jinja as unknown as {
  Environment: new (parent?: TemplateEnvironment) => TemplateEnvironment;
  Interpreter: new (environment: TemplateEnvironment) => TemplateInterpreter;
};

/** @param json the "model" of tokenizer.json */
export function openLibraryModel(json: ModelJson): LibraryModel {
  if (json.type !== 'Unigram') return new BPE(json);
  const model = new Unigram(json, undefined);
  // The library gives the unknown token, where a text has it as such, the score of an unknown character.
  json.vocab.forEach(([, score], id) => (model.scores[id] = score));
  return model;
}

/** A pattern of tokenizer.json, written for Oniguruma, as one of JavaScript's. @throws SyntaxError */
export function regexOf(source: string): RegExp {
  return new SplitPreTokenizer({ pattern: { Regex: source } }).pattern;
}

/** The two normalizers that are large. */
export function libraryNormalizer(step: { readonly type: string }): (text: string) => string {
  const { BertNormalizer, PrecompiledNormalizer } = normalizers;
  const kind = step.type === 'BertNormalizer' ? BertNormalizer : PrecompiledNormalizer;
  const normalizer = new kind(step);
  return (text) => normalizer.normalize(text);
}

/** The byte that each visible character of a byte-level token stands for. */
export function byteOfCharacter(): Map<string, number> {
  const table = new ByteLevelDecoder({ type: 'ByteLevel' }).byte_decoder;
  return new Map(Object.entries(table).map(([char, byte]) => [char, Number(byte)]));
}

export function parseTemplate(source: string): TemplateNode {
  return new Template(source).parsed;
}
