/**
 * Tokenizers as GGUF files have them, made here of a model's own tokenizer.json by the rules of the programs that write such
 * files: read back, they give the ids that the model's own tokenizer gives.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { closeParts, openParts } from '../src/model/gguf/split-files.js';
import { tokenizerFiles } from '../src/model/gguf/tokenizer/tokenizer-folder.js';
import { readVocabulary } from '../src/model/gguf/tokenizer/vocabulary.js';
import { loadTokenizer, type Tokenizer } from '../src/tokenizer/index.js';
import { type GgufValue, writeGguf } from './support/gguf-writer.js';

const FOLDER = fileURLToPath(new URL('../../shared/models/families', import.meta.url));
const isHere = existsSync(FOLDER);

/** Folder → architecture and what tokenizer.ggml.pre says of such a model; nothing where it is SentencePiece. */
const MODELS: Readonly<Record<string, readonly [architecture: string, pre?: string]>> = {
  mistral: ['llama'],
  gemma2: ['gemma2'],
  gemma3_text: ['gemma3'],
  phi2: ['phi2', 'gpt-2'],
  'phi4-mini': ['phi3', 'gpt-4o'],
  gpt_oss: ['gpt-oss', 'gpt-4o'],
  cohere: ['command-r', 'command-r'],
  granite: ['granite', 'refact'],
  olmo2: ['olmo2', 'dbrx'],
  'smollm3-interval': ['smollm3', 'smaug-bpe'],
  qwen2: ['qwen2', 'qwen2'],
  qwen3: ['qwen3', 'qwen2'],
};

type TokenizerJson = {
  readonly added_tokens: readonly {
    readonly id: number;
    readonly content: string;
    readonly special: boolean;
  }[];
  readonly model: {
    readonly vocab: Readonly<Record<string, number>>;
    readonly merges: readonly (string | readonly [string, string])[];
    readonly unk_token: string | null;
  };
  readonly normalizer: {
    readonly type: string;
    readonly normalizers?: readonly { readonly type: string }[];
  } | null;
};
type ConfigJson = Readonly<Record<string, unknown>>;
type Reference = {
  readonly tokenizer: readonly { readonly text: string; readonly ids: number[]; readonly decoded: string }[];
};

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kvr-gguf-tokenizers-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const jsonOf = <T>(name: string, file: string): T =>
  JSON.parse(readFileSync(join(FOLDER, name, file), 'utf8')) as T;

describe.skipIf(!isHere)(`of${isHere ? '' : ' (skipped: the models are not part of the repository)'}`, () => {
  test.each(Object.keys(MODELS))('%s', async (name) => {
    const read = await readBack(name);
    const own = await loadTokenizer(join(FOLDER, name));
    const { tokenizer } = jsonOf<Reference>(name, 'reference.json');
    expect(tokenizer.length).toBeGreaterThan(0);
    for (const { text, ids, decoded } of tokenizer) {
      expect([text, read.encode(text)]).toEqual([text, ids]);
      expect([text, read.decode(ids)]).toEqual([text, decoded]);
    }
    const messages = [{ role: 'user' as const, content: 'Hello there' }];
    if (own.hasChatTemplate) expect(read.applyChat(messages)).toEqual(own.applyChat(messages));
  });
});

async function readBack(name: string): Promise<Tokenizer> {
  const [architecture, pre] = MODELS[name] as [string, string?];
  const config = jsonOf<ConfigJson>(name, 'tokenizer_config.json');
  const keys = keysOf(jsonOf<TokenizerJson>(name, 'tokenizer.json'), config, pre);
  const path = join(folder, `${name}.gguf`);
  const tensors = [{ name: 'token_embd.weight', shape: [4], data: new Float32Array(4) }];
  writeGguf(path, { keys, tensors });
  const files = await openParts(path);
  const metadata = files[0]?.metadata;
  if (!metadata) throw new Error('there is a part');
  const vocabulary = readVocabulary(metadata, 100_000);
  if (!vocabulary) throw new Error('there is a vocabulary');
  const made = tokenizerFiles(metadata, vocabulary, architecture);
  await closeParts(files);
  const made_folder = mkdtempSync(join(folder, 'files-'));
  writeFileSync(join(made_folder, 'tokenizer.json'), JSON.stringify(made.tokenizer));
  writeFileSync(join(made_folder, 'tokenizer_config.json'), JSON.stringify(made.config));
  return loadTokenizer(made_folder);
}

const contentOf = (token: unknown): string | undefined =>
  typeof token === 'string' ? token : (token as { content?: string } | null | undefined)?.content;

function keysOf(json: TokenizerJson, config: ConfigJson, pre: string | undefined): Record<string, GgufValue> {
  const { tokens, kinds, ids } = listOf(json, pre === undefined);
  const keys: Record<string, GgufValue> = {
    'general.architecture': 'any',
    'tokenizer.ggml.model': pre === undefined ? 'llama' : 'gpt2',
    'tokenizer.ggml.tokens': tokens,
    'tokenizer.ggml.token_type': kinds,
  };
  const merges = json.model.merges.map((merge) => (typeof merge === 'string' ? merge : merge.join(' ')));
  if (pre === undefined) {
    keys['tokenizer.ggml.scores'] = scoresOf(tokens, merges);
    const normalizers = [json.normalizer, ...(json.normalizer?.normalizers ?? [])];
    keys['tokenizer.ggml.add_space_prefix'] = normalizers.some((each) => each?.type === 'Prepend');
  } else {
    keys['tokenizer.ggml.pre'] = pre;
    keys['tokenizer.ggml.merges'] = merges;
  }
  for (const name of ['bos', 'eos']) {
    const id = ids.get(contentOf(config[`${name}_token`]) ?? '');
    if (id !== undefined) keys[`tokenizer.ggml.${name}_token_id`] = id;
  }
  // Converters look at what the tokenizer does with a text.
  keys['tokenizer.ggml.add_bos_token'] = addsBegin(json);
  if (typeof config['chat_template'] === 'string') keys['tokenizer.chat_template'] = config['chat_template'];
  return keys;
}

function addsBegin(json: TokenizerJson): boolean {
  const { post_processor: post } = json as unknown as { post_processor: { type: string } | null };
  return post?.type === 'TemplateProcessing';
}

function listOf(
  json: TokenizerJson,
  isSentencePiece: boolean,
): { tokens: string[]; kinds: number[]; ids: Map<string, number> } {
  const ids = new Map(Object.entries(json.model.vocab));
  for (const { content, id } of json.added_tokens) ids.set(content, id);
  const tokens = Array.from({ length: Math.max(...ids.values()) + 1 }, (_, id) => `[PAD${id}]`);
  const kinds = tokens.map(() => 5);
  for (const [token, id] of ids) {
    tokens[id] = token;
    kinds[id] = isSentencePiece && /^<0x[0-9A-F]{2}>$/.test(token) ? 6 : 1;
  }
  for (const { id, special, content } of json.added_tokens) {
    kinds[id] = content === json.model.unk_token ? 2 : special ? 3 : 4;
  }
  return { tokens, kinds, ids };
}

/** The first merge makes the token of the highest score. */
function scoresOf(tokens: readonly string[], merges: readonly string[]): number[] {
  const ranks = new Map<string, number>();
  for (const [rank, merge] of merges.entries()) {
    const token = merge.replace(' ', '');
    if (!ranks.has(token)) ranks.set(token, rank);
  }
  return tokens.map((token) => -(ranks.get(token) ?? 1e4));
}
