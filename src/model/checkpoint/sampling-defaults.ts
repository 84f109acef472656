/**
 * How a checkpoint wants its answers drawn, by its generation_config.json. A value that is out of bounds says nothing: what is used
 * is told when the model is loaded.
 */
import { z } from 'zod';
import { type SamplingDefaults, samplingSchema } from '../../core/sampling.js';

const { temperature, topP, topK, minP, repetitionPenalty } = samplingSchema.shape;
const schema = z.object({
  do_sample: z.boolean().optional().catch(undefined),
  temperature: temperature.unwrap().optional().catch(undefined),
  top_p: topP.unwrap().optional().catch(undefined),
  top_k: topK.unwrap().optional().catch(undefined),
  min_p: minP.unwrap().optional().catch(undefined),
  repetition_penalty: repetitionPenalty.unwrap().optional().catch(undefined),
});

/** @param json of the file; undefined where there is none. @returns undefined where it says nothing */
export function readSamplingDefaults(json: unknown): SamplingDefaults | undefined {
  const parsed = schema.safeParse(json);
  if (!parsed.success) return undefined;
  const { do_sample: isDrawn, repetition_penalty: penalty, ...drawing } = parsed.data;
  const { top_p: topP, top_k: topK, min_p: minP, temperature } = drawing;
  // A file that asks for the likeliest token leaves numbers in that say nothing then.
  const drawn = isDrawn === false ? { temperature: 0 } : { temperature, topP, topK, minP };
  const said = Object.entries({ ...drawn, repetitionPenalty: penalty }).filter(
    ([, value]) => value !== undefined,
  );
  return said.length > 0 ? Object.fromEntries(said) : undefined;
}

const lengthSchema = z.object({ max_new_tokens: z.number().int().min(1) });

/** How long an answer may get where nothing else is asked for. @param json as above. @returns undefined where it says nothing */
export function readMaxNewTokens(json: unknown): number | undefined {
  return lengthSchema.safeParse(json).data?.max_new_tokens;
}
