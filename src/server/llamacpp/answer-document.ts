/**
 * Answers of /completion and /infill in llama.cpp's words.
 */
import type { GenerationResult } from '../../engine/output/generation.js';
import type { Answer, LogprobToken } from '../answers/answer.js';
import { type ChoiceRun, temperatureOf } from '../answers/choice-run.js';
import { runTimes } from '../answers/run-times.js';
import { pieceBytes, textOfIds } from '../prompts/pieces.js';
import { isRecord } from '../tools/json/json.js';
import type { Tokenizer } from '../../tokenizer/index.js';
import type { LlamaRequest } from './parameters.js';

export type LlamaRun = ChoiceRun<LlamaRequest>;

/** What clients show for a seed that was drawn. */
const RANDOM_SEED = 0xffff_ffff;

/** The document of one answer that has ended, cut to the fields that were asked for. */
export function answerDocument(run: LlamaRun, index: number): unknown {
  const answer = run.answers[index] as Answer;
  const { result, text, logprobs } = answer;
  const { own } = run.parsed;
  const { tokenizer } = run.engine.model;
  const document = {
    ...(result && endFields(run, index, result)),
    content: text,
    tokens: own.return_tokens ? (result?.tokenIds ?? []) : [],
    ...(own.n_probs > 0 && { completion_probabilities: logprobs.map((one) => probability(one, tokenizer)) }),
  };
  return own.response_fields.length > 0 ? chosenFields(document, own.response_fields) : document;
}

/** What an ended answer tells beside its text. */
export function endFields(run: LlamaRun, index: number, result: GenerationResult) {
  const { model } = run.engine;
  const { promptTokens, cachedTokens, completionTokens, finishReason, text } = result;
  return {
    index,
    id_slot: index,
    stop: true,
    model: model.name,
    tokens_predicted: completionTokens,
    tokens_evaluated: promptTokens,
    generation_settings: settingsOf(run, index),
    prompt: promptText(promptOf(run, index), model.tokenizer),
    has_new_line: text.includes('\n'),
    truncated: finishReason === 'length' && promptTokens + completionTokens >= model.shape.contextTokens,
    ...stopFields(result),
    tokens_cached: cachedTokens,
    timings: timingsOf(result),
  };
}

/** A prompt may have a hundred answers, which all tell its text. */
const promptTexts = new WeakMap<Int32Array, string>();

function promptText(ids: Int32Array, tokenizer: Tokenizer): string {
  const text = promptTexts.get(ids) ?? textOfIds(ids, tokenizer);
  promptTexts.set(ids, text);
  return text;
}

export function promptOf({ parsed }: LlamaRun, index: number): Int32Array {
  return parsed.prompts[Math.floor(index / parsed.n)] ?? new Int32Array();
}

function stopFields({ finishReason, stopString }: GenerationResult) {
  if (finishReason === 'length') return { stop_type: 'limit', stopping_word: '' };
  return { stop_type: stopString === undefined ? 'eos' : 'word', stopping_word: stopString ?? '' };
}

export function timingsOf(result: GenerationResult) {
  const { promptTokens, cachedTokens, completionTokens } = result;
  const { promptMs, decodeMs } = runTimes(result);
  const computed = promptTokens - cachedTokens;
  return {
    cache_n: cachedTokens,
    prompt_n: computed,
    prompt_ms: promptMs,
    prompt_per_token_ms: promptMs / Math.max(1, computed),
    prompt_per_second: (computed / promptMs) * 1000,
    predicted_n: completionTokens,
    predicted_ms: decodeMs,
    predicted_per_token_ms: decodeMs / Math.max(1, completionTokens),
    predicted_per_second: (completionTokens / decodeMs) * 1000,
  };
}

function settingsOf({ engine, parsed, answers }: LlamaRun, index: number) {
  const { sampling, maxTokens, seed, stop, isStream, own } = parsed;
  const limit =
    answers[index]?.result?.finishReason === 'length' ? answers[index]?.result?.completionTokens : -1;
  return {
    n_ctx: engine.model.shape.contextTokens,
    model: engine.model.name,
    n_predict: maxTokens ?? limit ?? -1,
    seed: seed ?? RANDOM_SEED,
    ...temperatureOf(parsed, engine),
    top_k: sampling.topK ?? 0,
    top_p: sampling.topP ?? 1,
    min_p: sampling.minP ?? 0,
    repeat_penalty: sampling.repetitionPenalty ?? 1,
    presence_penalty: sampling.presencePenalty ?? 0,
    frequency_penalty: sampling.frequencyPenalty ?? 0,
    stop,
    stream: isStream,
    n_probs: own.n_probs,
  };
}

export function probability({ id, logprobs: { logprob, top } }: LogprobToken, tokenizer: Tokenizer) {
  const one = (token: number, value: number) => {
    const bytes = pieceBytes(token, tokenizer);
    return {
      id: token,
      token: Buffer.from(bytes).toString(),
      bytes: [...bytes],
      logprob: Math.min(0, value),
    };
  };
  return { ...one(id, logprob), top_logprobs: top.map((each) => one(each.id, each.logprob)) };
}

/** "generation_settings/n_predict" becomes a field of that name; what is not there is left out. */
function chosenFields(document: unknown, fields: readonly string[]): Record<string, unknown> {
  const chosen: Record<string, unknown> = {};
  for (const field of fields) {
    const value = field
      .split('/')
      .reduce<unknown>((at, key) => (isRecord(at) && Object.hasOwn(at, key) ? at[key] : undefined), document);
    if (value !== undefined) chosen[field] = value;
  }
  return chosen;
}
