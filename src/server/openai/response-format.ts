/**
 * `response_format`, and what other servers call it: which schema or grammar the answer must follow. With `strict: false` what
 * can not be held of a schema is left out; else it is refused.
 */
import { z } from 'zod';
import { isGbnf } from '../../grammar/gbnf/gbnf.js';
import type { Grammar } from '../../grammar/grammar.js';
import { requireSmallJson } from '../http/json-scan.js';
import { type Ignored, isNothing } from '../parameters/read.js';
import { type AskedGrammar, bad, unsupported } from '../requests/refusal.js';
import { isRecord, parsedJson } from '../tools/json/json.js';

const PARAM = 'response_format';
const ANY_OBJECT: Grammar = { type: 'json', schema: { type: 'object' } };

/** A schema that is said in a parameter of its own, as vLLM and llama.cpp take it. */
export const formatShape = {
  response_format: z.unknown().optional(),
  json_schema: z.unknown().optional(),
  guided_json: z.unknown().optional(),
  guided_choice: z.unknown().optional(),
  structured_outputs: z.unknown().optional(),
  /** Not of JSON: a grammar of llama.cpp, a regular expression. */
  grammar: z.unknown().optional(),
  guided_grammar: z.unknown().optional(),
  guided_regex: z.unknown().optional(),
};

const FORMAT_KEYS = ['name', 'description', 'schema', 'strict'];
const formatSchema = z.object({
  schema: z
    .union([z.boolean(), z.custom<Record<string, unknown>>(isRecord, 'must be a JSON schema')])
    .optional(),
  strict: z.boolean().nullish(),
});

/** At most one of these may say something. @throws BAD_INPUT, UNSUPPORTED_PARAMETER with the field `param` */
export function readFormat(
  given: z.output<z.ZodObject<typeof formatShape>>,
  ignored: Ignored,
): AskedGrammar | undefined {
  const { response_format: format, structured_outputs: outputs } = given;
  const asked = [
    readResponseFormat(format, ignored),
    readSchema(given.json_schema, 'json_schema'),
    readSchema(given.guided_json, 'guided_json'),
    readTexts(given.guided_choice, 'guided_choice'),
    readGbnf(given.grammar, 'grammar'),
    readGbnf(given.guided_grammar, 'guided_grammar'),
    readRegex(given.guided_regex, 'guided_regex'),
    readStructured(outputs, ignored),
  ].flatMap((one) => one ?? []);
  const second = asked[1];
  if (second) throw bad(`${second.param} is given beside ${asked[0]?.param}; give one of them`, second.param);
  return asked[0];
}

/** vLLM's: { json }, { choice }, { regex }, { grammar } or { json_object: true }. */
function readStructured(given: unknown, ignored: Ignored): AskedGrammar | undefined {
  const param = 'structured_outputs';
  if (given === undefined) return undefined;
  if (!isRecord(given)) throw bad(`${param} must be an object`, param);
  if (!isNothing(given['structural_tag'])) throw unsupported(`${param}.structural_tag`);
  const known = ignored.keepKnown(given, ['json', 'choice', 'regex', 'grammar', 'json_object'], `${param}.`);
  if (known['json_object'] === true) return { grammar: ANY_OBJECT, param };
  return (
    readSchema(known['json'], `${param}.json`) ??
    readTexts(known['choice'], `${param}.choice`) ??
    readRegex(known['regex'], `${param}.regex`) ??
    readGbnf(known['grammar'], `${param}.grammar`)
  );
}

/** An empty one asks for nothing. */
function readGbnf(given: unknown, param: string): AskedGrammar | undefined {
  if (isNothing(given) || given === '') return undefined;
  if (typeof given !== 'string' || !isGbnf(given))
    throw bad(`${param} must be a grammar in GBNF, as 'root ::= "yes" | "no"'`, param);
  return { grammar: { type: 'gbnf', grammar: given }, param };
}

function readRegex(given: unknown, param: string): AskedGrammar | undefined {
  if (isNothing(given) || given === '') return undefined;
  if (typeof given !== 'string') throw bad(`${param} must be a regular expression`, param);
  return { grammar: { type: 'regex', pattern: given }, param };
}

/** One of these texts. */
function readTexts(given: unknown, param: string): AskedGrammar | undefined {
  if (isNothing(given)) return undefined;
  if (!Array.isArray(given) || !given.every((one): one is string => typeof one === 'string'))
    throw bad(`${param} must be a list of strings`, param);
  return { grammar: { type: 'choice', options: given.map((text) => ({ type: 'text', text })) }, param };
}

/** A schema, or its JSON as a text. */
function readSchema(given: unknown, param: string): AskedGrammar | undefined {
  if (isNothing(given)) return undefined;
  if (typeof given === 'string') requireSmallJson(given, param);
  const schema = typeof given === 'string' ? parsedJson(given) : given;
  if (!isRecord(schema) && typeof schema !== 'boolean') throw bad(`${param} must be a JSON schema`, param);
  return { grammar: { type: 'json', schema }, param };
}

/** @returns undefined where the answer is plain text. @throws BAD_INPUT, UNSUPPORTED_PARAMETER with the field `param` */
function readResponseFormat(given: unknown, ignored: Ignored): AskedGrammar | undefined {
  if (given === undefined) return undefined;
  if (!isRecord(given)) throw bad('response_format must be an object with a type', PARAM);
  ignored.addUnknown(given, ['type', 'schema', 'json_schema'], `${PARAM}.`);
  switch (given['type']) {
    case 'text':
      return undefined;
    case 'json_object':
      // llama.cpp takes a schema here too.
      return readSchema(given['schema'], `${PARAM}.schema`) ?? { grammar: ANY_OBJECT, param: PARAM };
    case 'json_schema':
      return given['json_schema'] === undefined && given['schema'] !== undefined
        ? readSchema(given['schema'], `${PARAM}.schema`)
        : readJsonSchema(given['json_schema'], ignored);
    default:
      throw bad('response_format.type must be text, json_object or json_schema', `${PARAM}.type`);
  }
}

function readJsonSchema(given: unknown, ignored: Ignored): AskedGrammar {
  const param = `${PARAM}.json_schema`;
  if (isRecord(given)) ignored.addUnknown(given, FORMAT_KEYS, `${param}.`);
  const parsed = formatSchema.safeParse(given);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const place = [param, ...(issue?.path ?? [])].map(String).join('.');
    throw bad(`${place}: ${issue?.message ?? 'is not valid'}`, place);
  }
  const schema = parsed.data.schema ?? { type: 'object' };
  const isLoose = parsed.data.strict === false;
  return { grammar: { type: 'json', schema, ...(isLoose && { isLoose }) }, param: `${param}.schema` };
}
