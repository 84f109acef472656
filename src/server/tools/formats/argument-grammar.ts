/**
 * The grammar of arguments that are not one JSON object: an element or a keyword for each.
 */
import type { Grammar } from '../../../grammar/grammar.js';
import { isRecord } from '../json/json.js';
import type { ToolFunction } from './tool-format.js';

/** Of a function without a list of its arguments. */
const MAX_ARGUMENTS = 32;

type Property = {
  readonly name: string;
  readonly schema: unknown;
  readonly isRequired: boolean;
  readonly json: Grammar;
};

/** In the schema's order; definitions go along, so that references lead somewhere. */
function propertiesOf({ parameters: schema, isLoose }: ToolFunction): Property[] | undefined {
  if (!isRecord(schema) || !isRecord(schema['properties'])) return undefined;
  const required = Array.isArray(schema['required']) ? (schema['required'] as unknown[]) : [];
  const { $defs, definitions } = schema;
  const shared = { ...($defs !== undefined && { $defs }), ...(definitions !== undefined && { definitions }) };
  return Object.entries(schema['properties']).map(([name, one]) => {
    const own = isRecord(one) ? { ...one, ...shared } : one;
    const json = { type: 'json' as const, schema: own, ...(isLoose === true && { isLoose }) };
    return { name, schema: own, isRequired: required.includes(name), json };
  });
}

/** @returns the elements of a call, one for each argument */
export function elementsGrammar(one: ToolFunction): Grammar[] {
  const properties = propertiesOf(one);
  if (!properties) {
    const name: Grammar = { type: 'free', without: ['>', '<', '\n'] };
    const any = sequence(text('<parameter='), name, text('>\n'), freeValue(), text('\n</parameter>\n'));
    return [{ type: 'repeat', part: any, min: 0, max: MAX_ARGUMENTS }];
  }
  return properties.map((property) => {
    const { name, isRequired } = property;
    const element = sequence(text(`<parameter=${name}>\n`), elementValue(property), text('\n</parameter>\n'));
    return isRequired ? element : { type: 'repeat', part: element, min: 0, max: 1 };
  });
}

function freeValue(): Grammar {
  return { type: 'free', without: ['</parameter>', '</function>'] };
}

/** A text stands as it is, without quotes. */
function elementValue({ schema, json }: Property): Grammar {
  if (!isRecord(schema) || schema['type'] !== 'string') return json;
  const { enum: values } = schema;
  const isChoice = Array.isArray(values) && values.every((one): one is string => typeof one === 'string');
  return isChoice ? { type: 'choice', options: values.map(text) } : freeValue();
}

/** @returns `a=1, b="x"`, values as JSON, which readers take beside Python's words */
export function pythonGrammar(one: ToolFunction): Grammar[] {
  const properties = propertiesOf(one);
  if (!properties) return [{ type: 'free', without: [')', '\n'] }];
  const [required, optional] = [true, false].map((wanted) =>
    properties.filter(({ isRequired }) => isRequired === wanted).map(keywordGrammar),
  ) as [Grammar[], Grammar[]];
  const later = (all: readonly Grammar[]): Grammar[] =>
    all.map((one) => ({ type: 'repeat', part: sequence(text(', '), one), min: 0, max: 1 }));
  if (required.length > 0)
    return [
      ...required.flatMap((each, index) => (index === 0 ? [each] : [text(', '), each])),
      ...later(optional),
    ];
  const options = optional.map((one, index) => sequence(one, ...later(optional.slice(index + 1))));
  return options.length === 0 ? [] : [{ type: 'repeat', part: { type: 'choice', options }, min: 0, max: 1 }];
}

function keywordGrammar({ name, json }: Property): Grammar {
  return sequence(text(`${name}=`), json);
}

const text = (value: string): Grammar => ({ type: 'text', text: value });
const sequence = (...parts: readonly Grammar[]): Grammar => ({ type: 'sequence', parts });
