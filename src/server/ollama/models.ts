/**
 * What Ollama's clients ask about models: /api/tags, /api/ps, /api/show and /api/version. There is the one that is served.
 */
import type { HttpContext, ServerContext } from '../http/context.js';
import { type Capability, capabilitiesOf } from '../model/capabilities.js';
import { requireServed } from '../model/named-engine.js';
import { bad } from '../requests/refusal.js';
import { isRecord } from '../tools/json/json.js';

/** Of the API that is spoken here: clients look for a least one. */
const API_VERSION = '0.12.0';
/** When this process began to serve it: what a checkpoint's own age is, it does not say. */
const SINCE = new Date().toISOString();
/** It is never unloaded. */
const EXPIRES = '9999-12-31T23:59:59Z';
const BITS: Readonly<Record<string, number>> = { f32: 32, q8: 8, q4: 4, w8a8: 8 };
/** Ollama's words for what a model can do; all of them can chat that have a template. */
const WORDS: readonly Capability[] = ['completion', 'tools', 'thinking', 'insert', 'embedding'];

export function showVersion(c: HttpContext): Response {
  return c.json({ version: API_VERSION });
}

export function listTags(c: HttpContext, { engine }: ServerContext): Response {
  return c.json({ models: [{ ...summary(engine), modified_at: SINCE }] });
}

export function listRunning(c: HttpContext, { engine }: ServerContext): Response {
  const { size, ...rest } = summary(engine);
  const { contextTokens } = engine.model.shape;
  return c.json({
    models: [{ ...rest, size, size_vram: 0, expires_at: EXPIRES, context_length: contextTokens }],
  });
}

/** @throws BAD_INPUT, NOT_FOUND */
export async function showModel(body: unknown, { engine, settings }: ServerContext): Promise<unknown> {
  if (!isRecord(body)) throw bad('the body is not a JSON object; send one');
  const asked = body['model'] ?? body['name'];
  if (typeof asked !== 'string') throw bad('model must be a string', 'model');
  requireServed(asked, engine, settings);
  const { model } = engine;
  const able = capabilitiesOf(model);
  return {
    license: '',
    modelfile: '',
    parameters: '',
    template: model.tokenizer.toolTemplate ?? '',
    details: summary(engine).details,
    model_info: modelInfo(engine),
    capabilities: WORDS.filter((word) => able.includes(word)),
    modified_at: SINCE,
  };
}

function summary({ model, settings }: ServerContext['engine']) {
  const { name, digest, parameters, shape } = model;
  const bits = BITS[settings.dtype] ?? 32;
  return {
    name,
    model: name,
    size: Math.ceil((parameters * bits) / 8),
    digest,
    details: {
      parent_model: '',
      format: 'kv-runahead',
      family: shape.architecture,
      families: [shape.architecture],
      parameter_size: sizeWords(parameters),
      quantization_level: settings.dtype.toUpperCase(),
    },
  };
}

/** As in "7.2B" and "137M". */
function sizeWords(parameters: number): string {
  return parameters >= 1e9 ? `${(parameters / 1e9).toFixed(1)}B` : `${Math.ceil(parameters / 1e6)}M`;
}

function modelInfo({ model }: ServerContext['engine']) {
  const { shape, parameters } = model;
  const own = shape.architecture;
  return {
    'general.architecture': own,
    'general.parameter_count': parameters,
    [`${own}.context_length`]: shape.contextTokens,
    [`${own}.embedding_length`]: shape.hidden,
    [`${own}.block_count`]: shape.layers,
    [`${own}.feed_forward_length`]: shape.feedForward,
    [`${own}.attention.head_count`]: shape.heads,
    [`${own}.attention.head_count_kv`]: shape.kvHeads,
    [`${own}.vocab_size`]: shape.vocabulary,
  };
}
