/**
 * Other names and spellings that clients of local servers use for parameters that are honoured. Applied before a body is
 * read, so that everything after knows one spelling.
 */
import type { Ignored } from './read.js';

/** By OpenAI's name, or ours, the names that count where that one is not given. */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  max_tokens: ['n_predict', 'max_new_tokens', 'max_output_tokens', 'num_predict'],
  repetition_penalty: ['repeat_penalty'],
  stop: ['stop_sequences', 'stopping_strings'],
};

/** @returns a copy in which every honoured parameter has its one name and spelling. @param ignored takes what loses to another */
export function inOneSpelling(
  body: Readonly<Record<string, unknown>>,
  ignored: Ignored,
): Record<string, unknown> {
  const fields: Record<string, unknown> = { ...body };
  for (const [name, others] of Object.entries(NAMES))
    for (const other of others) {
      if (!isThere(fields[other])) continue;
      if (isThere(fields[name])) ignored.add(other);
      else fields[name] = fields[other];
      delete fields[other];
    }
  for (const [name, spell] of Object.entries(SPELLINGS))
    if (isThere(fields[name])) fields[name] = spell(fields[name]);
  return fields;
}

/** How values are written elsewhere: -1 for "no limit", empty texts for "none", pairs for a record. */
const SPELLINGS: Readonly<Record<string, (value: unknown) => unknown>> = {
  max_tokens: unlimited,
  max_completion_tokens: unlimited,
  top_k: (value) => (value === -1 ? 0 : value),
  stop: (value) => (value === '' ? null : Array.isArray(value) ? value.filter((one) => one !== '') : value),
  logit_bias: (value) => (Array.isArray(value) ? biasOf(value) : value),
  n: (value) => (value === 0 ? null : value),
};

function unlimited(value: unknown): unknown {
  return value === -1 || value === -2 ? null : value;
}

/** [[token id, bias], …] as llama.cpp takes it; false forbids a token. Other forms stay, to be refused by their name. */
function biasOf(pairs: readonly unknown[]): unknown {
  if (!pairs.every((pair) => Array.isArray(pair) && pair.length === 2 && Number.isInteger(pair[0])))
    return pairs;
  const entries = pairs as readonly (readonly [number, unknown])[];
  return Object.fromEntries(entries.map(([id, bias]) => [String(id), bias === false ? -100 : bias]));
}

function isThere(value: unknown): boolean {
  return value !== undefined && value !== null;
}
