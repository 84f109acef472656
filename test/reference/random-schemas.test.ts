/**
 * Whatever the schema, texts that its grammar leads to are valid as a validator that is not ours tells. `npm run bench -- schemas` does the
 * same for a thousand schemas, and tells times.
 */
import { expect, test } from 'vitest';
import { KvrError } from '../../src/core/errors.js';
import { seededRandom } from '../../src/core/random.js';
import type { Automaton } from '../../src/grammar/automaton.js';
import { compileGrammar } from '../../src/grammar/grammar.js';
import { randomSchema, randomText } from './random-schemas.js';
import { faultOf } from './schema-validator.js';

/** Every keyword comes several times; the thousand are for the bench. */
const SCHEMAS = 60;
const TEXTS = 2;

/** @returns undefined for one that is refused, as a schema that nothing satisfies is */
function compiled(schema: object): Automaton | undefined {
  try {
    return compileGrammar({ type: 'json', schema });
  } catch (error) {
    expect(error).toBeInstanceOf(KvrError);
    expect(error).toMatchObject({ code: 'BAD_INPUT' });
    return undefined;
  }
}

test('texts drawn under random schemas are valid', () => {
  const random = seededRandom(11);
  let whole = 0;
  let held = 0;
  for (let made = 0; made < SCHEMAS; made++) {
    const schema = randomSchema(random);
    const automaton = compiled(schema);
    if (!automaton) continue;
    held++;
    for (let drawn = 0; drawn < TEXTS; drawn++) {
      const text = randomText(automaton, random);
      if (text === undefined) continue;
      whole++;
      const fault = faultOf(schema, text);
      if (fault !== undefined) expect({ schema: JSON.stringify(schema), text, fault }).toBeUndefined();
    }
  }
  // Neither are most schemas refused, nor do most texts go on without end.
  expect(held).toBeGreaterThan(0.75 * SCHEMAS);
  expect(whole).toBeGreaterThan(0.6 * held * TEXTS);
});
