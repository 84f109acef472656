/**
 * The ids a tokenizer puts around a text: usually BOS before, sometimes EOS after. Taken from what the
 * post-processor does, then from add_bos_token and add_eos_token, which win where they are given.
 * Pure. Called by tokenizer.ts.
 */
import { z } from 'zod';
import { KvrError } from '../core/errors.js';
import { MAX_VOCABULARY, partsOf } from './files/tokenizer-json.js';
import type { ComponentJson } from './files/tokenizer-json.js';

/** Parts of a template, and ids of each: those in use have three and one. */
const MAX_FRAME = 64;

export type TextFrame = { readonly before: readonly number[]; readonly after: readonly number[] };

/** True: present. False: absent. Undefined: as the post-processor has it. */
export type FrameFlags = { readonly addBos: boolean | undefined; readonly addEos: boolean | undefined };
const idSchema = z
  .int()
  .min(0)
  .max(MAX_VOCABULARY - 1);
const pairSchema = z.tuple([z.string(), idSchema]);
const templateSchema = z.object({
  single: z
    .array(
      z.union([
        z.object({ SpecialToken: z.object({ id: z.string() }) }),
        z.object({ Sequence: z.object({ id: z.string() }) }),
      ]),
    )
    .max(MAX_FRAME),
  special_tokens: z.record(z.string(), z.object({ ids: z.array(idSchema).max(MAX_FRAME) })),
});

export type FrameIds = { readonly bos: number | undefined; readonly eos: number | undefined };

/**
 * What a post-processor puts around one text. Those that only move offsets (ByteLevel) put nothing.
 * @throws Error for a post-processor that nobody knows, or that names a token without ids
 */
export function frameOf(postProcessor: ComponentJson | null): TextFrame {
  return partsOf(postProcessor, 'processors').reduce<TextFrame>(
    (inner, json) => {
      const { before, after } = edgesOf(json);
      return { before: [...before, ...inner.before], after: [...inner.after, ...after] };
    },
    { before: [], after: [] },
  );
}

function edgesOf(json: ComponentJson): TextFrame {
  switch (json.type) {
    case 'ByteLevel':
      return { before: [], after: [] };
    case 'TemplateProcessing':
      return templateEdges(json);
    case 'BertProcessing':
    case 'RobertaProcessing':
      return { before: [pairId(json['cls'])], after: [pairId(json['sep'])] };
    default:
      throw new Error(`the post-processor ${json.type.slice(0, 100)} is not known`);
  }
}

/** A template for one text is a list of special tokens with the text, "A", among them. */
function templateEdges(json: ComponentJson): TextFrame {
  const { single, special_tokens } = templateSchema.parse(json);
  const at = single.findIndex((item) => 'Sequence' in item);
  if (at < 0) throw new Error('the post-processor has no place for the text');
  const idsOf = (items: typeof single): number[] =>
    items.flatMap((item) => ('SpecialToken' in item ? idsNamed(item.SpecialToken.id, special_tokens) : []));
  return { before: idsOf(single.slice(0, at)), after: idsOf(single.slice(at + 1)) };
}

function idsNamed(name: string, tokens: Readonly<Record<string, { ids: number[] }>>): number[] {
  const token = Object.hasOwn(tokens, name) ? tokens[name] : undefined;
  if (token === undefined) throw new Error(`the post-processor names an unknown token ${name.slice(0, 100)}`);
  return token.ids;
}

function pairId(pair: unknown): number {
  return pairSchema.parse(pair)[1];
}

/** @throws BAD_CHECKPOINT where a flag asks for a token that the tokenizer lacks */
export function applyFlags(frame: TextFrame, flags: FrameFlags, ids: FrameIds): TextFrame {
  const before = withEdge(frame.before, flags.addBos, ids.bos, 'bos');
  const after = withEdge(frame.after, flags.addEos, ids.eos, 'eos');
  return { before, after };
}

function withEdge(
  edge: readonly number[],
  wanted: boolean | undefined,
  id: number | undefined,
  name: 'bos' | 'eos',
): readonly number[] {
  if (wanted === undefined) return edge;
  if (!wanted) return edge.filter((other) => other !== id);
  if (id === undefined) {
    throw new KvrError(
      'BAD_CHECKPOINT',
      `tokenizer_config.json sets add_${name}_token but names no ${name}_token in the vocabulary; add ${name}_token or clear the flag`,
    );
  }
  if (edge.includes(id)) return edge;
  return name === 'bos' ? [id, ...edge] : [...edge, id];
}

/** The ids in their frame; a text that brings its own BOS gets no second one. */
export function framed(frame: TextFrame, ids: readonly number[], bos: number | undefined): number[] {
  const doubled = bos !== undefined && frame.before.at(-1) === bos && ids[0] === bos;
  return [...frame.before, ...(doubled ? ids.slice(1) : ids), ...frame.after];
}
