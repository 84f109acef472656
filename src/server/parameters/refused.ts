/**
 * Parameters that change an answer and are not done here, each with the values with which it asks for nothing. Those are
 * taken and forgotten; others are refused by name. What is in no list says nothing about the answer, and is ignored.
 */
import { isRecord } from '../tools/json/json.js';

/** By name, whether a value asks for what happens anyway. */
export type RefusedParameters = Readonly<Record<string, (value: unknown) => boolean>>;

const isFalse = (value: unknown): boolean => value === false;
const isZero = (value: unknown): boolean => value === 0 || value === false;
const isOne = (value: unknown): boolean => value === 1;

function isEmpty(value: unknown): boolean {
  return value === '' || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);
}

/** Of both of OpenAI's endpoints, with the further names that local servers gave them. */
export const REFUSED: RefusedParameters = {
  // Samplers that are not there.
  top_a: isZero,
  tfs_z: isOne,
  typical_p: isOne,
  typical: isOne,
  mirostat: isZero,
  mirostat_mode: isZero,
  dynatemp_range: isZero,
  dry_multiplier: isZero,
  xtc_probability: isZero,
  top_n_sigma: (value) => typeof value === 'number' && value <= 0,
  epsilon_cutoff: isZero,
  eta_cutoff: isZero,
  no_repeat_ngram_size: isZero,
  encoder_repetition_penalty: isOne,
  smoothing_factor: isZero,
  length_penalty: isOne,
  use_beam_search: isFalse,
  num_beams: isOne,
  best_of: isOne,
  // Where an answer begins and ends, and what it is held to.
  echo: isFalse,
  suffix: isEmpty,
  min_tokens: isZero,
  stop_token_ids: isEmpty,
  allowed_token_ids: isEmpty,
  bad_words: isEmpty,
  banned_tokens: isEmpty,
  ignore_eos: isFalse,
  include_stop_str_in_output: isFalse,
  skip_special_tokens: (value) => value === true,
  logits_processors: isEmpty,
  prompt_logprobs: isZero,
  truncate_prompt_tokens: (value) => value === -1,
  // Media and services.
  modalities: (value) => JSON.stringify(value) === '["text"]',
  audio: isEmpty,
  images: isEmpty,
  image_data: isEmpty,
  mm_processor_kwargs: isEmpty,
  documents: isEmpty,
  web_search_options: isEmpty,
  lora: isEmpty,
  models: isEmpty,
  verbosity: (value) => value === 'medium',
};

/** Which of an endpoint's own parameters ask for nothing at another, where they are not known. */
export const ELSEWHERE: RefusedParameters = {
  logprobs: isFalse,
  top_logprobs: isZero,
  tools: isEmpty,
  functions: isEmpty,
  tool_choice: (value) => value === 'none' || value === 'auto',
  function_call: (value) => value === 'none' || value === 'auto',
  response_format: (value) => isRecord(value) && value['type'] === 'text',
  messages: isEmpty,
  prompt: isEmpty,
};
