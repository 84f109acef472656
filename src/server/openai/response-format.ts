/**
 * `response_format` of a chat: which schema the answer must follow. Every answer follows its schema, whether `strict` is set or not.
 */
import { z } from 'zod';
import { type AskedGrammar, bad, unsupported } from '../requests/refusal.js';
import { isRecord } from '../tools/json.js';

const PARAM = 'response_format';

const formatSchema = z.strictObject({
  name: z.string().regex(/^[\w-]{1,64}$/, 'must be of 1 to 64 letters, digits, _ and -'),
  description: z.string().optional(),
  schema: z
    .union([z.boolean(), z.custom<Record<string, unknown>>(isRecord, 'must be a JSON schema')])
    .optional(),
  strict: z.boolean().nullish(),
});

/** @returns undefined where the answer is plain text. @throws BAD_INPUT, UNSUPPORTED_PARAMETER with the field `param` */
export function readResponseFormat(given: unknown): AskedGrammar | undefined {
  if (given === undefined) return undefined;
  if (!isRecord(given)) throw bad('response_format must be an object with a type', PARAM);
  switch (given['type']) {
    case 'text':
      return undefined;
    case 'json_object':
      requireOnly(given, ['type']);
      return { grammar: { type: 'json', schema: { type: 'object' } }, param: PARAM };
    case 'json_schema':
      requireOnly(given, ['type', 'json_schema']);
      return readJsonSchema(given['json_schema']);
    default:
      throw bad('response_format.type must be text, json_object or json_schema', `${PARAM}.type`);
  }
}

function requireOnly(given: Readonly<Record<string, unknown>>, known: readonly string[]): void {
  const unknown = Object.keys(given).find((key) => !known.includes(key));
  if (unknown !== undefined) throw unsupported(`${PARAM}.${unknown}`);
}

function readJsonSchema(given: unknown): AskedGrammar {
  const param = `${PARAM}.json_schema`;
  const parsed = formatSchema.safeParse(given);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const place = [param, ...(issue?.path ?? [])].map(String).join('.');
    throw bad(`${place}: ${issue?.message ?? 'is not valid'}`, place);
  }
  const schema = parsed.data.schema ?? { type: 'object' };
  return { grammar: { type: 'json', schema }, param: `${param}.schema` };
}
