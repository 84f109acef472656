/**
 * How a model marks what stands before and after the text that it is to fill in: special tokens of its tokenizer. Pure.
 */
import type { Tokenizer } from '../../tokenizer/index.js';

/** Ids of the marks, each before its part; `middle` is where the answer begins. */
export type FimMarks = {
  readonly prefix: number;
  readonly suffix: number;
  readonly middle: number;
  /** Before a repository's name, and before each file's name, where the model knows several files. */
  readonly repo?: number;
  readonly file?: number;
};

type Names = Readonly<Record<'prefix' | 'suffix' | 'middle', string>> &
  Readonly<Partial<Record<'repo' | 'file', string>>>;

/** Qwen and CodeGemma; StarCoder and Granite; Code Llama; DeepSeek; GLM. */
const KNOWN: readonly Names[] = [
  {
    prefix: '<|fim_prefix|>',
    suffix: '<|fim_suffix|>',
    middle: '<|fim_middle|>',
    repo: '<|repo_name|>',
    file: '<|file_sep|>',
  },
  {
    prefix: '<fim_prefix>',
    suffix: '<fim_suffix>',
    middle: '<fim_middle>',
    repo: '<repo_name>',
    file: '<file_sep>',
  },
  { prefix: '\u2581<PRE>', suffix: '\u2581<SUF>', middle: '\u2581<MID>' },
  { prefix: '<｜fim▁begin｜>', suffix: '<｜fim▁hole｜>', middle: '<｜fim▁end｜>' },
  { prefix: '<|code_prefix|>', suffix: '<|code_suffix|>', middle: '<|code_middle|>' },
];

/** @returns undefined for a model that was not made to fill in */
export function fimMarksOf(tokenizer: Tokenizer): FimMarks | undefined {
  for (const names of KNOWN) {
    const [prefix, suffix, middle] = [names.prefix, names.suffix, names.middle].map((name) =>
      idOf(name, tokenizer),
    );
    if (prefix === undefined || suffix === undefined || middle === undefined) continue;
    const repo = names.repo && idOf(names.repo, tokenizer);
    const file = names.file && idOf(names.file, tokenizer);
    return {
      ...{ prefix, suffix, middle },
      ...(typeof repo === 'number' && { repo }),
      ...(typeof file === 'number' && { file }),
    };
  }
  return undefined;
}

/** Written in a text, a special token becomes itself; other names become letters. */
function idOf(name: string, tokenizer: Tokenizer): number | undefined {
  return tokenizer.encode(name).find((id) => tokenizer.nameOf(id) === name);
}
