import { expect, test } from 'vitest';
import { standInEngine } from '../../../test/support/live-server.js';
import { type KvrError } from '../../core/errors.js';
import { bad } from '../requests/refusal.js';
import type { Dialect } from './dialect.js';
import type { ParsedRequest } from './parsed-request.js';
import { parseTranslated } from './translated.js';

const NAMES = { stop: 'stop_sequences', messages: 'input', 'messages.2': 'input.5' };
const engine = standInEngine(async function* () {
  // Nobody asks.
});

async function told(parse: () => ParsedRequest): Promise<unknown> {
  const dialect = { parse: async () => parse() } as unknown as Dialect;
  try {
    const { ignored } = await parseTranslated(dialect, {}, NAMES, engine, new AbortController().signal);
    return ignored;
  } catch (error) {
    return [(error as KvrError).message, (error as KvrError).fields['param']];
  }
}
const refused = (message: string, param: string) =>
  told(() => {
    throw bad(message, param);
  });

test('a name as long as a body is not looked at piece by piece', async () => {
  const long = 'stop.'.repeat(100_000);
  let looks = 0;
  const names = new Proxy(NAMES, {
    getOwnPropertyDescriptor: (target, name) => {
      looks++;
      return Reflect.getOwnPropertyDescriptor(target, name);
    },
  });
  const dialect = { parse: async () => ({ ignored: [long] }) } as unknown as Dialect;
  await parseTranslated(dialect, {}, names, engine, new AbortController().signal);
  expect(looks).toBeLessThan(10);
});

test('errors and ignored fields have the names of the client', async () => {
  expect(await refused('stop: 17 stops, nonstop', 'stop')).toEqual([
    'stop_sequences: 17 stops, nonstop',
    'stop_sequences',
  ]);
  expect(await refused('messages.2.content must be text', 'messages.2.content')).toEqual([
    'input.5.content must be text',
    'input.5.content',
  ]);
  expect(await refused('messages.20 is wrong', 'messages.20')).toEqual(['input.20 is wrong', 'input.20']);
  expect(await refused('top_p is wrong', 'top_p')).toEqual(['top_p is wrong', 'top_p']);
  expect(await told(() => ({ ignored: ['messages.2.x', 'y'] }) as unknown as ParsedRequest)).toEqual([
    'input.5.x',
    'y',
  ]);
});
