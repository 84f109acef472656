/**
 * What the model that is served can do, in the words that other servers use: by its tokenizer and its chat template.
 */
import type { LoadedModel } from '../../engine/engine.js';
import { reasoningUseOf } from '../reasoning/reasoning-format.js';
import { formatOf } from '../tools/tool-formats.js';
import { fimMarksOf } from '../prompts/fim-marks.js';

export type Capability = 'completion' | 'chat' | 'tools' | 'thinking' | 'insert' | 'embedding';

export function capabilitiesOf({ tokenizer, embeddingRecipe }: LoadedModel): Capability[] {
  const { hasChatTemplate, toolTemplate } = tokenizer;
  const able: Readonly<Record<Capability, boolean>> = {
    completion: true,
    chat: hasChatTemplate,
    tools: formatOf(toolTemplate ?? '') !== undefined,
    thinking: reasoningUseOf(tokenizer) !== undefined,
    insert: fimMarksOf(tokenizer) !== undefined,
    // Any decoder's rows can be pooled; those that say how were trained for it.
    embedding: embeddingRecipe?.kind === 'pooled',
  };
  return (Object.keys(able) as Capability[]).filter((name) => able[name]);
}
