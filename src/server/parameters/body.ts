/**
 * Bodies that are objects, and those of their fields that a schema knows. For every dialect.
 */
import type { z } from 'zod';
import { bad } from '../requests/refusal.js';
import { isRecord } from '../tools/json/json.js';

/** Without what is null, which counts as absent. @throws BAD_INPUT */
export function objectBody(body: unknown): Readonly<Record<string, unknown>> {
  if (isRecord(body)) return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null));
  throw bad('the body is not a JSON object; send one');
}

/** @throws BAD_INPUT with the field `param`, the first that does not fit */
export function checkedFields<T>(schema: z.ZodType<T>, fields: Readonly<Record<string, unknown>>): T {
  const parsed = schema.safeParse(fields);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const param = issue?.path.map(String).join('.') ?? '';
  throw bad(`${param}: ${issue?.message ?? 'is not valid'}`, param);
}
