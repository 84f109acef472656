/**
 * A limit of tokens for thinking, in the marks of the model.
 */
import type { ThinkingLimit } from '../../core/thinking-limit.js';
import type { Tokenizer } from '../../tokenizer/index.js';
import type { ReasoningUse } from './reasoning-format.js';

/** Where each message names its channel, the answer's first one is another message. */
const CHANNEL_OPEN = '<|channel|>analysis<|message|>';
const CHANNEL_CLOSE = '<|end|>';
const NEXT_MESSAGE = '<|start|>assistant';
const FINAL = '<|channel|>final<|message|>';
/** As models that mark it so begin their answers. */
const BEHIND: Readonly<Record<string, string>> = { '</think>': '\n\n' };

/**
 * @param isInside the prompt has opened the block
 * @param isFree the answer may be any text: its channel is named then, and else left to what it is held to
 */
export function thinkingLimit(
  { format }: ReasoningUse,
  tokens: number,
  {
    isInside,
    isFree,
    tokenizer,
  }: { readonly isInside: boolean; readonly isFree: boolean; readonly tokenizer: Tokenizer },
): ThinkingLimit {
  const idsOf = (text: string): number[] => tokenizer.encode(text, undefined, true);
  if (format.type === 'channels') {
    const end = `${CHANNEL_CLOSE}${NEXT_MESSAGE}${isFree ? FINAL : ''}`;
    return {
      ...{ tokens, isInside, open: CHANNEL_OPEN, close: CHANNEL_CLOSE },
      ...{ endIds: idsOf(end), mayReopen: true },
    };
  }
  const { open, close } = format;
  const endIds = idsOf(`${close}${BEHIND[close] ?? ''}`);
  return { tokens, isInside, open, close, endIds, mayReopen: false };
}
