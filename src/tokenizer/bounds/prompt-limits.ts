/**
 * What making ids of a prompt may cost. The limits count work, not time, so that a prompt is refused at the same point
 * on every machine; errors of a limit carry the field `budget`, by which a caller with a larger one knows to try again.
 */
import { KvrError } from '../../core/errors.js';

export type TemplateLimits = {
  /** Expressions that a chat template may evaluate, and items that it may go over. */
  readonly steps: number;
  /** Characters that it may put together, those of intermediate texts included. */
  readonly chars: number;
};

/** A template that asks for more is broken or means harm: 4,096 messages in a long template take about 300,000 steps. */
export const TEMPLATE_LIMITS: TemplateLimits = { steps: 2_000_000, chars: 192 * 2 ** 20 };

/** @param what the limit counts */
export function templateTooCostly(limit: number, what: string): KvrError {
  const message = `the chat template needs more than ${limit} ${what} for these messages, the limit; send fewer or shorter messages`;
  return new KvrError('BAD_INPUT', message, { budget: 'template' });
}

/** @param least tokens that the prompt certainly has */
export function promptTooLong(least: number, maxTokens: number): KvrError {
  const message = `the prompt has at least ${least} tokens, but the model's context is ${maxTokens}; shorten the prompt`;
  return new KvrError('PROMPT_TOO_LONG', message, { contextTokens: maxTokens });
}
