/**
 * A request once everything about it that can be wrong by itself has been checked: its prompt is token ids, and its time runs.
 */
import { KvrError } from '../../core/errors.js';
import { type RequestSpec, requestSpecSchema } from '../../core/request.js';
import type { KvDtype } from '../../core/shape.js';
import { compileGrammar, type Grammar } from '../../grammar/grammar.js';
import type { LoadedModel } from '../load/load.js';
import { parseOptions } from '../options/parse-options.js';
import { type GenerateRequest, requestSchema, type RequestSettings } from '../options/request.js';
import { Deadline } from './deadline.js';

export type ValidatedRequest = {
  /** What travels on to every rank. */
  readonly spec: RequestSpec;
  readonly ids: Int32Array;
  /** What the request says beside the spec: which workers, and how the text is to come out. */
  readonly settings: RequestSettings;
  /** Aborted by whoever asked, or by the engine's end. */
  readonly signal: AbortSignal;
  readonly deadline: Deadline;
  readonly startMs: number;
};

/** What the engine decides for all its requests. */
export type ForAllRequests = {
  readonly model: LoadedModel;
  readonly settings: { readonly kvDtype: KvDtype };
};

/** @param closing aborted when the engine closes. @throws BAD_INPUT, PROMPT_TOO_LONG */
export function validateRequest(
  request: GenerateRequest,
  { model, settings: { kvDtype } }: ForAllRequests,
  closing: AbortSignal,
): ValidatedRequest {
  const startMs = performance.now();
  const { signal: given, ...rest } = request;
  const settings = parseOptions(requestSchema, rest, 'request');
  const ids = promptIds(settings, model);
  const grammar = readGrammar(settings);
  const spec = requestSpecSchema.parse({ ...settings, grammar, kvDtype, eosIds: model.eosIds });
  const signal = given ? AbortSignal.any([given, closing]) : closing;
  return { spec, ids, settings, signal, deadline: new Deadline(settings.deadlineMs), startMs };
}

/** @returns what an answer is held to; undefined where it is free. @throws BAD_INPUT */
export function readGrammar({ grammar, jsonSchema }: RequestSettings): Grammar | undefined {
  if (grammar !== undefined && jsonSchema !== undefined)
    throw new KvrError('BAD_INPUT', 'give one of grammar and jsonSchema; both were given');
  const given: Grammar | undefined =
    jsonSchema === undefined ? grammar : { type: 'json', schema: jsonSchema };
  // The workers compile it again; here it shows whether they can.
  if (given !== undefined) compileGrammar(given);
  return given;
}

/** @returns the prompt's ids. @throws BAD_INPUT, PROMPT_TOO_LONG (a prompt is never cut silently) */
export function promptIds(request: RequestSettings, model: LoadedModel): Int32Array {
  const ids = readPrompt(request, model);
  const { vocabulary, contextTokens } = model.shape;
  if (ids.length === 0)
    throw new KvrError('BAD_INPUT', 'the prompt is empty (0 tokens); give at least one token');
  const unknown = ids.find((id) => id >= vocabulary);
  if (unknown !== undefined) {
    throw new KvrError(
      'BAD_INPUT',
      `token id ${unknown} is not in the model's vocabulary of ${vocabulary}; ids go from 0 to ${vocabulary - 1}`,
    );
  }
  const total = ids.length + request.maxTokens;
  if (total > contextTokens) {
    throw new KvrError(
      'PROMPT_TOO_LONG',
      `prompt of ${ids.length} tokens plus ${request.maxTokens} new ones is ${total}, but the model's context is ${contextTokens}; shorten the prompt or lower the new tokens`,
      { promptTokens: ids.length, maxTokens: request.maxTokens, contextTokens },
    );
  }
  return Int32Array.from(ids);
}

function readPrompt(request: RequestSettings, { tokenizer }: LoadedModel): readonly number[] {
  const { prompt, promptIds: ids, messages } = request;
  const given = [prompt, ids, messages].filter((each) => each !== undefined).length;
  if (given !== 1)
    throw new KvrError('BAD_INPUT', `give one of prompt, promptIds or messages; ${given} were given`);
  if (ids) return ids;
  if (messages) return tokenizer.applyChat(messages);
  if (prompt === '') throw new KvrError('BAD_INPUT', 'the prompt is empty; give at least one character');
  return tokenizer.encode(prompt ?? '');
}
