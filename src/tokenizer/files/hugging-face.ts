/**
 * The parts of @huggingface/tokenizers and @huggingface/jinja that are used here, with types. Both packages'
 * declarations import without file endings, which nodenext resolves to nothing; this is the one place that says
 * what they are. Errors are the libraries' own: callers turn them into ours.
 */
import * as jinja from '@huggingface/jinja';
import * as tokenizers from '@huggingface/tokenizers';

/** Turns words into tokens; the tokenizer calls `_call` once for each stretch of text without added tokens. */
export interface LibraryModel {
  /** Tokens without an id become one, across words. */
  readonly fuse_unk: boolean;
  _call(words: string[]): string[];
}

/** A loaded tokenizer.json. */
export interface LibraryTokenizer {
  readonly model: LibraryModel;
  /** With a tokenizer that has neither token nor unknown token for a character, ids may hold undefined. */
  encode(text: string, options: { add_special_tokens: boolean }): { ids: (number | undefined)[] };
  /** @throws for an empty list */
  decode(
    ids: number[],
    options: { skip_special_tokens: boolean; clean_up_tokenization_spaces: boolean },
  ): string;
  token_to_id(token: string): number | undefined;
  id_to_token(id: number): string | undefined;
}

/** A part of a parsed template, with those of its own parts whose values the interpreter goes over. */
export interface TemplateNode {
  readonly type: string;
  readonly iterable?: TemplateNode;
  readonly lhs?: TemplateNode;
  readonly left?: TemplateNode;
  readonly right?: TemplateNode;
  readonly operand?: TemplateNode;
  readonly property?: TemplateNode;
  readonly argument?: TemplateNode;
}
export type TemplateValue = { readonly value: unknown };

export interface TemplateEnvironment {
  set(name: string, value: unknown): unknown;
}

export interface TemplateInterpreter {
  run(program: TemplateNode): TemplateValue;
  /** The value of every statement and expression comes from here. */
  evaluate(node: TemplateNode | undefined, environment: TemplateEnvironment): TemplateValue;
  /** The text of the statements between two tags. */
  evaluateBlock(statements: readonly TemplateNode[], environment: TemplateEnvironment): TemplateValue;
}

const { Tokenizer, ByteLevelDecoder, ReplaceDecoder } = tokenizers as unknown as {
  Tokenizer: new (json: object, config: object) => LibraryTokenizer;
  ByteLevelDecoder: new (step: object) => { byte_decoder: Record<string, string> };
  ReplaceDecoder: new (step: object) => { decode_chain(tokens: string[]): string[] };
};

const { Template } = jinja as unknown as { Template: new (source: string) => { parsed: TemplateNode } };

export const { Environment, Interpreter } = jinja as unknown as {
  Environment: new () => TemplateEnvironment;
  Interpreter: new (environment: TemplateEnvironment) => TemplateInterpreter;
};

export function openLibraryTokenizer(json: object, config: object): LibraryTokenizer {
  return new Tokenizer(json, config);
}

/** The byte that each visible character of a byte-level token stands for. */
export function byteOfCharacter(): Map<string, number> {
  const table = new ByteLevelDecoder({ type: 'ByteLevel' }).byte_decoder;
  return new Map(Object.entries(table).map(([char, byte]) => [char, Number(byte)]));
}

/** The effect of a Replace step of a decoder on one token's text. */
export function replacer(step: object): (text: string) => string {
  const decoder = new ReplaceDecoder(step);
  return (text) => decoder.decode_chain([text]).join('');
}

export function parseTemplate(source: string): TemplateNode {
  return new Template(source).parsed;
}
