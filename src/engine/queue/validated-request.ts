/**
 * A request as it arrives: everything about it that can be wrong by itself has been checked, and its time runs.
 */
import type { Grammar } from '../../grammar/grammar.js';
import { Deadline } from './deadline.js';
import { readGrammar } from '../chain/grammars.js';
import type { LoadedModel } from '../load/load.js';
import {
  type GenerateRequest,
  type GenerateSettings,
  parseOptions,
  requestSchema,
} from '../options/options.js';
import { promptIds } from './prompt.js';

export type ValidatedRequest = {
  readonly settings: GenerateSettings;
  readonly ids: Int32Array;
  readonly grammar: Grammar | undefined;
  /** Aborted by whoever asked, or by the engine's end. */
  readonly signal: AbortSignal;
  readonly deadline: Deadline;
  readonly startMs: number;
};

/** @param closing aborted when the engine closes. @throws BAD_INPUT, PROMPT_TOO_LONG */
export function validateRequest(
  request: GenerateRequest,
  model: LoadedModel,
  closing: AbortSignal,
): ValidatedRequest {
  const startMs = performance.now();
  const { signal: given, ...rest } = request;
  const settings = parseOptions(requestSchema, rest, 'request');
  const ids = promptIds(settings, model);
  const grammar = readGrammar(settings);
  const signal = given ? AbortSignal.any([given, closing]) : closing;
  return { settings, ids, grammar, signal, deadline: new Deadline(settings.deadlineMs), startMs };
}
