/**
 * Numbers that people type. Strict: the whole text is a number inside the bounds, or an error that says what to type.
 * The bounds are those of the schema that the engine checks with, so that the two can not differ.
 */
import { z } from 'zod';
import { KvrError } from '../../core/errors.js';
import { shown } from '../../core/quantities.js';

export { shown };

const boundsSchema = z.object({
  type: z.enum(['integer', 'number']),
  minimum: z.number().optional(),
  exclusiveMinimum: z.number().optional(),
  maximum: z.number(),
});
type Bounds = z.infer<typeof boundsSchema>;

const WHOLE = /^[+-]?\d+$/;
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** @param flag as it was typed, for the message. @throws BAD_INPUT */
export function parseNumber(flag: string, text: string, schema: z.ZodType): number {
  const bounds = boundsOf(schema);
  const pattern = bounds.type === 'integer' ? WHOLE : DECIMAL;
  const value = pattern.test(text) ? Number(text) : Number.NaN;
  if (isInside(value, bounds)) return value;
  const fault = Number.isNaN(value) ? `is not ${kindOf(bounds)}` : 'is out of range';
  throw new KvrError('BAD_INPUT', `${flag} ${shown(text)} ${fault}; give ${describe(bounds)}`, { flag });
}

/** 'a whole number from 1 to 64'. */
export function describeBounds(schema: z.ZodType): string {
  return describe(boundsOf(schema));
}

function boundsOf(schema: z.ZodType): Bounds {
  return boundsSchema.parse(z.toJSONSchema(schema, { io: 'input' }));
}

function isInside(value: number, { minimum, exclusiveMinimum, maximum }: Bounds): boolean {
  return value >= (minimum ?? -Infinity) && value > (exclusiveMinimum ?? -Infinity) && value <= maximum;
}

function kindOf({ type }: Bounds): string {
  return type === 'integer' ? 'a whole number' : 'a number';
}

function describe(bounds: Bounds): string {
  const least = bounds.minimum === undefined ? `above ${bounds.exclusiveMinimum}` : `from ${bounds.minimum}`;
  return `${kindOf(bounds)} ${least} to ${bounds.maximum}`;
}
