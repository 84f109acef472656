/**
 * POST /embedding: llama.cpp's own form of embeddings. That of OpenAI's is /v1/embeddings.
 */
import type { EmbeddingDialect } from '../answers/embedding-dialect.js';
import { readInputs } from '../openai/embeddings.js';
import { objectBody } from '../parameters/body.js';
import { Ignored } from '../parameters/read.js';
import { bad } from '../requests/refusal.js';

/** Of embd_normalize: none, and to length 1. */
const NORMALIZE: Readonly<Record<number, boolean>> = { [-1]: false, 2: true };

const KNOWN = ['content', 'input', 'embd_normalize', 'model'];

export const EMBEDDING: EmbeddingDialect = {
  idPrefix: 'llama-',
  parse: async (body, engine, signal) => {
    const fields = objectBody(body);
    const { content, input = content, embd_normalize: norm = 2 } = fields;
    const ignored = new Ignored();
    ignored.addUnknown(fields, KNOWN, '');
    const normalize = typeof norm === 'number' ? NORMALIZE[norm] : undefined;
    if (normalize === undefined)
      throw bad('embd_normalize must be 2, to length 1, or -1, not at all', 'embd_normalize');
    const inputs = await readInputs(input, 'content', engine, signal);
    return { model: undefined, normalize, inputs, ignored: ignored.names };
  },
  document: (_parsed, { embeddings }) =>
    embeddings.map((embedding, index) => ({ index, embedding: [[...embedding]] })),
};
