/**
 * How messages are put together: a field of a request, beside its messages.
 */
import { z } from 'zod';
import type { TemplateArgs } from '../../tokenizer/index.js';

/** Fields of a template choice mean what ChatOptions says. */
export const templateSchema = z.strictObject({
  /** One of the model's templates by name, where it has several. */
  name: z.string().min(1).max(256).optional(),
  /** What the template reads beside the messages, as {"enable_thinking": false}. */
  args: z.custom<TemplateArgs>(isRecord, 'must be an object').optional(),
  addGenerationPrompt: z.boolean().optional(),
  continueFinalMessage: z.boolean().optional(),
});
export type TemplateChoice = z.output<typeof templateSchema>;

function isRecord(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
