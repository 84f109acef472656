/**
 * How Python writes values where a template prints them: True, None, ['a'], {'b': 1.0}. The library writes JSON. Pure.
 */
import type { TemplateValue } from '../files/hugging-face.js';

/** Of one list or object: a list that holds itself twice, thirty times over, would never be written. */
const MAX_VALUES = 200_000;

/** As `str(value)`; nothing for what is undefined. @throws Error for a list or object of too many values */
export function pythonText(value: TemplateValue): string {
  return value.type === 'StringValue' ? String(value.value) : written(value, { left: MAX_VALUES });
}

type Budget = { left: number };

/** As `repr(value)`. */
function written(value: TemplateValue, budget: Budget): string {
  budget.left -= 1;
  if (budget.left < 0) throw new Error(`it prints a list or object of more than ${MAX_VALUES} values`);
  const inner = (part: TemplateValue): string => written(part, budget);
  switch (value.type) {
    case 'UndefinedValue':
      return '';
    case 'NullValue':
      return 'None';
    case 'BooleanValue':
      return value.value === true ? 'True' : 'False';
    case 'StringValue':
      return quoted(String(value.value));
    case 'ArrayValue':
      return `[${items(value).map(inner).join(', ')}]`;
    case 'TupleValue':
      return tuple(items(value).map(inner));
    case 'ObjectValue':
      return `{${members(value)
        .map(([name, member]) => `${quoted(name)}: ${inner(member)}`)
        .join(', ')}}`;
    default:
      return value.toString();
  }
}

function items({ value }: TemplateValue): readonly TemplateValue[] {
  return value as TemplateValue[];
}

function members({ value }: TemplateValue): [string, TemplateValue][] {
  return [...(value as Map<string, TemplateValue>)];
}

function tuple(parts: readonly string[]): string {
  return parts.length === 1 ? `(${parts.join()},)` : `(${parts.join(', ')})`;
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** In single quotes, unless the text has those and no double ones. */
function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replace(/[\\\n\r\t]|\p{Cc}/gu, (character) => ESCAPES[character] ?? hex(character));
  return quote + (quote === "'" ? escaped.replaceAll("'", "\\'") : escaped) + quote;
}

function hex(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}
