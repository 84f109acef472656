/**
 * POST /api/embed, and the older /api/embeddings for one text.
 */
import { z } from 'zod';
import type { EmbeddingDialect, ParsedEmbedding } from '../answers/embedding-dialect.js';
import { readInputs } from '../openai/embeddings.js';
import { Ignored, isNothing } from '../parameters/read.js';
import { bad } from '../requests/refusal.js';
import type { ServedEngine } from '../requests/settings.js';
import { isRecord } from '../tools/json/json.js';
import { nanoseconds } from './answer-fields.js';

const embedSchema = z.object({
  model: z.string().optional(),
  input: z.unknown().optional(),
  prompt: z.string().optional(),
  /** Whether a text that is longer than the context is cut. */
  truncate: z.boolean().default(true),
  dimensions: z.number().int().min(1).optional(),
});
const KNOWN = Object.keys(embedSchema.shape);

type ParsedHere = ParsedEmbedding & { readonly askedModel: string | undefined };

export const OLLAMA_EMBED: EmbeddingDialect<ParsedHere> = {
  idPrefix: 'ollama-',
  parse: (body, engine, signal) => parse(body, 'input', engine, signal),
  document: ({ askedModel }, { embeddings, promptTokens, queueMs, totalMs }, { model }) => ({
    model: askedModel ?? model.name,
    embeddings: embeddings.map((embedding) => [...embedding]),
    total_duration: nanoseconds(totalMs),
    load_duration: nanoseconds(queueMs),
    prompt_eval_count: promptTokens,
  }),
};

/** Not brought to length 1, as its clients know it. */
export const OLLAMA_EMBEDDINGS: EmbeddingDialect<ParsedHere> = {
  idPrefix: 'ollama-',
  parse: async (body, engine, signal) => ({
    ...(await parse(body, 'prompt', engine, signal)),
    normalize: false,
  }),
  document: (_parsed, { embeddings }) => ({ embedding: [...(embeddings[0] ?? [])] }),
};

async function parse(
  body: unknown,
  field: 'input' | 'prompt',
  engine: ServedEngine,
  signal: AbortSignal,
): Promise<ParsedHere> {
  if (!isRecord(body)) throw bad('the body is not a JSON object; send one');
  const ignored = new Ignored();
  const given = embedSchema.safeParse(ignored.keepKnown(present(body), KNOWN, ''));
  if (!given.success) {
    const [issue] = given.error.issues;
    const param = issue?.path.join('.') ?? '';
    throw bad(`${param}: ${issue?.message ?? 'is not valid'}`, param);
  }
  const { model, truncate, dimensions, [field]: input } = given.data;
  return {
    ...{ model, askedModel: model, dimensions },
    inputs: await readInputs(input, field, engine, signal, truncate),
    ignored: ignored.names,
  };
}

/** null counts as absent. */
function present(body: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(body).filter(([, value]) => !isNothing(value)));
}
