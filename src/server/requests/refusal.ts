/**
 * How a request is refused: by the name of the parameter that is wrong, which clients get as the field `param`.
 */
import { KvrError } from '../../core/errors.js';
import { compileGrammar, type Grammar } from '../../grammar/grammar.js';

/** @param message one line with what is wrong, the bound, and what to send instead */
export function bad(message: string, param?: string): KvrError {
  return new KvrError('BAD_INPUT', message, param === undefined ? {} : { param });
}

export function unsupported(param: string, why = 'is not supported here; leave it out'): KvrError {
  const name = param.slice(0, 60);
  return new KvrError('UNSUPPORTED_PARAMETER', `parameter "${name}" ${why}`, { param: name });
}

/** Refuses a grammar that can not be compiled. @throws BAD_INPUT with the field `param` */
export function requireUsable(grammar: Grammar, param: string): void {
  try {
    compileGrammar(grammar);
  } catch (error) {
    if (error instanceof KvrError && error.code === 'BAD_INPUT')
      throw bad(`${param}: ${error.message}`, param);
    throw error;
  }
}
