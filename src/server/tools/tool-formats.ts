/**
 * How models write calls of functions, as their chat templates show it: the grammar of calls, and what tool-reader.ts
 * finds them by. Three ways are known: Hermes and Qwen, Mistral, Llama 3.
 */
import type { Grammar } from '../../grammar/grammar.js';
import type { Tokenizer } from '../../tokenizer/index.js';

export type ToolFunction = {
  readonly name: string;
  readonly parameters: unknown;
  readonly isStrict: boolean;
  /** What can not be held of the parameters is left out. */
  readonly isLoose?: boolean;
};
export type ToolFormat = {
  /** Begins a call; undefined where a call is the whole answer. */
  readonly open?: string;
  /** Ends a call; undefined where calls go to the answer's end. */
  readonly close?: string;
  /** Key of a call's arguments. */
  readonly argumentsKey: 'arguments' | 'parameters';
  /** Calls stand in one list. */
  readonly isList: boolean;
};

const HERMES: ToolFormat = {
  open: '<tool_call>',
  close: '</tool_call>',
  argumentsKey: 'arguments',
  isList: false,
};
const MISTRAL: ToolFormat = { open: '[TOOL_CALLS]', argumentsKey: 'arguments', isList: true };
const LLAMA: ToolFormat = { argumentsKey: 'parameters', isList: false };
/** Llama 3 may put it before a call; it has no meaning of its own. */
export const PYTHON_TAG = '<|python_tag|>';

/** More calls than any answer needs: without a bound, a model could go on with calls until the context is full. */
const MAX_CALLS = 16;

/** @returns undefined where a template shows none of the known ways */
export function formatOf(template: string): ToolFormat | undefined {
  if (!/\btools\b/.test(template)) return undefined;
  if (template.includes('<tool_call>')) return HERMES;
  if (template.includes('[TOOL_CALLS]')) return MISTRAL;
  return /["']?parameters["']?/.test(template) && /["']name["']/.test(template) ? LLAMA : undefined;
}

/** The id of a mark that is a special token, which has no text; undefined where it is text. */
export function specialId(mark: string, tokenizer: Tokenizer): number | undefined {
  const ids = tokenizer.encode(mark).filter((id) => tokenizer.nameOf(id) === mark);
  return ids.find((id) => tokenizer.bytesOf(id).length === 0);
}

/** Answers that are calls and nothing else. @param most how many */
export function callsGrammar(
  format: ToolFormat,
  functions: readonly ToolFunction[],
  isMany: boolean,
  tokenizer: Tokenizer,
): Grammar {
  const { open, close, isList } = format;
  const call: Grammar = { type: 'choice', options: functions.map((one) => callGrammar(format, one)) };
  const mark: Grammar[] = open === undefined ? [] : [markGrammar(open, tokenizer)];
  const max = isMany ? MAX_CALLS - 1 : 0;
  if (isList) {
    const more: Grammar = { type: 'repeat', part: sequence(text(', '), call), min: 0, max };
    return sequence(...mark, text('['), call, more, text(']'));
  }
  if (close === undefined) return call;
  const one = sequence(...mark, text('\n'), call, text('\n'), markGrammar(close, tokenizer));
  return sequence(one, { type: 'repeat', part: sequence(text('\n'), one), min: 0, max });
}

/** Answers of any text, in which calls, where there are any, are of these functions. */
export function freeOrCalls(
  format: ToolFormat,
  functions: readonly ToolFunction[],
  isMany: boolean,
  tokenizer: Tokenizer,
): Grammar {
  const calls = callsGrammar(format, functions, isMany, tokenizer);
  if (format.open === undefined) {
    const plain: Grammar = { type: 'choice', options: [{ type: 'free', without: [], notFirst: '{' }] };
    return { type: 'choice', options: [calls, plain] };
  }
  const free: Grammar = { type: 'free', without: [format.open] };
  return sequence(free, { type: 'repeat', part: calls, min: 0, max: 1 });
}

function callGrammar({ argumentsKey }: ToolFormat, one: ToolFunction): Grammar {
  const head = text(`{"name": ${JSON.stringify(one.name)}, "${argumentsKey}": `);
  return sequence(head, parametersGrammar(one), text('}'));
}

/** What the arguments of a call are. */
export function parametersGrammar({ parameters, isLoose }: ToolFunction): Grammar {
  return { type: 'json', schema: parameters, ...(isLoose === true && { isLoose }) };
}

function markGrammar(mark: string, tokenizer: Tokenizer): Grammar {
  return specialId(mark, tokenizer) === undefined ? text(mark) : { type: 'special', name: mark };
}

const text = (value: string): Grammar => ({ type: 'text', text: value });
const sequence = (...parts: readonly Grammar[]): Grammar => ({ type: 'sequence', parts });
