/**
 * Reads the JSON body of a request from anybody: its bytes, encoding, depth and values are checked before it is parsed.
 */
import { KvrError } from '../../core/errors.js';
import type { BodyBudget } from './body-budget.js';
import type { HttpContext } from './context.js';
import { JsonScan } from './json-scan.js';

/** @throws BAD_MEDIA_TYPE, BODY_TOO_LARGE, BUSY, BAD_INPUT */
export async function readJson(c: HttpContext, maxBytes: number, budget: BodyBudget): Promise<unknown> {
  requireJson(c);
  const declared = Number(c.req.header('content-length') ?? 0);
  if (declared > maxBytes) throw tooLarge(maxBytes);
  return parseJson(decode(await readBytes(c, maxBytes, budget)));
}

/**
 * A page of another origin can make a browser send plain text or a form to this server, but not JSON without being asked for leave:
 * so what a page sends has to be declared as JSON. Commands and programs, which forget it, are not held to that.
 */
function requireJson(c: HttpContext): void {
  const type = c.req.header('content-type') ?? '';
  if (!JSON_TYPE.test(type) && (isFromPage(c) || OTHER_CHARSET.test(type))) {
    const given = type === '' ? 'missing' : `"${type.slice(0, 60)}"`;
    throw new KvrError('BAD_MEDIA_TYPE', `the content type is ${given}; send application/json`);
  }
  const encoding = c.req.header('content-encoding') ?? 'identity';
  if (encoding.toLowerCase() !== 'identity') {
    const message = `the content encoding "${encoding.slice(0, 60)}" is not supported; send the body without compression`;
    throw new KvrError('BAD_MEDIA_TYPE', message);
  }
}

const JSON_TYPE = /^application\/json\s*(;\s*charset="?utf-8"?\s*)?$/i;
const OTHER_CHARSET = /;\s*charset="?(?!utf-?8"?\s*$)/i;

/** Browsers say so with every POST of a page; the second header is of those that leave out the first. */
function isFromPage(c: HttpContext): boolean {
  return c.req.header('origin') !== undefined || c.req.header('sec-fetch-site') !== undefined;
}

async function readBytes(c: HttpContext, maxBytes: number, budget: BodyBudget): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  const scan = new JsonScan('the body');
  try {
    const body = c.req.raw.body as AsyncIterable<Uint8Array> | null;
    for await (const part of body ?? []) {
      if (bytes + part.byteLength > maxBytes) throw tooLarge(maxBytes);
      budget.take(part.byteLength);
      bytes += part.byteLength;
      scan.push(part);
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
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    // The parser's own words quote the text, which may be a prompt.
    const message = `the body of ${text.length} characters is not JSON; send one JSON object`;
    throw new KvrError('BAD_INPUT', message, {}, error);
  }
}

function tooLarge(maxBytes: number): KvrError {
  return new KvrError('BODY_TOO_LARGE', `the body is larger than ${maxBytes} bytes, the limit; send less`);
}
