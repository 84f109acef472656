/**
 * The ids a tokenizer puts around a text: usually BOS before, sometimes EOS after. Taken from what the
 * post-processor does, then from add_bos_token and add_eos_token, which win where they are given.
 * Pure. Called by tokenizer.ts.
 */
import { KvrError } from '../core/errors.js';

export type TextFrame = { readonly before: readonly number[]; readonly after: readonly number[] };

/** True: present. False: absent. Undefined: as the post-processor has it. */
export type FrameFlags = { readonly addBos: boolean | undefined; readonly addEos: boolean | undefined };
export type FrameIds = { readonly bos: number | undefined; readonly eos: number | undefined };

/** What surrounds the ids `plain` in `framed`; everything counts as before where plain is empty. */
export function frameAround(plain: readonly number[], framed: readonly number[]): TextFrame {
  const extra = framed.length - plain.length;
  for (let start = 0; start <= extra && plain.length > 0; start += 1) {
    if (plain.every((id, index) => framed[start + index] === id)) {
      return { before: framed.slice(0, start), after: framed.slice(start + plain.length) };
    }
  }
  return { before: framed, after: [] };
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
