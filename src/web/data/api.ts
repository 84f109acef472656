/**
 * Asking the server: every call carries the key if there is one, and every answer is a value or a failure with a
 * message for people. A 401 makes the page ask for a key.
 */
import type * as z from 'zod/mini';
import { errorBodySchema, type Failure, NO_ANSWER } from './failure.js';
import { apiKey, isKeyWanted } from './key.js';
import { parseJson } from './parse.js';

export type Answer<T> =
  { readonly isOk: true; readonly value: T } | { readonly isOk: false; readonly failure: Failure };

/** @returns the response where its status is 2xx */
export async function call(path: string, init: RequestInit = {}): Promise<Answer<Response>> {
  const headers = new Headers(init.headers);
  if (apiKey.value !== '') headers.set('Authorization', `Bearer ${apiKey.value}`);
  try {
    const response = await fetch(path, { ...init, headers, cache: 'no-store', credentials: 'omit' });
    if (response.ok) return { isOk: true, value: response };
    if (response.status === 401) isKeyWanted.value = true;
    return fail(response.status, messageOf(response, await response.text()));
  } catch (error) {
    // fetch rejects with TypeError and DOMException only: no answer came.
    return fail(NO_ANSWER, error instanceof DOMException ? 'stopped' : 'the server does not answer');
  }
}

export async function getJson<T>(
  path: string,
  schema: z.ZodMiniType<T>,
  signal?: AbortSignal,
): Promise<Answer<T>> {
  const answer = await call(path, signal ? { signal } : {});
  if (!answer.isOk) return answer;
  const body = await answer.value.text().catch(() => '');
  const value = parseJson(body, schema);
  return value === undefined
    ? fail(NO_ANSWER, `${path.replace(/\?.*/, '')} answered with something else than was expected`)
    : { isOk: true, value };
}

function fail(status: number, message: string): Answer<never> {
  return { isOk: false, failure: { status, message } };
}

function messageOf({ status }: Response, body: string): string {
  return parseJson(body, errorBodySchema)?.error.message ?? `the server answered with status ${status}`;
}
