/**
 * What Ollama's bodies say beside the prompt, in the words of OpenAI's, which are then read as those are.
 */
import { Ignored, isNothing } from '../parameters/read.js';
import { bad, unsupported } from '../requests/refusal.js';
import { isRecord } from '../tools/json/json.js';

/** Of `options`, what says something about the answer; how a model is loaded does not. */
const OPTIONS = [
  'num_predict',
  'temperature',
  'top_k',
  'top_p',
  'min_p',
  'typical_p',
  'tfs_z',
  'repeat_penalty',
  'presence_penalty',
  'frequency_penalty',
  'mirostat',
  'seed',
  'stop',
];
/** What they are called once they are read. */
const OTHER_NAMES = { max_tokens: 'options.num_predict', repetition_penalty: 'options.repeat_penalty' };

export type Translated = {
  readonly body: Record<string, unknown>;
  /** By OpenAI's name, Ollama's; see answers/translated.ts. */
  readonly names: Readonly<Record<string, string>>;
  /** What says nothing about the answer, under Ollama's names. */
  readonly ignored: readonly string[];
};

/** @returns fields of an OpenAI body for `options`, `format`, `think`, `stream` and what is called alike. @throws BAD_INPUT, UNSUPPORTED_PARAMETER */
export function translated(body: Readonly<Record<string, unknown>>): Translated {
  const { options, format, think, stream, keep_alive: keepAlive, ...others } = body;
  const rest = without(others, UNTOLD);
  // An answer in lines has no place for a second one.
  if (!isNothing(rest['n']) && rest['n'] !== 1) throw unsupported('n');
  const given = optionsOf(options);
  const ignored = new Ignored();
  ignored.addUnknown(given, OPTIONS, 'options.');
  if (!isNothing(keepAlive)) ignored.add('keep_alive');
  for (const name of UNTOLD) if (!isNothing(others[name])) ignored.add(name);
  const own = Object.fromEntries(Object.entries(given).filter(([name]) => OPTIONS.includes(name)));
  // A negative seed asks for a new one each time, as no seed does.
  if (typeof own['seed'] === 'number' && own['seed'] < 0) delete own['seed'];
  // Here 0 asks for no limit.
  if (own['num_predict'] === 0) delete own['num_predict'];
  const names = Object.fromEntries(OPTIONS.map((name) => [name, `options.${name}`]));
  return {
    body: { ...rest, ...own, ...formatOf(format), ...thinkOf(think), stream: stream !== false },
    names: { ...names, ...OTHER_NAMES, ...FORMAT_NAMES, chat_template_kwargs: 'think' },
    ignored: ignored.names,
  };
}

/** Answers have no place for them. */
const UNTOLD = ['logprobs', 'top_logprobs'];

function without(
  fields: Readonly<Record<string, unknown>>,
  names: readonly string[],
): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name)));
}

function optionsOf(options: unknown): Record<string, unknown> {
  if (isNothing(options)) return {};
  if (isRecord(options)) return options;
  throw bad('options must be an object', 'options');
}

const FORMAT_NAMES = {
  response_format: 'format',
  'response_format.json_schema': 'format',
  'response_format.json_schema.schema': 'format',
};

/** "json", or a schema. @throws BAD_INPUT */
function formatOf(format: unknown): Record<string, unknown> {
  if (isNothing(format) || format === '') return {};
  if (format === 'json') return { response_format: { type: 'json_object' } };
  if (isRecord(format))
    return { response_format: { type: 'json_schema', json_schema: { name: 'format', schema: format } } };
  throw bad('format must be "json" or a JSON schema', 'format');
}

/** true, false, or how much. */
function thinkOf(think: unknown): Record<string, unknown> {
  if (isNothing(think)) return {};
  if (typeof think === 'string') return { enable_thinking: true, reasoning_effort: think };
  if (typeof think === 'boolean') return { enable_thinking: think };
  throw bad('think must be true, false, or one of "low", "medium" and "high"', 'think');
}
