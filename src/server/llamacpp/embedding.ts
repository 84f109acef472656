/**
 * POST /embedding: llama.cpp's own form of embeddings. That of OpenAI's is /v1/embeddings.
 */
import type { EmbeddingDialect } from '../answers/embedding-dialect.js';
import { readInputs } from '../openai/embeddings.js';
import { bad } from '../requests/refusal.js';
import { objectBody } from './parameters.js';

/** Of embd_normalize: none, and to length 1. */
const NORMALIZE: Readonly<Record<number, boolean>> = { [-1]: false, 2: true };

export const EMBEDDING: EmbeddingDialect = {
  idPrefix: 'llama-',
  parse: async (body, engine, signal) => {
    const { content, input = content, embd_normalize: norm = 2 } = objectBody(body);
    const normalize = typeof norm === 'number' ? NORMALIZE[norm] : undefined;
    if (normalize === undefined)
      throw bad('embd_normalize must be 2, to length 1, or -1, not at all', 'embd_normalize');
    return { model: undefined, normalize, inputs: await readInputs(input, 'content', engine, signal) };
  },
  document: (_parsed, { embeddings }) =>
    embeddings.map((embedding, index) => ({ index, embedding: [[...embedding]] })),
};
