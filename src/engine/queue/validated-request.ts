/**
 * A request once everything about it that can be wrong by itself has been checked: its prompt is token ids, and its time runs.
 */
import { KvrError } from '../../core/errors.js';
import { answerTokens, type RequestSpec, requestSpecSchema } from '../../core/request.js';
import type { KvDtype } from '../../core/shape.js';
import { checkGrammar, type Grammar } from '../../grammar/grammar.js';
import type { LoadedModel } from '../load/load.js';
import { parseOptions } from '../options/parse-options.js';
import { type GenerateRequest, requestSchema, type RequestSettings } from '../options/request.js';
import { AcceptedGrammar } from '../preparation/accepted-grammar.js';
import type { RequestPreparation } from '../preparation/preparation.js';
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
  readonly preparation: RequestPreparation;
};

/** @param closing aborted when the engine closes. @throws BAD_INPUT, PROMPT_TOO_LONG, BUSY, CANCELLED, DEADLINE, CLOSED */
export async function validateRequest(
  request: GenerateRequest,
  { model, settings: { kvDtype }, preparation }: ForAllRequests,
  closing: AbortSignal,
): Promise<ValidatedRequest> {
  const startMs = performance.now();
  requireFewIds(request, model);
  const { signal: given, ...rest } = request;
  const { settings, ready } = checked({ ...rest, ...withDefaults(rest.sampling, model) });
  const asked = ready.grammar ?? grammarOf(settings);
  const deadline = new Deadline(settings.deadlineMs);
  const signal = given ? AbortSignal.any([given, closing]) : closing;
  const { ids, grammar } = await deadline.bound(signal, async (bounded) => ({
    ids: await promptIds({ ...settings, ...ready.prompt }, model, preparation, bounded),
    grammar: await acceptedGrammar(asked, preparation, bounded),
  }));
  const spec = requestSpecSchema.parse({ ...settings, grammar, kvDtype, eosIds: model.eosIds });
  return { spec, ids, settings, signal, deadline, startMs };
}

/** What a request says of its sampling goes before what the checkpoint says. */
function withDefaults(
  asked: GenerateRequest['sampling'],
  { samplingDefaults }: LoadedModel,
): Pick<GenerateRequest, 'sampling'> {
  if (!samplingDefaults) return {};
  const given = Object.entries(asked ?? {}).filter(([, value]) => value !== undefined);
  return { sampling: { ...samplingDefaults, ...Object.fromEntries(given) } };
}

/** Before anything goes over them one by one. @throws PROMPT_TOO_LONG */
function requireFewIds({ promptIds: ids, maxTokens = 1 }: GenerateRequest, { shape }: LoadedModel): void {
  const count = ids?.length ?? 0;
  if (count > shape.contextTokens) throw tooLong(count, Number(maxTokens), shape.contextTokens);
}

/** What the engine itself has made of a part of a request, which is then not gone over again. */
type Ready = {
  readonly prompt: { readonly promptIds?: Int32Array };
  readonly grammar: AcceptedGrammar | undefined;
};

/** @throws BAD_INPUT naming the field */
function checked(request: GenerateRequest): { settings: RequestSettings; ready: Ready } {
  const { promptIds: ids, grammar, ...rest } = request;
  const prompt = ids instanceof Int32Array ? { promptIds: ids } : {};
  const accepted = grammar instanceof AcceptedGrammar ? grammar : undefined;
  const given = {
    ...rest,
    ...(ids !== undefined && !prompt.promptIds && { promptIds: ids }),
    ...(grammar !== undefined && !accepted && { grammar }),
  };
  const settings = parseOptions(requestSchema, given, 'request');
  if (accepted && settings.jsonSchema !== undefined) throw bothGiven();
  return { settings, ready: { prompt, grammar: accepted } };
}

/** @returns what an answer is held to; undefined where it is free. @throws BAD_INPUT for one that workers can not follow */
export function readGrammar(settings: RequestSettings): Grammar | undefined {
  const grammar = grammarOf(settings);
  if (grammar !== undefined) checkGrammar(grammar);
  return grammar;
}

/** @throws BAD_INPUT where there are two */
function grammarOf({ grammar, jsonSchema }: RequestSettings): Grammar | undefined {
  if (grammar !== undefined && jsonSchema !== undefined) throw bothGiven();
  return jsonSchema === undefined ? grammar : { type: 'json', schema: jsonSchema };
}

function bothGiven(): KvrError {
  return new KvrError('BAD_INPUT', 'give one of grammar and jsonSchema; both were given');
}

/** The workers compile it again; this shows whether they can. @throws BAD_INPUT */
async function acceptedGrammar(
  asked: Grammar | AcceptedGrammar | undefined,
  preparation: RequestPreparation,
  signal: AbortSignal,
): Promise<Grammar | undefined> {
  if (asked === undefined) return undefined;
  const accepted = asked instanceof AcceptedGrammar ? asked : await preparation.accept(asked, signal);
  return accepted.grammar;
}

type PromptSettings = Pick<RequestSettings, 'prompt' | 'messages' | 'template' | 'maxTokens' | 'pooling'> & {
  readonly promptIds?: readonly number[] | Int32Array | undefined;
};

/** @returns the prompt's ids. @throws BAD_INPUT, PROMPT_TOO_LONG (a prompt is never cut silently) */
export async function promptIds(
  request: PromptSettings,
  { shape: { vocabulary, contextTokens } }: Pick<LoadedModel, 'shape'>,
  preparation: RequestPreparation,
  signal?: AbortSignal,
): Promise<Int32Array> {
  const ids = await readPrompt(request, preparation, signal);
  if (ids.length === 0)
    throw new KvrError('BAD_INPUT', 'the prompt is empty (0 tokens); give at least one token');
  const unknown = ids.find((id) => id >= vocabulary || id < 0);
  if (unknown !== undefined) {
    throw new KvrError(
      'BAD_INPUT',
      `token id ${unknown} is not in the model's vocabulary of ${vocabulary}; ids go from 0 to ${vocabulary - 1}`,
    );
  }
  const maxTokens = answerTokens(request);
  if (ids.length + maxTokens > contextTokens) throw tooLong(ids.length, maxTokens, contextTokens);
  return Int32Array.from(ids);
}

function tooLong(promptTokens: number, maxTokens: number, contextTokens: number): KvrError {
  return new KvrError(
    'PROMPT_TOO_LONG',
    `prompt of ${promptTokens} tokens plus ${maxTokens} new ones is ${promptTokens + maxTokens}, but the model's context is ${contextTokens}; shorten the prompt or lower the new tokens`,
    { promptTokens, maxTokens, contextTokens },
  );
}

async function readPrompt(
  request: PromptSettings,
  preparation: RequestPreparation,
  signal?: AbortSignal,
): Promise<readonly number[] | Int32Array> {
  const { prompt, promptIds: ids, messages, template } = request;
  const given = [prompt, ids, messages].filter((each) => each !== undefined).length;
  if (given !== 1)
    throw new KvrError('BAD_INPUT', `give one of prompt, promptIds or messages; ${given} were given`);
  if (template && !messages)
    throw new KvrError('BAD_INPUT', 'template is for messages, and none were given; leave it out');
  if (ids) return ids;
  if (messages) return preparation.promptIds({ kind: 'chat', messages, template }, signal);
  if (prompt === '') throw new KvrError('BAD_INPUT', 'the prompt is empty; give at least one character');
  return preparation.promptIds({ kind: 'text', text: prompt ?? '' }, signal);
}
