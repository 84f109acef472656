/**
 * Requests that mean harm: known ones by name, then as many as are asked for, drawn by a seed. Pure.
 */
import { generatedCase } from './generated.js';
import { chat, CHAT_PATH, completion, type HostileCase, schemaCase } from './requests.js';

const many = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));
const members = (count: number): object => Object.fromEntries(many(count, (index) => [`p${index}`, true]));
const definition = { type: 'object', properties: members(4000) };
const MEGABYTES = 2 ** 20;

/** Each held or ended a server once, or could. */
export function knownCases(): HostileCase[] {
  return [
    schemaCase('references with the same beside', {
      $defs: { d: definition },
      anyOf: many(800, () => ({ $ref: '#/$defs/d', required: ['p1'] })),
    }),
    schemaCase('references with others beside', {
      $defs: { d: definition },
      anyOf: many(800, (index) => ({ $ref: '#/$defs/d', required: [`p${index}`] })),
    }),
    schemaCase('ambiguous pattern', { type: 'string', pattern: '^.*a.{1000}$' }),
    schemaCase('repeats of repeats', { type: 'string', pattern: '^((a{0,1000}){0,1000}){0,1000}$' }),
    schemaCase('options to compare', { oneOf: many(5000, (index) => ({ const: index })) }),
    schemaCase('bounds', { anyOf: many(3000, (index) => ({ type: 'number', minimum: index })) }),
    completion('a word of 7.9 MB', { prompt: 'a'.repeat(7.9 * MEGABYTES) }),
    completion('a text of 7.9 MB', { prompt: 'so it goes. '.repeat(650_000) }),
    chat('a message of 7.9 MB', { messages: [{ role: 'user', content: 'word '.repeat(1_600_000) }] }),
    chat('4,096 messages', {
      messages: many(4096, (index) => ({ role: 'user', content: `message ${index}` })),
    }),
    completion('two million ids', { prompt: many(2_000_000, () => 1) }),
    { name: 'lists in lists', path: CHAT_PATH, body: `[${'[],'.repeat(2_000_000)}1]` },
    { name: 'a million members', path: CHAT_PATH, body: JSON.stringify(members(600_000)) },
    { name: 'deep', path: CHAT_PATH, body: '['.repeat(4_000_000) },
  ];
}

/** The known ones, then drawn ones up to `count`. @param seed of what is drawn */
export function hostileCases(count: number, seed: number): HostileCase[] {
  const known = knownCases().slice(0, count);
  return [...known, ...many(count - known.length, (index) => generatedCase(seed + index))];
}
