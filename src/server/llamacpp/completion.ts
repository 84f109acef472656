/**
 * POST /completion and POST /infill: llama.cpp's own completions.
 */
import type { Dialect } from '../answers/dialect.js';
import { isOnePrompt, readPromptForm } from '../prompts/prompt-forms.js';
import { fimPrompt, type FimParts } from '../prompts/fim-prompt.js';
import { objectBody } from '../parameters/body.js';
import { isNothing } from '../parameters/read.js';
import { bad } from '../requests/refusal.js';
import { MAX_CHOICES, type ServedEngine } from '../requests/settings.js';
import { isRecord } from '../tools/json/json.js';
import { answerDocument, type LlamaRun } from './answer-document.js';
import { eventStream } from './event-stream.js';
import { type LlamaRequest, parseParameters } from './parameters.js';

const ANSWERS = {
  whole: (run: LlamaRun) => {
    const documents = run.answers.map((_, index) => answerDocument(run, index));
    return run.parsed.isList ? documents : documents[0];
  },
  stream: (run: LlamaRun) => eventStream(run),
};

export const COMPLETION: Dialect<LlamaRequest> = {
  idPrefix: 'llama-',
  parse: async (body, engine, signal) => {
    const { prompt, ...fields } = objectBody(body);
    const isList = Array.isArray(prompt) && !isOnePrompt(prompt);
    const prompts = await readPrompts(prompt, isList, engine, signal);
    const parsed = await parseParameters(fields, prompts, engine, signal);
    return { ...parsed, isList: isList || parsed.n > 1 };
  },
  ...ANSWERS,
};

export const INFILL: Dialect<LlamaRequest> = {
  idPrefix: 'llama-',
  parse: async (body, engine, signal) => {
    const {
      prompt,
      input_prefix: prefix,
      input_suffix: suffix,
      input_extra: extra,
      ...fields
    } = objectBody(body);
    const parts: FimParts = {
      prefix: textOf(prefix, 'input_prefix'),
      suffix: textOf(suffix, 'input_suffix'),
      begin: textOf(prompt, 'prompt'),
      files: filesOf(extra),
    };
    const ids = await fimPrompt(parts, 'infill', engine, signal);
    const parsed = await parseParameters(fields, [ids], engine, signal);
    return { ...parsed, isList: parsed.n > 1 };
  },
  ...ANSWERS,
};

/** @throws as readPromptForm */
async function readPrompts(
  prompt: unknown,
  isList: boolean,
  engine: ServedEngine,
  signal: AbortSignal,
): Promise<Int32Array[]> {
  if (!isList) return [await readPromptForm(prompt, 'prompt', engine, signal)];
  const list = prompt as readonly unknown[];
  if (list.length === 0 || list.length > MAX_CHOICES)
    throw bad(`prompt lists ${list.length} prompts; send 1 to ${MAX_CHOICES}`, 'prompt');
  const prompts: Int32Array[] = [];
  // One after the other: together they are one request, which shall not take the turns of many.
  for (const [index, one] of list.entries())
    prompts.push(await readPromptForm(one, `prompt.${index}`, engine, signal));
  return prompts;
}

function textOf(value: unknown, param: string): string {
  if (isNothing(value)) return '';
  if (typeof value === 'string') return value;
  throw bad(`${param} must be a string`, param);
}

/** Other files, as context. */
const MAX_FILES = 256;
const UNNAMED = 'tmp';

function filesOf(value: unknown): NonNullable<FimParts['files']> {
  if (isNothing(value)) return [];
  if (!Array.isArray(value) || value.length > MAX_FILES)
    throw bad(`input_extra must be a list of at most ${MAX_FILES} files`, 'input_extra');
  return value.map((file: unknown, index) => {
    const { filename = UNNAMED, text } = isRecord(file) ? file : {};
    if (typeof text === 'string' && typeof filename === 'string') return { name: filename, text };
    const place = `input_extra.${index}`;
    throw bad(`${place} must be an object with text, a string, and filename, if any, a string`, place);
  });
}
