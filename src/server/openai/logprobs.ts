/**
 * Log-probabilities in the words of both endpoints. Tokens are named by their text; their bytes come along, since a
 * token may be a part of a character.
 */
import type { Tokenizer } from '../../tokenizer/index.js';
import type { Answer, LogprobToken } from '../answers/answer.js';
import type { ChoiceRun } from '../answers/choice-run.js';

export type NamedToken = {
  readonly token: string;
  readonly bytes: readonly number[];
  readonly logprob: number;
};

export type LogprobEntry = NamedToken & {
  readonly top: readonly NamedToken[];
  /** Characters of the answer before it. */
  readonly offset: number;
};

/** Names the tokens of one answer, in their order. */
export class LogprobEntries {
  readonly #tokenizer: Tokenizer;
  #offset = 0;

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
  }

  /** @returns undefined for tokens without text, as the end token, which the API leaves out */
  add({ id, logprobs: { logprob, top } }: LogprobToken): LogprobEntry | undefined {
    const named = name(id, logprob, this.#tokenizer);
    if (named.bytes.length === 0) return undefined;
    const offset = this.#offset;
    this.#offset += named.token.length;
    return { ...named, top: top.map((one) => name(one.id, one.logprob, this.#tokenizer)), offset };
  }
}

/** Of a whole answer; undefined where no probabilities were asked for. */
export function entriesOf(
  { logprobs }: Answer,
  { engine, parsed }: ChoiceRun,
): readonly LogprobEntry[] | undefined {
  if (parsed.sampling.topLogprobs === undefined) return undefined;
  const entries = new LogprobEntries(engine.model.tokenizer);
  return logprobs.flatMap((token) => entries.add(token) ?? []);
}

export function name(id: number, logprob: number, tokenizer: Tokenizer): NamedToken {
  const bytes = tokenizer.bytesOf(id);
  return { token: Buffer.from(bytes).toString(), bytes: [...bytes], logprob };
}

/** `logprobs` of a choice of chat completions. */
export function chatLogprobs(entries: readonly LogprobEntry[] | undefined): unknown {
  return entries ? { content: tokenLogprobs(entries), refusal: null } : null;
}

/** One record a token, also of responses. */
export function tokenLogprobs(entries: readonly LogprobEntry[]): readonly object[] {
  return entries.map(({ token, logprob, bytes, top }) => ({ token, logprob, bytes, top_logprobs: top }));
}

/** What a choice of plain completions tells of a token; the first of a prompt has nothing that could predict it. */
export type ToldToken =
  | Pick<LogprobEntry, 'token' | 'logprob' | 'top' | 'offset'>
  | { readonly token: string; readonly logprob: null; readonly offset: number };

/** `logprobs` of a choice of plain completions. */
export function completionLogprobs(tokens: readonly ToldToken[] | undefined): unknown {
  if (!tokens) return null;
  return {
    tokens: tokens.map(({ token }) => token),
    token_logprobs: tokens.map(({ logprob }) => logprob),
    top_logprobs: tokens.map((one) => (one.logprob === null ? null : byText(one.top))),
    text_offset: tokens.map(({ offset }) => offset),
  };
}

/** Of two tokens with one text, as parts of characters may have, the likelier is told. */
function byText(top: readonly NamedToken[]): Record<string, number> {
  return Object.fromEntries([...top].reverse().map(({ token, logprob }) => [token, logprob]));
}
