/**
 * How a model marks its thinking, as its chat template shows it, and whether a prompt has opened the block already.
 */
import type { Tokenizer } from '../../tokenizer/index.js';
import { specialId } from '../tools/tool-formats.js';

export type ReasoningFormat = { readonly open: string; readonly close: string };
/** How the answers of one request mark it. */
export type ReasoningUse = {
  readonly format: ReasoningFormat;
  /** Marks that are special tokens, which would not show in the text. */
  readonly marks: ReadonlyMap<number, string>;
};

/** DeepSeek R1, Qwen3 and Granite; Mistral; Command. */
const FORMATS: readonly ReasoningFormat[] = [
  { open: '<think>', close: '</think>' },
  { open: '[THINK]', close: '[/THINK]' },
  { open: '<|START_THINKING|>', close: '<|END_THINKING|>' },
];
/** Enough for an opening mark that is many tokens, and a line end. */
const TAIL_TOKENS = 32;

/** @returns undefined where the template shows no known way to think */
export function reasoningUseOf(tokenizer: Tokenizer): ReasoningUse | undefined {
  const template = tokenizer.toolTemplate ?? '';
  const format = FORMATS.find(({ open, close }) => template.includes(open) || template.includes(close));
  if (!format) return undefined;
  const marks = [format.open, format.close].flatMap((mark): [number, string][] => {
    const id = specialId(mark, tokenizer);
    return id === undefined ? [] : [[id, mark]];
  });
  return { format, marks: new Map(marks) };
}

/** Some templates open the block themselves, so that the answer begins inside of it. @param ids of the prompt */
export function isOpenAtEnd({ open }: ReasoningFormat, ids: Int32Array, tokenizer: Tokenizer): boolean {
  const pieces = Array.from(ids.subarray(-TAIL_TOKENS), (id) => {
    const bytes = tokenizer.bytesOf(id);
    return bytes.length > 0 ? bytes : Buffer.from(tokenizer.nameOf(id) ?? '');
  });
  return Buffer.concat(pieces).toString().trimEnd().endsWith(open);
}
