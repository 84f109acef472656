/**
 * POST /v1/embeddings: what its bodies mean, and how embeddings are told.
 */
import { z } from 'zod';
import { POOLINGS } from '../../core/request.js';
import { MAX_EMBED_INPUTS } from '../../engine/embedding/embed-request.js';
import { requestSchema } from '../../engine/options/request.js';
import type { EmbeddingDialect, ParsedEmbedding } from '../answers/embedding-dialect.js';
import { Ignored } from '../parameters/read.js';
import type { RefusedParameters } from '../parameters/refused.js';
import { isOnePrompt, readCutForm, readPromptForm } from '../prompts/prompt-forms.js';
import { bad } from '../requests/refusal.js';
import type { ServedEngine } from '../requests/settings.js';
import { parseParameters } from './parameters.js';

const ENCODINGS = ['float', 'base64'] as const;

const embeddingSchema = z.strictObject({
  input: z.unknown().optional(),
  /** Looked at only by a server that is strict about it. */
  model: z.string().optional(),
  dimensions: z.number().int().min(1).optional(),
  encoding_format: z.enum(ENCODINGS).optional(),
  priority: requestSchema.shape.priority.unwrap().optional(),
  /** Beyond OpenAI: how rows become one, and whether it has the length 1; as the model says unless given. */
  pooling: z.enum(POOLINGS).optional(),
  normalize: z.boolean().optional(),
  /** Goes into the log. */
  user: z.string().max(256).optional(),
});

/** What would make another embedding, and is not done; see parameters/refused.ts. */
const REFUSED_HERE: RefusedParameters = {
  truncate_prompt_tokens: (value) => value === -1,
  truncate: (value) => value === false,
  prompt_name: () => false,
  instruction: (value) => value === '',
  add_special_tokens: (value) => value === true,
};

type ParsedHere = ParsedEmbedding & { readonly encoding: (typeof ENCODINGS)[number] };

export const EMBEDDINGS: EmbeddingDialect<ParsedHere> = {
  idPrefix: 'embd-',
  parse: async (body, engine, signal) => {
    const ignored = new Ignored();
    const known = Object.keys(embeddingSchema.shape);
    const given = parseParameters(embeddingSchema, known, body, ignored, REFUSED_HERE);
    const { model, encoding_format: encoding = 'float', dimensions, pooling, normalize, priority } = given;
    return {
      ...{ model, encoding, dimensions, pooling, normalize, priority },
      inputs: await readInputs(given.input, 'input', engine, signal),
      ignored: ignored.names,
    };
  },
  document: ({ encoding }, { embeddings, promptTokens }, { model }) => ({
    object: 'list',
    data: embeddings.map((embedding, index) => ({
      object: 'embedding',
      index,
      embedding: encoding === 'base64' ? base64(embedding) : [...embedding],
    })),
    model: model.name,
    usage: { prompt_tokens: promptTokens, total_tokens: promptTokens },
  }),
};

/**
 * A text, several texts, token ids, or several lists of token ids.
 * @param isCut what is longer than the context is cut at its end. @throws as readPromptForm
 */
export async function readInputs(
  input: unknown,
  place: string,
  engine: ServedEngine,
  signal: AbortSignal,
  isCut = false,
): Promise<Int32Array[]> {
  const read = isCut ? readCutForm : readPromptForm;
  if (!Array.isArray(input) || isOnePrompt(input)) return [await read(input, place, engine, signal)];
  if (input.length === 0 || input.length > MAX_EMBED_INPUTS) {
    const message = `${place} lists ${input.length} inputs; send 1 to ${MAX_EMBED_INPUTS}`;
    throw bad(message, place);
  }
  const ids: Int32Array[] = [];
  // One after the other: together they are one request, which shall not take the turns of many.
  for (const [index, one] of input.entries()) ids.push(await read(one, `${place}.${index}`, engine, signal));
  return ids;
}

/** f32, little-endian, as the clients of this API unpack it. */
function base64(embedding: Float32Array): string {
  const bytes = Buffer.alloc(embedding.length * Float32Array.BYTES_PER_ELEMENT);
  embedding.forEach((value, at) => bytes.writeFloatLE(value, at * Float32Array.BYTES_PER_ELEMENT));
  return bytes.toString('base64');
}
