/**
 * The parameters that say how a chat's messages become a prompt: which of the model's templates, and what it reads beside them.
 */
import { z } from 'zod';
import { KvrError } from '../../core/errors.js';
import type { TemplateChoice } from '../../engine/preparation/template-choice.js';
import { templateSchema } from '../../engine/preparation/template-choice.js';
import { checkTemplateArgs } from '../../tokenizer/index.js';
import type { TemplateArgs } from '../../tokenizer/index.js';
import { bad } from '../requests/refusal.js';

const ARGS = 'chat_template_kwargs';
const { name, addGenerationPrompt, continueFinalMessage } = templateSchema.shape;

export const templateShape = {
  /** A name, for models with several templates; templates themselves come with the model alone. */
  chat_template: name,
  chat_template_kwargs: z.unknown().optional(),
  add_generation_prompt: addGenerationPrompt,
  continue_final_message: continueFinalMessage,
};

/** @returns undefined where nothing is asked for. @throws BAD_INPUT with the field `param` */
export function readTemplate(given: z.output<z.ZodObject<typeof templateShape>>): TemplateChoice | undefined {
  const {
    chat_template: asked,
    chat_template_kwargs: args,
    add_generation_prompt: begins,
    continue_final_message: continues,
  } = given;
  if (begins && continues)
    throw bad(
      'add_generation_prompt and continue_final_message are both true; give one',
      'continue_final_message',
    );
  const choice = {
    ...(asked !== undefined && { name: asked }),
    ...(args !== undefined && { args: readArgs(args) }),
    ...(begins !== undefined && { addGenerationPrompt: begins }),
    ...(continues !== undefined && { continueFinalMessage: continues }),
  };
  return Object.keys(choice).length > 0 ? choice : undefined;
}

function readArgs(value: unknown): TemplateArgs {
  try {
    return checkTemplateArgs(value, ARGS);
  } catch (error) {
    throw error instanceof KvrError ? bad(error.message, ARGS) : error;
  }
}
