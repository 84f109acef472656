/**
 * How Python writes values where a template prints them: True, None, ['a'], {'b': 1.0}.
 */
import type { Budget } from './budget.js';
import { floatText, isFloat, toNumber } from './numbers.js';
import { Dict, Float, Func, Members, Range, Tuple, Undefined, type Value } from './value.js';

/** To write a value takes longer than to look at it. */
const STEPS_PER_VALUE = 8;

/** As `str(value)`; nothing for what is undefined. */
export function str(value: Value, budget: Budget): string {
  if (typeof value === 'string') return value;
  const text = repr(value, budget);
  budget.make(text.length);
  return text;
}

/** Every value costs, since a list may hold itself again and again. */
export function repr(value: Value, budget: Budget): string {
  budget.step(STEPS_PER_VALUE);
  const inner = (part: Value): string => repr(part, budget);
  if (typeof value === 'string') return quoted(value, budget);
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number' || value instanceof Float)
    return isFloat(value) ? floatText(toNumber(value)) : String(value);
  if (value instanceof Undefined) return '';
  if (value instanceof Tuple) return tuple(value.items.map(inner));
  if (value instanceof Dict)
    return `{${value
      .entries()
      .map(([key, one]) => `${inner(key)}: ${inner(one)}`)
      .join(', ')}}`;
  if (value instanceof Range)
    return `range(${[value.start, value.stop, ...(value.step === 1 ? [] : [value.step])].join(', ')})`;
  if (value instanceof Func) return `<function ${value.name}>`;
  if (value instanceof Members) return '<object>';
  return `[${value.map(inner).join(', ')}]`;
}

function tuple(parts: readonly string[]): string {
  return parts.length === 1 ? `(${parts.join()},)` : `(${parts.join(', ')})`;
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** In single quotes, unless the text has those and no double ones. */
function quoted(text: string, budget: Budget): string {
  budget.make(text.length);
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replace(/[\\\n\r\t]|\p{Cc}/gu, (character) => ESCAPES[character] ?? hex(character));
  return quote + (quote === "'" ? escaped.replaceAll("'", "\\'") : escaped) + quote;
}

function hex(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}
