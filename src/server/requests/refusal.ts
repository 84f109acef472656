/**
 * How a request is refused: by the name of the parameter that is wrong, which clients get as the field `param`.
 */
import { KvrError } from '../../core/errors.js';
import type { AcceptedGrammar } from '../../engine/preparation/accepted-grammar.js';
import type { RequestPreparation } from '../../engine/preparation/preparation.js';
import type { Grammar } from '../../grammar/grammar.js';

/** @param message one line with what is wrong, the bound, and what to send instead */
export function bad(message: string, param?: string): KvrError {
  return new KvrError('BAD_INPUT', message, param === undefined ? {} : { param });
}

export function unsupported(param: string, why = 'is not supported here; leave it out'): KvrError {
  const name = param.slice(0, 60);
  return new KvrError('UNSUPPORTED_PARAMETER', `parameter "${name}" ${why}`, { param: name });
}

/** What an answer shall be held to, and which parameters say so. */
export type AskedGrammar = {
  readonly grammar: Grammar;
  readonly param: string;
  /** Parts of it that have parameters of their own; looked at first, so that an error names the right one. */
  readonly parts?: readonly { readonly grammar: Grammar; readonly param: string }[];
};

/** @throws BAD_INPUT with the field `param` for a grammar that answers can not be held to; BUSY, CANCELLED, CLOSED */
export async function accepted(
  { grammar, param, parts = [] }: AskedGrammar,
  preparation: RequestPreparation,
  signal: AbortSignal,
): Promise<AcceptedGrammar> {
  try {
    return await preparation.accept(
      grammar,
      signal,
      parts.map((part) => part.grammar),
    );
  } catch (error) {
    if (!(error instanceof KvrError) || error.code !== 'BAD_INPUT') throw error;
    const place = parts[Number(error.fields['index'])]?.param ?? param;
    throw bad(`${place}: ${error.message}`, place);
  }
}
