/**
 * The grammar of calls in a format.
 */
import type { Grammar } from '../../../grammar/grammar.js';
import type { Tokenizer } from '../../../tokenizer/index.js';
import { elementsGrammar, pythonGrammar } from './argument-grammar.js';
import { specialMarks, written } from './special-marks.js';
import { type CallSyntax, marksOf, type ToolFormat, type ToolFunction } from './tool-format.js';

/** More calls than any answer needs: without a bound, a model could go on with calls until the context is full. */
const MAX_CALLS = 16;

/** Answers that are calls and nothing else. @param isMany one answer may have several */
export function callsGrammar(
  format: ToolFormat,
  functions: readonly ToolFunction[],
  isMany: boolean,
  tokenizer: Tokenizer,
): Grammar {
  const specials = [...specialMarks(marksOf(format), tokenizer).values()];
  const fixed = (text: string): Grammar[] => (text === '' ? [] : [written(text, specials)]);
  const calls = (index: number): Grammar => ({
    type: 'choice',
    options: functions.map((one) => sequence(...callGrammar(format.syntax, one, index, fixed))),
  });
  const { open = '', close = '', space, around = ['', ''] } = format;
  const max = isMany ? MAX_CALLS - 1 : 0;
  if (format.isList) {
    const more: Grammar = { type: 'repeat', part: sequence(...fixed(', '), calls(1)), min: 0, max };
    return sequence(...fixed(`${open}[`), calls(0), more, ...fixed(`]${close}`));
  }
  // A call without marks is the whole answer.
  if (format.open === undefined) return calls(0);
  const one = sequence(...fixed(open + space), calls(0), ...fixed(space + (isEnd(format) ? '' : close)));
  const more: Grammar = { type: 'repeat', part: sequence(...fixed(space), one), min: 0, max };
  const repeated = isEnd(format) ? [one] : [one, more];
  return sequence(...fixed(around[0]), ...repeated, ...fixed(around[1]));
}

/** Harmony's mark behind a call ends the answer, by a token that means nothing else. */
function isEnd({ close }: ToolFormat): boolean {
  return close === '<|call|>';
}

/** Answers of any text, in which calls, where there are any, are of these functions. */
export function freeOrCalls(
  format: ToolFormat,
  functions: readonly ToolFunction[],
  isMany: boolean,
  tokenizer: Tokenizer,
  textLead?: Grammar,
): Grammar {
  const calls = callsGrammar(format, functions, isMany, tokenizer);
  if (textLead)
    return { type: 'choice', options: [calls, sequence(textLead, { type: 'free', without: [] })] };
  if (format.open === undefined) {
    const notFirst = format.isList ? '[' : '{';
    const plain: Grammar = { type: 'choice', options: [{ type: 'free', without: [], notFirst }] };
    return { type: 'choice', options: [calls, plain] };
  }
  const free: Grammar = { type: 'free', without: [format.around?.[0] ?? format.open] };
  return sequence(free, { type: 'repeat', part: calls, min: 0, max: 1 });
}

function callGrammar(
  syntax: CallSyntax,
  one: ToolFunction,
  index: number,
  fixed: (text: string) => Grammar[],
): Grammar[] {
  const json = parametersGrammar(one);
  switch (syntax.type) {
    case 'json': {
      const { nameKey, argumentsKey, lead } = syntax;
      const head = `{${lead?.(index) ?? ''}"${nameKey}": ${JSON.stringify(one.name)}, "${argumentsKey}": `;
      return [...fixed(head), json, ...fixed('}')];
    }
    case 'headed':
      return [...fixed(syntax.before + one.name + syntax.between), json, ...fixed(syntax.behind)];
    case 'elements':
      return [...fixed(`<function=${one.name}>\n`), ...elementsGrammar(one), ...fixed('</function>')];
    case 'python':
      return [...fixed(`${one.name}(`), ...pythonGrammar(one), ...fixed(')')];
  }
}

/** What the arguments of a call are. */
export function parametersGrammar({ parameters, isLoose }: ToolFunction): Grammar {
  return { type: 'json', schema: parameters, ...(isLoose === true && { isLoose }) };
}

const sequence = (...parts: readonly Grammar[]): Grammar => ({ type: 'sequence', parts });
