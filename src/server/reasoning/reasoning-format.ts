/**
 * How a model marks its thinking, as its chat template shows it, and whether a prompt has opened the block already.
 */
import type { Tokenizer } from '../../tokenizer/index.js';
import { specialMarks } from '../tools/formats/special-marks.js';
import { ChannelReader } from './channel-reader.js';
import { ReasoningReader, type ThoughtMarks } from './reasoning-reader.js';

export type ReasoningFormat =
  | ({ readonly type: 'marks' } & ThoughtMarks)
  /** Harmony: each message names its channel. */
  | { readonly type: 'channels' };
/** How the answers of one request mark it. */
export type ReasoningUse = {
  readonly format: ReasoningFormat;
  /** Marks that are special tokens, which would not show in the text. */
  readonly marks: ReadonlyMap<number, string>;
};

/** DeepSeek R1, Qwen3 and Granite; Mistral; Command; Seed. */
const MARKS: readonly ThoughtMarks[] = [
  { open: '<think>', close: '</think>' },
  { open: '[THINK]', close: '[/THINK]' },
  { open: '<|START_THINKING|>', close: '<|END_THINKING|>' },
  { open: '<seed:think>', close: '</seed:think>' },
];
const CHANNEL_MARKS = ['<|channel|>', '<|message|>', '<|start|>', '<|end|>', '<|constrain|>', '<|call|>'];
/** Enough for an opening mark that is many tokens, and a line end. */
const TAIL_TOKENS = 32;

/** @returns undefined where the template shows no known way to think */
export function reasoningUseOf(tokenizer: Tokenizer): ReasoningUse | undefined {
  const template = tokenizer.toolTemplate ?? '';
  if (template.includes('<|channel|>') && template.includes('analysis'))
    return { format: { type: 'channels' }, marks: specialMarks(CHANNEL_MARKS, tokenizer) };
  const found = MARKS.find(({ open, close }) => template.includes(open) || template.includes(close));
  if (!found) return undefined;
  return { format: { type: 'marks', ...found }, marks: specialMarks([found.open, found.close], tokenizer) };
}

/** @param isInside the prompt has opened the block */
export function thoughtReader(format: ReasoningFormat, isInside: boolean): ReasoningReader | ChannelReader {
  return format.type === 'channels' ? new ChannelReader() : new ReasoningReader(format, isInside);
}

/** Some templates open the block themselves, so that the answer begins inside of it. @param ids of the prompt */
export function isOpenAtEnd(format: ReasoningFormat, ids: Int32Array, tokenizer: Tokenizer): boolean {
  if (format.type === 'channels') return false;
  const pieces = Array.from(ids.subarray(-TAIL_TOKENS), (id) => {
    const bytes = tokenizer.bytesOf(id);
    return bytes.length > 0 ? bytes : Buffer.from(tokenizer.nameOf(id) ?? '');
  });
  return Buffer.concat(pieces).toString().trimEnd().endsWith(format.open);
}
