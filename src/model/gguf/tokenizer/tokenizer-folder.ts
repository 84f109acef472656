/**
 * Writes a GGUF file's tokenizer as a HuggingFace folder has it, into the cache, where all that reads tokenizers finds it.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { publishSound } from '../../cache/publish-sound.js';
import type { OnDamage } from '../../cache/files/kept-json.js';
import type { Metadata } from '../header/metadata.js';
import { tokenizerJson, wordPattern } from './tokenizer-json.js';
import { namedId, TOKEN_KIND, type Vocabulary } from './vocabulary.js';

/** Raised whenever what is written changes. */
const TOKENIZER_VERSION = 1;

export type TokenizerFolderOptions = {
  readonly cacheFolder: string;
  /** Of the GGUF file. */
  readonly digest: string;
  readonly architecture: string;
  readonly signal?: AbortSignal;
  readonly onDamage?: OnDamage;
};

/** @returns the folder. @throws BAD_CHECKPOINT, UNSUPPORTED_MODEL, CACHE_UNWRITABLE, DISK_FULL, CANCELLED */
export function tokenizerFolder(
  metadata: Metadata,
  vocabulary: Vocabulary,
  { cacheFolder, digest, architecture, signal, onDamage }: TokenizerFolderOptions,
): Promise<string> {
  return publishSound({
    cacheFolder,
    key: `${digest.slice(0, 24)}-tokenizer-v${TOKENIZER_VERSION}`,
    build: (folder) => writeFiles(folder, metadata, vocabulary, architecture),
    ...(signal && { signal }),
    ...(onDamage && { onDamage }),
  });
}

async function writeFiles(
  folder: string,
  metadata: Metadata,
  vocabulary: Vocabulary,
  architecture: string,
): Promise<void> {
  const { tokenizer, config } = tokenizerFiles(metadata, vocabulary, architecture);
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer));
  await writeFile(join(folder, 'tokenizer_config.json'), JSON.stringify(config));
}

/** What tokenizer.json and tokenizer_config.json hold. @throws BAD_CHECKPOINT, UNSUPPORTED_MODEL */
export function tokenizerFiles(
  metadata: Metadata,
  vocabulary: Vocabulary,
  architecture: string,
): { tokenizer: object; config: object } {
  const addsSpace = metadata.boolean('tokenizer.ggml.add_space_prefix') ?? true;
  const stripsBehind = architecture === 'phi3' ? strippingTokens(vocabulary) : new Set<number>();
  return {
    tokenizer: tokenizerJson(vocabulary, { addsSpace, stripsBehind }),
    config: tokenizerConfig(metadata, vocabulary),
  };
}

/** Tokens of Phi-3 that leave white space behind them alone; all its other special tokens take it. No key says so. */
const PLAIN_IN_PHI3 = new Set(['<unk>', '<s>', '<|endoftext|>', '<|endofprompt|>']);

function strippingTokens({ tokens, kinds }: Vocabulary): Set<number> {
  const ids = [...tokens.keys()];
  return new Set(
    ids.filter((id) => kinds[id] === TOKEN_KIND.control && !PLAIN_IN_PHI3.has(tokens[id] ?? '')),
  );
}

const NAMES = { bos: 'bos_token', eos: 'eos_token', unknown: 'unk_token', padding: 'pad_token' } as const;

function tokenizerConfig(metadata: Metadata, vocabulary: Vocabulary): object {
  const { tokens, model } = vocabulary;
  const names: Record<string, string> = {};
  for (const [name, key] of Object.entries(NAMES)) {
    const token = tokens[namedId(metadata, name, tokens.length) ?? -1];
    if (token !== undefined) names[key] = token;
  }
  const addsBegin = model === 'llama' || wordPattern(vocabulary).addsBegin === true;
  return {
    ...names,
    add_bos_token: names['bos_token'] !== undefined && (flag(metadata, 'bos') ?? addsBegin),
    add_eos_token: names['eos_token'] !== undefined && (flag(metadata, 'eos') ?? false),
    ...chatTemplate(metadata),
  };
}

function flag(metadata: Metadata, name: 'bos' | 'eos'): boolean | undefined {
  return metadata.boolean(`tokenizer.ggml.add_${name}_token`);
}

/** One template, or several by name. */
function chatTemplate(metadata: Metadata): object {
  const usual = metadata.string('tokenizer.chat_template');
  const others = (metadata.strings('tokenizer.chat_templates') ?? []).flatMap((name) => {
    const template = metadata.string(`tokenizer.chat_template.${name}`);
    return template === undefined ? [] : [{ name, template }];
  });
  if (others.length === 0) return usual === undefined ? {} : { chat_template: usual };
  const all = usual === undefined ? others : [{ name: 'default', template: usual }, ...others];
  return { chat_template: all };
}
