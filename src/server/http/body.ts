/**
 * Reads the JSON body of a request from anybody: its bytes, encoding and depth are checked before it is parsed.
 */
import { KvrError } from '../../core/errors.js';
import type { BodyBudget } from './body-budget.js';
import type { HttpContext } from './context.js';
import { MAX_JSON_DEPTH } from '../requests/settings.js';

/** @throws BAD_MEDIA_TYPE, BODY_TOO_LARGE, BUSY, BAD_INPUT */
export async function readJson(c: HttpContext, maxBytes: number, budget: BodyBudget): Promise<unknown> {
  requireJson(c);
  const declared = Number(c.req.header('content-length') ?? 0);
  if (declared > maxBytes) throw tooLarge(maxBytes);
  return parseJson(decode(await readBytes(c, maxBytes, budget)));
}

/** Strict, since a page of another origin can send plain text to this server, but not JSON. */
function requireJson(c: HttpContext): void {
  const type = c.req.header('content-type') ?? '';
  const encoding = c.req.header('content-encoding') ?? 'identity';
  if (!/^application\/json\s*(;\s*charset="?utf-8"?\s*)?$/i.test(type)) {
    const given = type === '' ? 'missing' : `"${type.slice(0, 60)}"`;
    throw new KvrError('BAD_MEDIA_TYPE', `the content type is ${given}; send application/json`);
  }
  if (encoding.toLowerCase() !== 'identity') {
    const message = `the content encoding "${encoding.slice(0, 60)}" is not supported; send the body without compression`;
    throw new KvrError('BAD_MEDIA_TYPE', message);
  }
}

async function readBytes(c: HttpContext, maxBytes: number, budget: BodyBudget): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  try {
    const body = c.req.raw.body as AsyncIterable<Uint8Array> | null;
    for await (const part of body ?? []) {
      if (bytes + part.byteLength > maxBytes) throw tooLarge(maxBytes);
      budget.take(part.byteLength);
      bytes += part.byteLength;
      parts.push(part);
    }
    return Buffer.concat(parts);
  } catch (error) {
    if (error instanceof KvrError) throw error;
    throw new KvrError('BAD_INPUT', 'the body ended before its declared length; send it whole', {}, error);
  } finally {
    budget.give(bytes);
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new KvrError('BAD_INPUT', 'the body is not UTF-8; send JSON in UTF-8', {}, error);
  }
}

/** @throws BAD_INPUT */
function parseJson(text: string): unknown {
  requireFlat(text, 'the body');
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    // The parser's own words quote the text, which may be a prompt.
    const message = `the body of ${text.length} characters is not JSON; send one JSON object`;
    throw new KvrError('BAD_INPUT', message, {}, error);
  }
}

/** Before it is parsed and walked over. @param what it is, for the message. @throws BAD_INPUT */
export function requireFlat(text: string, what: string): void {
  if (depthOf(text) <= MAX_JSON_DEPTH) return;
  const message = `${what} is nested deeper than ${MAX_JSON_DEPTH} levels, the limit; send flatter JSON`;
  throw new KvrError('BAD_INPUT', message);
}

/** The deepest nesting of brackets outside of strings; stops counting once it is above the limit. */
function depthOf(text: string): number {
  let depth = 0;
  for (let at = 0; at < text.length && depth <= MAX_JSON_DEPTH; at++) {
    const char = text.charCodeAt(at);
    if (char === 0x22) at = endOfString(text, at);
    else if (char === 0x7b || char === 0x5b) depth++;
    else if (char === 0x7d || char === 0x5d) depth--;
  }
  return depth;
}

/** @returns where the string that begins at `start` ends: its closing quote, or the text's end */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === 0x5c) at++;
    else if (char === 0x22) return at;
  }
  return text.length;
}

function tooLarge(maxBytes: number): KvrError {
  return new KvrError('BODY_TOO_LARGE', `the body is larger than ${maxBytes} bytes, the limit; send less`);
}
