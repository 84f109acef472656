/**
 * The prompt of a completion, as it stands before the answer where a client asks for that: lm-eval reads from it what the model
 * thinks of a text.
 */
import type { Tokenizer } from '../../tokenizer/index.js';
import type { ChoiceRun } from '../answers/choice-run.js';
import type { ParsedRequest } from '../answers/parsed-request.js';
import { pieceBytes } from '../prompts/pieces.js';
import { bad } from '../requests/refusal.js';
import { MAX_ECHO_NUMBERS } from '../requests/settings.js';
import { type LogprobEntry, name, type ToldToken } from './logprobs.js';

export type CompletionRequest = ParsedRequest & { readonly isEcho: boolean };

type Echo = {
  /** As its tokens read; special ones have no text. */
  readonly text: string;
  /** Each of its tokens, special ones by their names; undefined where no log-probabilities were asked for. */
  readonly tokens: readonly ToldToken[] | undefined;
};
type EchoRun = Pick<ChoiceRun<CompletionRequest>, 'parsed' | 'engine' | 'answers'>;

/** @returns undefined where it was not asked for */
export function echoOf({ parsed, engine, answers }: EchoRun, index: number): Echo | undefined {
  if (!parsed.isEcho) return undefined;
  const ids = promptOf(parsed, index);
  const { tokenizer } = engine.model;
  const { text, offsets } = readingOf(ids, tokenizer);
  const told = answers[index]?.promptLogprobs;
  const tokens = told?.map((one, at): ToldToken => {
    const id = ids[at] as number;
    const place = { token: Buffer.from(pieceBytes(id, tokenizer)).toString(), offset: offsets[at] as number };
    if (one === null) return { ...place, logprob: null };
    return {
      ...place,
      logprob: one.logprob,
      top: one.top.map((each) => name(each.id, each.logprob, tokenizer)),
    };
  });
  return { text, tokens };
}

/** Tokens of the answer, where they stand: behind the prompt's text, if that is told. */
export function behindPrompt(
  { parsed, engine }: Pick<EchoRun, 'parsed' | 'engine'>,
  index: number,
  entries: readonly LogprobEntry[],
): readonly LogprobEntry[] {
  if (!parsed.isEcho) return entries;
  const { length } = readingOf(promptOf(parsed, index), engine.model.tokenizer).text;
  return entries.map((entry) => ({ ...entry, offset: entry.offset + length }));
}

function promptOf({ prompts, n }: CompletionRequest, index: number): Int32Array {
  return prompts[Math.floor(index / n)] ?? new Int32Array();
}

/** @param top of the likeliest, for each token. @throws BAD_INPUT */
export function requireFewNumbers(prompts: readonly Int32Array[], n: number, top: number): void {
  const numbers = prompts.reduce((sum, ids) => sum + ids.length, 0) * n * (1 + top);
  if (numbers <= MAX_ECHO_NUMBERS) return;
  const message = `echo would tell ${numbers} log-probabilities, above the limit of ${MAX_ECHO_NUMBERS}; send shorter or fewer prompts, or lower logprobs`;
  throw bad(message, 'echo');
}

type Reading = {
  readonly text: string;
  /** Per token, how many characters of the text stand before it. */
  readonly offsets: readonly number[];
};

/** A stream asks at each of its tokens, and a prompt may have a hundred answers. */
const readings = new WeakMap<Int32Array, Reading>();

function readingOf(ids: Int32Array, tokenizer: Tokenizer): Reading {
  const known = readings.get(ids);
  if (known) return known;
  const stream = tokenizer.stream();
  let text = '';
  const offsets = Array.from(ids, (id) => {
    const at = text.length;
    text += stream.push(id);
    return at;
  });
  const reading = { text: text + stream.end(), offsets };
  readings.set(ids, reading);
  return reading;
}
