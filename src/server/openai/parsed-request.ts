/**
 * What a request of either endpoint comes down to: prompts as token ids, how many answers to each, and how they are
 * to be made and told.
 */
import { randomInt } from 'node:crypto';
import { KvrError } from '../../core/errors.js';
import type { Grammar } from '../../grammar/grammar.js';
import type { GenerateRequest } from '../../engine/options/request.js';
import type { RequestKind } from '../requests/ledger.js';
import { bad, generateOptions, type SharedParameters } from '../http/parameters.js';
import type { ToolUse } from './tools.js';
import { MAX_CHOICES, type ServedEngine, type ServerSettings } from '../requests/settings.js';

/** One answer that is asked for, as the engine takes it. */
export type Choice = { readonly request: Omit<GenerateRequest, 'signal'>; readonly promptTokens: number };

export type ParsedRequest = {
  readonly kind: RequestKind;
  /** In the order of their index. */
  readonly choices: readonly Choice[];
  /** Of all prompts, each counted once. */
  readonly promptTokens: number;
  readonly isStream: boolean;
  readonly wantsUsage: boolean;
  /** Where functions may be called. */
  readonly toolUse?: ToolUse | undefined;
};

export type AskInput = {
  readonly kind: RequestKind;
  readonly prompts: readonly (readonly number[])[];
  readonly given: SharedParameters;
  readonly maxTokens: number | undefined;
  readonly deadlineMs: number;
  /** How many likely tokens to tell of with each; undefined where nothing is asked about probabilities. */
  readonly topLogprobs?: number | undefined;
  readonly toolUse?: ToolUse | undefined;
  /** What the answers are held to. */
  readonly grammar?: Grammar | undefined;
};

/** @throws BAD_INPUT, PROMPT_TOO_LONG, NOT_FOUND */
export function makeAsk(input: AskInput, engine: ServedEngine, settings: ServerSettings): ParsedRequest {
  const { kind, prompts, given } = input;
  requireModel(given.model, engine);
  if (given.stream_options && given.stream !== true)
    throw bad('stream_options is for streams; leave it out, or set stream to true', 'stream_options');
  const n = given.n ?? 1;
  if (prompts.length * n > MAX_CHOICES) {
    const message = `${prompts.length} prompts times n of ${n} are more answers than ${MAX_CHOICES}, the limit; ask for fewer`;
    throw bad(message, 'n');
  }
  const options = generateOptions(given);
  const seed = given.seed ?? randomInt(2 ** 32 - 1);
  const choices = prompts.flatMap((ids) =>
    Array.from({ length: n }, (_, k) => ({
      promptTokens: ids.length,
      request: {
        ...options,
        promptIds: [...ids],
        grammar: input.grammar,
        shownTokens: input.toolUse?.marks,
        sampling: { ...options.sampling, topLogprobs: input.topLogprobs, seed: engineSeed(seed + k) },
        maxTokens: input.maxTokens ?? roomFor(ids, engine, settings),
        deadlineMs: input.deadlineMs,
      },
    })),
  );
  return {
    kind,
    choices,
    promptTokens: prompts.reduce((sum, ids) => sum + ids.length, 0),
    toolUse: input.toolUse,
    isStream: given.stream === true,
    wantsUsage: given.stream_options?.include_usage === true,
  };
}

/** Where nothing was asked for, the context's end is a limit like any other, not an error. */
function roomFor(ids: readonly number[], { model }: ServedEngine, settings: ServerSettings): number {
  const room = model.shape.contextTokens - ids.length;
  return Math.max(1, Math.min(settings.defaultMaxTokens, room));
}

function requireModel(asked: string | undefined, { model }: ServedEngine): void {
  if (asked === undefined || asked === model.name) return;
  const message = `there is no model "${asked.slice(0, 60)}" here; ask for "${model.name}"`;
  throw new KvrError('NOT_FOUND', message, { param: 'model', reason: 'model_not_found' });
}

/** One of 2³² seeds; those of them that a client names stay as they are. */
function engineSeed(seed: number): number {
  return ((seed % 2 ** 32) + 2 ** 32) % 2 ** 32;
}
