import { Hono } from 'hono';
import { expect, test } from 'vitest';
import { asKvrError, type KvrErrorCode } from '../../core/errors.js';
import { MAX_JSON_DEPTH } from '../requests/settings.js';
import { BodyBudget } from './body-budget.js';
import { readJson } from './body.js';
import type { HttpEnv } from './context.js';

const MAX_BYTES = 200;
const JSON_TYPE = { 'content-type': 'application/json' };

/** @returns what was read, or the code of the error */
async function read(
  body: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>,
  headers: Record<string, string> = JSON_TYPE,
  budget = new BodyBudget(1000),
): Promise<unknown> {
  let result: unknown;
  const app = new Hono<HttpEnv>().post('/', async (c) => {
    result = await readJson(c, MAX_BYTES, budget).catch((error: unknown) => asKvrError(error).code);
    return c.text('');
  });
  await app.request('/', { method: 'POST', body, headers, duplex: 'half' });
  return result;
}

/** In two pieces, without a declared length. */
const streamed = (text: string): ReadableStream<Uint8Array> =>
  new ReadableStream({
    start(controller) {
      const bytes = new TextEncoder().encode(text);
      controller.enqueue(bytes.slice(0, bytes.length / 2));
      controller.enqueue(bytes.slice(bytes.length / 2));
      controller.close();
    },
  });

test('JSON is read whole or in pieces', async () => {
  expect(await read('{"a":"ü"}')).toEqual({ a: 'ü' });
  expect(await read(streamed('{"a":"ü"}'))).toEqual({ a: 'ü' });
});

/** What commands and programs send that do not think of it. */
const TEXT = { 'content-type': 'text/plain;charset=UTF-8' };

test.each([TEXT, { 'content-type': 'application/x-www-form-urlencoded' }, { 'content-type': '' }, {}])(
  'JSON that a program calls something else is read: %j',
  async (headers) => {
    expect(await read('{"a":1}', headers)).toEqual({ a: 1 });
  },
);

test.each<
  [
    what: string,
    body: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>,
    headers: Record<string, string>,
    code: KvrErrorCode,
  ]
>([
  ['another type from a page', '{}', { ...TEXT, origin: 'https://example.org' }, 'BAD_MEDIA_TYPE'],
  ['another type from a page without a name', '{}', { ...TEXT, origin: 'null' }, 'BAD_MEDIA_TYPE'],
  ['another type from a browser', '{}', { ...TEXT, 'sec-fetch-site': 'cross-site' }, 'BAD_MEDIA_TYPE'],
  ['another character set of text', '{}', { 'content-type': 'text/plain; charset=latin1' }, 'BAD_MEDIA_TYPE'],
  ['another character set', '{}', { 'content-type': 'application/json; charset=latin1' }, 'BAD_MEDIA_TYPE'],
  ['compression', '{}', { ...JSON_TYPE, 'content-encoding': 'gzip' }, 'BAD_MEDIA_TYPE'],
  ['a declared length above the limit', '{}', { ...JSON_TYPE, 'content-length': '201' }, 'BODY_TOO_LARGE'],
  ['more bytes than the limit', streamed(' '.repeat(MAX_BYTES + 1)), JSON_TYPE, 'BODY_TOO_LARGE'],
  ['bytes that are not UTF-8', Uint8Array.of(0x22, 0xff, 0x22), JSON_TYPE, 'BAD_INPUT'],
  ['text that is not JSON', '{', JSON_TYPE, 'BAD_INPUT'],
  ['nesting above the limit', '['.repeat(MAX_JSON_DEPTH + 1), JSON_TYPE, 'BAD_INPUT'],
])('%s is refused', async (_what, body, headers, code) => {
  expect(await read(body, headers)).toBe(code);
});

test('brackets inside of strings do not nest', async () => {
  const text = `${'['.repeat(MAX_JSON_DEPTH + 1)}\\"]`;
  expect(await read(`["${text}"]`)).toEqual([text.replace('\\', '')]);
});

test('bytes of all bodies are bounded, and given back when a body has been read or refused', async () => {
  const budget = new BodyBudget(10);
  expect(await read('"12345678"', JSON_TYPE, budget)).toBe('12345678');
  expect(await read('"123456789"', JSON_TYPE, budget)).toBe('BUSY');
  expect(await read('"12345678"', JSON_TYPE, budget)).toBe('12345678');
  budget.take(1);
  expect(await read('"12345678"', JSON_TYPE, budget)).toBe('BUSY');
});
