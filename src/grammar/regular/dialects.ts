/**
 * Patterns in the spelling of other languages, as ECMAScript has them: what pydantic and its kin write into schemas. Pure.
 */
import { KvrError } from '../../core/errors.js';

/** What the tokens of a pattern are called elsewhere. */
const OTHER_NAMES: readonly (readonly [elsewhere: string, here: string])[] = [
  ['\\A', '^'],
  ['\\Z', '$'],
  ['\\z', '$'],
  ['(?P<', '(?<'],
];
const COUNT = /^\{(\d*)(,\d*)?\}/;
/** An escaped sign that needs no escape; flag u takes only some of them. */
const NEEDLESS = /^\\[-_'"@#%&,:;<=>`~! ]/;

/** @returns a pattern that RegExp takes with flag u. @throws BAD_INPUT for one that is none */
export function asEcmaScript(pattern: string): string {
  if (isPattern(pattern)) return pattern;
  const translated = translate(pattern);
  if (isPattern(translated)) return translated;
  throw new KvrError('BAD_INPUT', 'a pattern is not a regular expression; write one of ECMAScript');
}

function isPattern(pattern: string): boolean {
  try {
    new RegExp(pattern, 'u');
    return true;
  } catch {
    // What it is then is for the caller to say.
    return false;
  }
}

function translate(pattern: string): string {
  let [rest, text, isInClass] = [pattern, '', false];
  while (rest !== '') {
    const [taken, written] = nextToken(rest, isInClass);
    if (taken === '[') isInClass = true;
    if (taken === ']') isInClass = false;
    text += written;
    rest = rest.slice(taken.length);
  }
  return text;
}

function nextToken(rest: string, isInClass: boolean): readonly [taken: string, written: string] {
  const other = OTHER_NAMES.find(([name]) => rest.startsWith(name));
  if (other && !isInClass) return other;
  const count = isInClass ? null : COUNT.exec(rest);
  if (count && /\d/.test(count[0]))
    return [count[0], count[1] === '' ? count[0].replace('{', '{0') : count[0]];
  if (NEEDLESS.test(rest)) return [rest.slice(0, 2), isInClass && rest[1] === '-' ? '\\-' : rest.slice(1, 2)];
  if (rest.startsWith('\\')) return [rest.slice(0, 2), rest.slice(0, 2)];
  const [char = ''] = rest;
  // Flag u takes lone brackets only escaped.
  return [char, !isInClass && '{}]'.includes(char) ? `\\${char}` : char];
}
