/**
 * Reads arguments as Python writes them: a=1, b="x", c=[True, None]. JSON's words are taken too.
 */
const WORDS: Readonly<Record<string, unknown>> = {
  ...{ True: true, False: false, None: null, true: true, false: false, null: null },
};
const TOKEN =
  /\s*(?:([A-Za-z_]\w*)|([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|("(?:[^"\\]|\\[^])*"|'(?:[^'\\]|\\[^])*')|([()[\]{},:=]))/y;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '\n': '' };

type Token = { readonly type: 'name' | 'number' | 'text' | 'sign'; readonly value: string };

/** @param source between the brackets of a call. @returns undefined where it is none of this */
export function keywordArguments(source: string): Record<string, unknown> | undefined {
  const tokens = tokensOf(source);
  if (!tokens) return undefined;
  const reader = new LiteralReader(tokens);
  const values: [string, unknown][] = [];
  while (!reader.isEnd) {
    if (values.length > 0 && !reader.skip(',')) return undefined;
    if (reader.isEnd) break;
    const name = reader.name();
    if (name === undefined || !reader.skip('=')) return undefined;
    const value = reader.value();
    if (value === undefined) return undefined;
    values.push([name, value]);
  }
  return Object.fromEntries(values);
}

function tokensOf(source: string): Token[] | undefined {
  const tokens: Token[] = [];
  const end = source.trimEnd().length;
  for (TOKEN.lastIndex = 0; TOKEN.lastIndex < end;) {
    const match = TOKEN.exec(source);
    if (!match) return undefined;
    const [, name, number, text, sign] = match;
    if (name !== undefined) tokens.push({ type: 'name', value: name });
    else if (number !== undefined) tokens.push({ type: 'number', value: number });
    else if (text !== undefined) tokens.push({ type: 'text', value: unquoted(text) });
    else tokens.push({ type: 'sign', value: sign ?? '' });
  }
  return tokens;
}

function unquoted(text: string): string {
  return text.slice(1, -1).replace(/\\(?:u([\da-fA-F]{4})|x([\da-fA-F]{2})|([^]))/g, (_, four?: string, two?: string, one = '') => {
    const code = four ?? two;
    return code === undefined ? (ESCAPES[one as string] ?? (one as string)) : String.fromCharCode(parseInt(code, 16));
  }); // prettier-ignore
}

/** Deeper values are no arguments that a function takes. */
const MAX_DEPTH = 64;

class LiteralReader {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get isEnd(): boolean {
    return this.#at >= this.#tokens.length;
  }

  skip(sign: string): boolean {
    const token = this.#tokens[this.#at];
    const isThere = token?.type === 'sign' && token.value === sign;
    if (isThere) this.#at += 1;
    return isThere;
  }

  name(): string | undefined {
    const token = this.#tokens[this.#at];
    if (token?.type !== 'name') return undefined;
    this.#at += 1;
    return token.value;
  }

  /** @returns undefined where no value stands here */
  value(depth = 0): unknown {
    if (depth > MAX_DEPTH) return undefined;
    if (this.skip('[')) return this.#list(']', depth);
    if (this.skip('(')) return this.#list(')', depth);
    if (this.skip('{')) return this.#mapping(depth);
    const token = this.#tokens[this.#at++];
    if (token?.type === 'text') return token.value;
    if (token?.type === 'number') return Number(token.value);
    return token?.type === 'name' && Object.hasOwn(WORDS, token.value) ? WORDS[token.value] : undefined;
  }

  #list(end: string, depth: number): unknown[] | undefined {
    const items: unknown[] = [];
    while (!this.skip(end)) {
      if (items.length > 0 && !this.skip(',')) return undefined;
      if (this.skip(end)) break;
      const item = this.value(depth + 1);
      if (item === undefined) return undefined;
      items.push(item);
    }
    return items;
  }

  #mapping(depth: number): Record<string, unknown> | undefined {
    const entries: [string, unknown][] = [];
    while (!this.skip('}')) {
      if (entries.length > 0 && !this.skip(',')) return undefined;
      if (this.skip('}')) break;
      const key = this.value(depth + 1);
      const value = this.skip(':') ? this.value(depth + 1) : undefined;
      if (key === undefined || value === undefined) return undefined;
      entries.push([typeof key === 'string' ? key : JSON.stringify(key), value]);
    }
    return Object.fromEntries(entries);
  }
}
