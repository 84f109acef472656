/**
 * The parts of @huggingface/tokenizers and @huggingface/jinja that are used here, with types. Both packages'
 * declarations import without file endings, which nodenext resolves to nothing; this is the one place that says
 * what they are. Errors are the libraries' own: callers turn them into ours.
 */
import * as jinja from '@huggingface/jinja';
import * as tokenizers from '@huggingface/tokenizers';

/** A loaded tokenizer.json. */
export interface LibraryTokenizer {
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

/** A parsed template; only the interpreter looks inside. */
export type TemplateProgram = { readonly type: string };

interface LibraryEnvironment {
  set(name: string, value: unknown): unknown;
}

const { Tokenizer, ByteLevelDecoder, ReplaceDecoder } = tokenizers as unknown as {
  Tokenizer: new (json: object, config: object) => LibraryTokenizer;
  ByteLevelDecoder: new (step: object) => { byte_decoder: Record<string, string> };
  ReplaceDecoder: new (step: object) => { decode_chain(tokens: string[]): string[] };
};

const { Environment, Interpreter, Template } = jinja as unknown as {
  Environment: new () => LibraryEnvironment;
  Interpreter: new (environment: LibraryEnvironment) => { run(program: TemplateProgram): { value: unknown } };
  Template: new (source: string) => { parsed: TemplateProgram };
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

export function parseTemplate(source: string): TemplateProgram {
  return new Template(source).parsed;
}

/** Runs a template that sees the given variables and the language's filters and tests, nothing else. */
export function runTemplate(
  program: TemplateProgram,
  variables: Iterable<readonly [string, unknown]>,
): string {
  const environment = new Environment();
  for (const [name, value] of variables) environment.set(name, value);
  return String(new Interpreter(environment).run(program).value);
}
