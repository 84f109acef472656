/**
 * After which tokens a model's answer ends. A GGUF file names one or two; others, which a generation_config.json names,
 * are told by their text, as every program that runs such files does.
 */
import type { Metadata } from '../header/metadata.js';
import { namedId, TOKEN_KIND, type Vocabulary } from './vocabulary.js';

/** End of text, of a turn, of a message. */
const NAMED = ['eos', 'eot', 'eom'];
const TEXTS = new Set([
  '<|eot_id|>',
  '<|eom_id|>',
  '<|im_end|>',
  '<|end|>',
  '<|return|>',
  '<|call|>',
  '<|endoftext|>',
  '<|end_of_text|>',
  '<end_of_turn>',
  '<|END_OF_TURN_TOKEN|>',
  '<|user|>',
  '<|observation|>',
  '</s>',
]);
/** In the format of gpt-oss this ends a message, after which the answer goes on. */
const MESSAGE_END = '<|end|>';
/** Tokens that begin a user's turn end an answer only where the model's makers say so: in GLM-4. */
const TURN_BEGINS = ['<|user|>', '<|observation|>'];

/** @throws BAD_CHECKPOINT where the metadata name a token that there is not */
export function endIds(metadata: Metadata, { tokens, kinds }: Vocabulary, architecture: string): number[] {
  const texts = new Set(TEXTS);
  if (tokens.includes('<|return|>')) texts.delete(MESSAGE_END);
  if (architecture !== 'glm4') TURN_BEGINS.forEach((text) => texts.delete(text));
  const named = NAMED.map((name) => namedId(metadata, name, tokens.length));
  const told = [...tokens.keys()].filter(
    (id) => kinds[id] === TOKEN_KIND.control && texts.has(tokens[id] ?? ''),
  );
  return [...new Set([...named.filter((id) => id !== undefined), ...told])].sort((a, b) => a - b);
}
