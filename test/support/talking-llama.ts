/**
 * A small Llama layout with random weights and a tokenizer for text, as a checkpoint folder: what it says has no sense,
 * so that whatever holds its answers in form is the grammar's doing.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { byteLevelJson, llamaJson } from '../../src/tokenizer/files/tiny-tokenizers.fixture.js';
import { randomCheckpoint } from '../reference/random-checkpoint.js';
import { saveHfFolder } from './hf-folder.js';
import { SMALL_LLAMA } from './small-llama.js';

type TokenizerJson = {
  added_tokens: { id: number; content: string; special: boolean }[];
  model: { vocab: Record<string, number>; merges: [string, string][] };
};

export type TalkingOptions = {
  readonly tokenizer?: 'byte-level' | 'sentence-piece';
  readonly template?: string;
  /** Tokens beside those of the text, with their names. */
  readonly special?: readonly string[];
  /** As many as SMALL_LLAMA has unless given; one is enough for answers that are held in form. */
  readonly layers?: number;
};

/** Ids that the model's vocabulary has and the tokenizer does not: padding, as published models have it. */
const VOCABULARY = 400;
const FIRST_OWN = 310;
/** As tokenizers merge them: a token may end one part of a JSON text and begin the next. */
const JSON_TOKENS = ['{"', '":', '",', '"}', '}}', '":"', '[{"', '},', 'true', 'name', '12', '\\"', '\\u00'];

/** Creates the folder. */
export async function saveTalkingLlama(folder: string, options: TalkingOptions = {}): Promise<void> {
  const isByteLevel = options.tokenizer !== 'sentence-piece';
  const checkpoint = randomCheckpoint(
    {
      ...SMALL_LLAMA,
      layers: options.layers ?? SMALL_LLAMA.layers,
      vocabulary: VOCABULARY,
      contextTokens: 2048,
    },
    5,
  );
  await saveHfFolder(checkpoint, folder, { eosIds: [isByteLevel ? 302 : 2] });
  const json = (isByteLevel ? byteLevelJson() : llamaJson()) as TokenizerJson;
  JSON_TOKENS.forEach((token, index) => (json.model.vocab[token] = FIRST_OWN + index));
  options.special?.forEach((content, index) => {
    const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false };
    json.added_tokens.push({ ...flags, id: FIRST_OWN + 50 + index, content, special: true });
  });
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(json));
  const [bos_token, eos_token] = isByteLevel ? ['<bos>', '<eot>'] : ['<s>', '</s>'];
  const config = { bos_token, eos_token, chat_template: options.template };
  await writeFile(join(folder, 'tokenizer_config.json'), JSON.stringify(config));
}
