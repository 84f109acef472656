/**
 * The reader of a call for each syntax, and the characters that one can begin with.
 */
import type { CallSyntax } from '../formats/tool-format.js';
import type { CallReader, KnownFunctions } from './call-part.js';
import { ElementCallReader } from './element-call-reader.js';
import { HeadedCallReader } from './headed-call-reader.js';
import { JsonCallReader } from './json-call-reader.js';
import { PythonCallReader } from './python-call-reader.js';

export function openCall(syntax: CallSyntax, functions: KnownFunctions): CallReader {
  switch (syntax.type) {
    case 'json':
      return new JsonCallReader(functions);
    case 'headed':
      return new HeadedCallReader(functions, syntax.before);
    case 'elements':
      return new ElementCallReader(functions);
    case 'python':
      return new PythonCallReader(functions);
  }
}

const BEGINS: Readonly<Record<CallSyntax['type'], RegExp>> = {
  json: /\{/,
  headed: /[\w.:/@+-]/,
  elements: /</,
  python: /[A-Za-z_]/,
};

export function canBegin(syntax: CallSyntax, char: string): boolean {
  return BEGINS[syntax.type].test(char);
}
